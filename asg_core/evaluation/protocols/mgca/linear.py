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

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor, nn

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import FeatureEncoder, NetworkEncoder
from asg_core.evaluation.protocols.mgca.classifier import (
    EncodedPart,
    LinearSetting,
    encode_part,
    train_classifier,
)
from asg_core.evaluation.protocols.mgca.config import MgcaLinearConfig
from asg_core.evaluation.protocols.mgca.training import (
    draw_training_images,
    num_in_batches,
)
from asg_core.evaluation.protocols.result import Fit, ProtocolResult, SkippedFit
from asg_core.evaluation.scoring.score_frames import score_frame
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import SCORES

logger = logging.getLogger(__name__)

PROTOCOL = "mgca-linear"


def mgca_linear(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    config: MgcaLinearConfig,
    fractions: Sequence[float],
    num_seeds: int,
    batch_size: int = 64,
) -> ProtocolResult | str:
    """Train a classifier for every fraction and seed, and score the test images.

    Targets are trained together, with one logit each: binary cross-entropy, or over the
    classes where these exclude each other. Images without a label for a target say nothing
    about it. A target (or class) of which the training labels have one value only gets no
    rows; a fit without any other is left out and is in `skipped`. All images too are
    trained on with every seed: order, crops and first weights differ.

    Args:
        benchmark: Labels and parts.
        encoder: Frozen, in evaluation mode.
        cache: Pixels of every image of the benchmark.
        config: The protocol; its seed is the first of the seeds.
        fractions: Shares of the training images.
        num_seeds: Repetitions of each fraction.
        batch_size: Images of a forward pass where nothing is trained.

    Returns:
        SCORES of every test image, as probabilities; `validation` has the same of the
        validation images. Or why the protocol does not apply to this benchmark.

    Raises:
        FloatingPointError: If a validation loss is not finite.
    """
    validate_ids, train_ids = benchmark.part("validate"), benchmark.part("train")
    if not validate_ids or not train_ids:
        return (
            f"training ends by the validation loss, and '{benchmark.name}' has "
            f"{len(train_ids)} training and {len(validate_ids)} validation images"
        )
    setting = LinearSetting(
        benchmark=benchmark,
        encoder=encoder,
        cache=cache,
        config=config,
        validate=encode_part(
            benchmark, encoder, cache, validate_ids, batch_size=batch_size
        ),
        test=encode_part(
            benchmark, encoder, cache, benchmark.part("test"), batch_size=batch_size
        ),
    )
    frames, validations = [SCORES.empty()], [SCORES.empty()]
    fits: list[Fit] = []
    notes = [_about(setting)]
    skipped: list[SkippedFit] = []
    for fraction in fractions:
        for seed in range(config.seed, config.seed + num_seeds):
            drawn = draw_training_images(benchmark, fraction=fraction, seed=seed)
            outcome = _fit(setting, drawn, fraction=fraction, seed=seed)
            if isinstance(outcome, SkippedFit):
                skipped.append(outcome)
                continue
            fits.append(outcome.fit)
            notes.extend(outcome.notes)
            frames.append(outcome.test)
            validations.append(outcome.validation)
    logger.info(
        "%s of %s on %s: %d fits, %d left out",
        PROTOCOL,
        encoder.name,
        benchmark.name,
        len(fits),
        len(skipped),
    )
    return ProtocolResult(
        frame=pl.concat(frames),
        validation=pl.concat(validations),
        fits=tuple(fits),
        notes=tuple(notes),
        skipped=tuple(skipped),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of one fit."""

    fit: Fit
    test: pl.DataFrame
    validation: pl.DataFrame
    notes: list[str]


def _about(setting: LinearSetting) -> str:
    """Return what is the same in all fits."""
    config, encoder = setting.config, setting.encoder
    num_weights = setting.validate.feature_NE.shape[1] + 1
    num_targets = len(setting.benchmark.targets)
    seen = "random crops"
    if setting.is_augmented:
        seen += ", brightness and contrast, blur, horizontal flip"
    if isinstance(encoder, NetworkEncoder):
        network = encoder.network
        seen += f"; encoder's own mean {network.mean} and std {network.std}"
    num_validate = len(setting.validate.image_ids)
    num_used = num_in_batches(
        num_validate, config.batch_size, drop_last=config.legacy_drop_last
    )
    return (
        f"{PROTOCOL}: {num_weights * num_targets} numbers are trained, weight and bias "
        f"of one linear layer; no buffer changes; training images: {seen}; the "
        f"validation loss is over {num_used} of {num_validate} images"
    )


def _fit(
    setting: LinearSetting, train_ids: list[str], *, fraction: float, seed: int
) -> _Outcome | SkippedFit:
    """Train and score, or say why not."""
    benchmark, config = setting.benchmark, setting.config
    where = f"{PROTOCOL}, fraction {fraction:g}, seed {seed}"
    truth_NT = torch.from_numpy(benchmark.truth(train_ids))
    columns = _fitted_columns(truth_NT, is_exclusive=benchmark.is_exclusive)
    fit = Fit(
        fraction=fraction,
        seed=seed,
        num_train=len(train_ids),
        num_train_positive={
            target: int(truth_NT[:, column].nan_to_num().sum())
            for column, target in enumerate(benchmark.targets)
        },
    )
    if not columns:
        reason = (
            f"the labels of the {len(train_ids)} training images have one value only, so "
            "there is nothing to learn from"
        )
        return SkippedFit(fit=fit, reason=reason)
    classifier, training = train_classifier(setting, train_ids, truth_NT, seed=seed)
    num_used = num_in_batches(
        len(train_ids), config.batch_size, drop_last=config.legacy_drop_last
    )
    notes = [
        f"{where}: {num_used} of {len(train_ids)} training images an epoch, "
        f"{training.sentence()}"
    ]
    left_out = [
        target for k, target in enumerate(benchmark.targets) if k not in columns
    ]
    if left_out:
        notes.append(
            f"{where}: no rows of {', '.join(left_out)}: one value only in the training "
            "labels"
        )
    test, validation = (
        _score(classifier, part, columns, setting=setting, fit=fit)
        for part in (setting.test, setting.validate)
    )
    return _Outcome(fit=fit, test=test, validation=validation, notes=notes)


def _fitted_columns(truth_NT: Tensor, *, is_exclusive: bool) -> list[int]:
    """Return the targets with both values, or the classes, if several, with an image."""
    positive_T = truth_NT.nan_to_num().sum(0)
    if is_exclusive:
        is_fitted_T = (positive_T > 0) & ((positive_T > 0).sum() > 1)
    else:
        is_fitted_T = (positive_T > 0) & (positive_T < (~truth_NT.isnan()).sum(0))
    return [int(column) for column in is_fitted_T.nonzero()[:, 0]]


@torch.no_grad()
def _score(
    classifier: nn.Linear,
    part: EncodedPart,
    columns: list[int],
    *,
    setting: LinearSetting,
    fit: Fit,
) -> pl.DataFrame:
    if not part.image_ids:
        return SCORES.empty()
    logit_NT = classifier(part.feature_NE)
    is_exclusive = setting.benchmark.is_exclusive
    prob_NT = logit_NT.softmax(1) if is_exclusive else logit_NT.sigmoid()
    score_NT: npt.NDArray[np.float32] = prob_NT[:, columns].float().cpu().numpy()
    return score_frame(
        score_NT,
        part.truth_NT[:, columns].cpu().numpy(),
        image_ids=part.image_ids,
        targets=[setting.benchmark.targets[column] for column in columns],
        benchmark=setting.benchmark.name,
        protocol=PROTOCOL,
        encoder=setting.encoder.name,
        fit=fit,
    )
