"""The protocol `mgca-linear`: a linear classifier on a frozen encoder.

Crops of training images are drawn anew in each epoch, so their features are computed anew
too; validation and test images are cropped at the centre. Training ends when the
validation loss stops falling. What differs from MGCA's code is what it takes from its
encoder: the input size and the mean and standard deviation of the grey values are the
encoder's own. With a split of MGCA the training images of seed 42 are those of MGCA.
"""

# Shape suffixes:
#   N = images, B = images of a step, S = rows, and columns, of the encoder's input,
#   E = width of the features, T = targets

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import nn

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import FeatureEncoder, NetworkEncoder
from asg_core.evaluation.protocols.fractions import count_positive, fitted_columns
from asg_core.evaluation.protocols.mgca.classifier import (
    ClassifierInputs,
    EncodedPart,
    encode_part,
    train_classifier,
)
from asg_core.evaluation.protocols.mgca.settings import MGCA_LINEAR, MgcaLinear
from asg_core.evaluation.protocols.mgca.training import (
    draw_training_images,
    num_in_batches,
    parts_missing,
)
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.protocols.run_fits import FitPlan, run_fits, subject_of
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject
from asg_core.evaluation.scoring.score_frames import score_frame
from asg_core.images.pixel_cache import PixelCache

PROTOCOL = "mgca-linear"


def mgca_linear(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    fractions: Sequence[float],
    num_seeds: int,
    settings: MgcaLinear = MGCA_LINEAR,
    batch_size: int = 64,
) -> ProtocolResult | NotApplicable:
    """Train a classifier for every fraction and seed, and score the test images.

    Targets are trained together, with one logit each: binary cross-entropy, or over the
    classes where these exclude each other. Images without a label for a target say nothing
    about it. A target (or class) of which the training labels have one value only gets no
    rows; a fit without any other is skipped. All images too are trained on with every
    seed: order, crops and first weights differ.

    Args:
        benchmark: Labels and parts.
        encoder: Frozen, in evaluation mode.
        cache: Pixels of every image of the benchmark.
        fractions: Shares of the training images.
        num_seeds: Repetitions of each fraction.
        settings: Those of the protocol.
        batch_size: Images of a forward pass where nothing is trained.

    Returns:
        Fits with SCORES of every validation and test image, as probabilities; or why the
        protocol does not apply to this benchmark.

    Raises:
        FloatingPointError: If a loss is not finite.
    """
    setting = parts_missing(benchmark) or _prepare(
        benchmark, encoder, cache, settings=settings, batch_size=batch_size
    )
    if isinstance(setting, NotApplicable):
        return setting
    seeds = range(settings.seed, settings.seed + num_seeds)
    plan = FitPlan(
        subject=setting.subject,
        repetitions=list(product(fractions, seeds)),
        draw_images=partial(draw_training_images, benchmark),
        count_positive=partial(count_positive, benchmark),
    )
    return ProtocolResult(
        subject=setting.subject,
        outcomes=tuple(run_fits(plan, setting.fit_one)),
        about=(_about(setting),),
    )


def _prepare(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    settings: MgcaLinear,
    batch_size: int,
) -> "_Setting":
    validate, test = (
        encode_part(
            benchmark, encoder, cache, benchmark.part(split), batch_size=batch_size
        )
        for split in ("validate", "test")
    )
    return _Setting(
        benchmark=benchmark,
        inputs=ClassifierInputs(
            encoder=encoder,
            cache=cache,
            validate=validate,
            is_exclusive=benchmark.is_exclusive,
            is_augmented=benchmark.name in settings.augmented,
        ),
        test=test,
        settings=settings,
        subject=subject_of(benchmark, protocol=PROTOCOL, encoder=encoder.name),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What all fits share."""

    benchmark: Benchmark
    inputs: ClassifierInputs
    test: EncodedPart
    settings: MgcaLinear
    subject: Subject

    def num_used(self, num_images: int) -> int:
        """Return how many of the images fill whole batches."""
        return num_in_batches(num_images, self.settings.batch_size)

    def fit_one(self, draw: Draw) -> Fit | Skipped:
        """Train a classifier and score the validation and test images."""
        num_train, targets = len(draw.image_ids), self.benchmark.targets
        truth_NT = self.benchmark.truth(draw.image_ids)
        columns = fitted_columns(truth_NT, is_exclusive=self.benchmark.is_exclusive)
        if not columns:
            return Skipped(
                draw=draw,
                reason=f"the labels of the {num_train} training images have one value "
                "only, so there is nothing to learn from",
            )
        classifier, training = train_classifier(
            self.inputs,
            draw.image_ids,
            torch.from_numpy(truth_NT),
            settings=self.settings,
            seed=draw.seed,
        )
        notes = [
            f"{self.num_used(num_train)} of {num_train} training images an epoch, "
            f"{training.sentence()}"
        ]
        left_out = [target for k, target in enumerate(targets) if k not in columns]
        if left_out:
            notes.append(
                f"no rows of {', '.join(left_out)}: one value only in the training labels"
            )
        test, validation = (
            self._score(classifier, part, columns, draw=draw)
            for part in (self.test, self.inputs.validate)
        )
        return Fit(draw=draw, test=test, validation=validation, notes=tuple(notes))

    @torch.no_grad()
    def _score(
        self,
        classifier: nn.Linear,
        part: EncodedPart,
        columns: list[int],
        *,
        draw: Draw,
    ) -> pl.DataFrame:
        logit_NT = classifier(part.feature_NE)
        is_exclusive = self.benchmark.is_exclusive
        prob_NT = logit_NT.softmax(1) if is_exclusive else logit_NT.sigmoid()
        score_NT: npt.NDArray[np.float32] = prob_NT[:, columns].float().cpu().numpy()
        return score_frame(
            score_NT,
            part.truth_NT[:, columns].cpu().numpy(),
            image_ids=part.image_ids,
            targets=[self.benchmark.targets[column] for column in columns],
            subject=self.subject,
            draw=draw,
        )


def _about(setting: _Setting) -> str:
    """Return what is the same in all fits."""
    inputs = setting.inputs
    num_weights = inputs.validate.feature_NE.shape[1] + 1
    num_targets = len(setting.benchmark.targets)
    seen = "random crops"
    if inputs.is_augmented:
        seen += ", brightness and contrast, blur, horizontal flip"
    if isinstance(inputs.encoder, NetworkEncoder):
        network = inputs.encoder.network
        seen += f"; encoder's own mean {network.mean} and std {network.std}"
    num_validate = len(inputs.validate.image_ids)
    return (
        f"{num_weights * num_targets} numbers are trained, weight and bias of one linear "
        f"layer; no buffer changes; training images: {seen}; the validation loss is over "
        f"{setting.num_used(num_validate)} of {num_validate} images"
    )
