"""The protocol `mgca-segmentation`: a decoder on a frozen encoder.

SETR-PUP on the tokens of a transformer, a U-Net on the maps of a convolutional encoder.
The whole square of the cache is scaled to the input of the encoder, without a crop, and
masks are as large as the input. What differs from MGCA's code: size, mean and standard
deviation are the encoder's own; training images are scaled and rotated after they were
made small; MGCA draws its fraction from the global generator, whose state nothing records, and
so ours is another draw by the same rule: from the images in the order of the split.
"""

# Shape suffixes:
#   N = images, B = images of a step, S = rows, and columns, of the input and of masks

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import FeatureEncoder, NetworkEncoder
from asg_core.evaluation.protocols.batches import in_batches
from asg_core.evaluation.protocols.mgca.images import MaskedImages, make_masked_images
from asg_core.evaluation.protocols.mgca.losses import segmentation_losses
from asg_core.evaluation.protocols.mgca.networks import FrozenSegmenter, build_segmenter
from asg_core.evaluation.protocols.mgca.settings import (
    MGCA_SEGMENTATION,
    MaskedBenchmark,
    MgcaSegmentation,
)
from asg_core.evaluation.protocols.mgca.training import (
    Training,
    batches,
    num_in_batches,
    parts_missing,
    sample_rows,
    train_with_patience,
)
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.protocols.run_fits import FitPlan, run_fits, subject_of
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject
from asg_core.evaluation.scoring.masks import INSIDE
from asg_core.evaluation.scoring.pixel_counts import (
    PixelCounts,
    count_pixels,
    join_counts,
)
from asg_core.evaluation.scoring.score_frames import segmentation_frame
from asg_core.evaluation.scoring.segmentation_metrics import mask_rules
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.optimizer import make_optimizer
from asg_core.learning.step import total_loss, update_weights

PROTOCOL = "mgca-segmentation"


def mgca_segmentation(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    fractions: Sequence[float],
    num_seeds: int,
    settings: MgcaSegmentation = MGCA_SEGMENTATION,
    batch_size: int = 64,
) -> ProtocolResult | NotApplicable:
    """Train a decoder for every fraction and seed, and count the pixels of test images.

    A pixel is inside where its probability is over a half. A fraction without any mask is
    skipped.

    Args:
        benchmark: SIIM or RSNA.
        encoder: In evaluation mode; fits work on copies of it.
        cache: Pixels of every image of the benchmark.
        fractions: Shares of the training images.
        num_seeds: Repetitions of each fraction.
        settings: Those of the protocol.
        batch_size: Images of a forward pass where nothing is trained.

    Returns:
        Fits with SEGMENTATION_SCORES of every test image, at the encoder's input size; or
        why the protocol does not apply to this encoder or this benchmark.

    Raises:
        FloatingPointError: If a loss is not finite.
    """
    setting = _prepare(
        benchmark, encoder, cache, settings=settings, batch_size=batch_size
    )
    if isinstance(setting, NotApplicable):
        return setting
    seeds = range(settings.seed, settings.seed + num_seeds)
    plan = FitPlan(
        subject=setting.subject,
        repetitions=list(product(fractions, seeds)),
        draw_images=setting.draw_images,
        count_positive=setting.images.count_positive,
    )
    return ProtocolResult(
        subject=setting.subject,
        outcomes=tuple(run_fits(plan, setting.fit_one)),
        about=(_about(setting),),
        rules=mask_rules(
            setting.images.masks.target,
            lambda split: setting.images.grid_masks(benchmark.part(split)),
        ),
    )


def _prepare(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    settings: MgcaSegmentation,
    batch_size: int,
) -> "_Setting | NotApplicable":
    """Return what all fits share, or why the protocol does not apply."""
    masked = settings.benchmarks.get(benchmark.name)
    if masked is None or benchmark.segmentation_target is None:
        return NotApplicable(
            reason=f"defined for siim and rsna, not for '{benchmark.name}'"
        )
    if not isinstance(encoder, NetworkEncoder):
        return NotApplicable(
            reason=f"'{encoder.name}' has no network to put a decoder on"
        )
    return parts_missing(benchmark) or _Setting(
        benchmark=benchmark,
        encoder=encoder,
        images=make_masked_images(
            benchmark, cache, size=encoder.input_size, settings=settings
        ),
        settings=settings,
        masked=masked,
        subject=subject_of(benchmark, protocol=PROTOCOL, encoder=encoder.name),
        batch_size=batch_size,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What all fits share."""

    benchmark: Benchmark
    encoder: NetworkEncoder
    images: MaskedImages
    settings: MgcaSegmentation
    masked: MaskedBenchmark
    subject: Subject
    batch_size: int
    """Images of a forward pass where nothing is trained."""

    def draw_images(self, fraction: float, seed: int) -> list[str]:
        """Return the training images of a fraction, whose number is rounded down."""
        listed = self.benchmark.listed("train")
        image_ids = [image_id for image_id in listed if image_id is not None]
        if self.masked.is_balanced:
            masks = self.images.masks
            positive = [name for name in image_ids if name in masks]
            without = [name for name in image_ids if name not in masks]
            state = np.random.RandomState(seed)
            kept = state.permutation(len(without))[: len(positive)]
            image_ids = positive + [without[place] for place in kept]
        rows = sample_rows(
            len(image_ids), fraction=fraction, seed=seed, rounds_down=True
        )
        return [image_ids[row] for row in rows]

    def fit_one(self, draw: Draw) -> Fit | Skipped:
        """Train a decoder and count the pixels of the test images."""
        num_train, target = len(draw.image_ids), self.images.masks.target
        if not draw.num_positive[target]:
            return Skipped(
                draw=draw,
                reason=f"none of the {num_train} training images has a mask, so there is "
                "nothing to learn from",
            )
        segmenter, training = _train(self, draw.image_ids, seed=draw.seed)
        frame = segmentation_frame(
            _count(self, segmenter),
            self.benchmark.part("test"),
            target=target,
            subject=self.subject,
            draw=draw,
        )
        note = (
            f"{self.num_used(num_train)} of {num_train} training images an epoch, "
            f"{draw.num_positive[target]} of the {num_train} with a mask; "
            f"{training.sentence()}"
        )
        return Fit(draw=draw, test=frame, notes=(note,))

    def build(self, *, seed: int) -> FrozenSegmenter:
        """Return the encoder below a decoder whose weights depend on the seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            segmenter = build_segmenter(self.encoder.network, settings=self.settings)
        return segmenter.to(self.encoder.device)

    def batches_of(self, image_ids: Sequence[str]) -> Iterator[list[str]]:
        """Yield the batches of training or of the validation loss."""
        for rows in batches(np.arange(len(image_ids)), self.masked.batch_size):
            yield [image_ids[row] for row in rows]

    def num_used(self, num_images: int) -> int:
        """Return how many of the images those batches hold."""
        return num_in_batches(num_images, self.masked.batch_size)

    def losses(
        self, segmenter: FrozenSegmenter, image_BSS: Tensor, share_BSS: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms of the loss of a batch."""
        device = self.encoder.device
        with self.encoder.arithmetic():
            logit_BSS = segmenter(image_BSS.to(device))
        return segmentation_losses(
            logit_BSS.float(), share_BSS.to(device), gamma=self.settings.focal_gamma
        )

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weights of the terms."""
        return {"focal": self.settings.focal_weight, "dice": 1.0}


def _train(
    setting: _Setting, train_ids: Sequence[str], *, seed: int
) -> tuple[FrozenSegmenter, Training]:
    settings = setting.settings
    segmenter = setting.build(seed=seed)
    optimizer = make_optimizer(
        segmenter.decoder,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=False,
    )

    def run_epoch(epoch: int) -> None:
        segmenter.set_training(is_training=True)
        order_N = np.random.default_rng((seed, epoch)).permutation(len(train_ids))
        for batch_ids in setting.batches_of([train_ids[row] for row in order_N]):
            image_BSS, share_BSS = setting.images.read_augmented(
                batch_ids, settings=settings, seed=seed, epoch=epoch
            )
            update_weights(
                segmenter.decoder,
                optimizer,
                setting.losses(segmenter, image_BSS, share_BSS),
                weights=setting.loss_weights,
                where=f"{PROTOCOL} of {setting.encoder.name}, epoch {epoch}",
                advice="look at the features of this encoder",
            )

    training = train_with_patience(
        segmenter,
        run_epoch=run_epoch,
        validate=partial(_validation_loss, setting, segmenter),
        epochs=settings.epochs,
        patience=settings.patience,
    )
    segmenter.set_training(is_training=False)
    return segmenter, training


@torch.no_grad()
def _validation_loss(setting: _Setting, segmenter: FrozenSegmenter) -> float:
    segmenter.set_training(is_training=False)
    losses = [
        setting.losses(segmenter, *setting.images.read(batch_ids))
        for batch_ids in setting.batches_of(setting.benchmark.part("validate"))
    ]
    totals = [total_loss(terms, setting.loss_weights).item() for terms in losses]
    return float(np.mean(totals))


@torch.no_grad()
def _count(setting: _Setting, segmenter: FrozenSegmenter) -> PixelCounts:
    """Return the pixels of the test images."""
    test_ids = setting.benchmark.part("test")
    counts: list[PixelCounts] = []
    for part in in_batches(len(test_ids), setting.batch_size):
        image_BSS, share_BSS = setting.images.read(test_ids[part])
        with setting.encoder.arithmetic():
            logit_BSS = segmenter(image_BSS.to(setting.encoder.device))
        predicted_BSS = (logit_BSS.float() > 0).cpu().numpy()
        counts.append(count_pixels(predicted_BSS, (share_BSS > INSIDE).numpy()))
    return join_counts(counts)


def _about(setting: _Setting) -> str:
    """Return what is the same in all fits."""
    settings, network = setting.settings, setting.encoder.network
    segmenter = setting.build(seed=settings.seed)
    weights = [weight for weight in segmenter.parameters() if weight.requires_grad]
    moving = segmenter.moving_buffers()
    frozen = (
        f"{len(moving)} buffers of the frozen encoder follow the training images: "
        + ", ".join(moving)
        if moving
        else "no buffer of the frozen encoder changes"
    )
    num_validate = len(setting.benchmark.part("validate"))
    return (
        f"{type(segmenter.decoder).__name__} of "
        f"{sum(weight.numel() for weight in weights)} numbers in {len(weights)} tensors "
        f"is trained; {frozen}; images and masks of {network.size} px, images made "
        f"smaller by {setting.images.crop.resample}, mean {network.mean}, std "
        f"{network.std}; training images are scaled by up to {settings.scale:g} and "
        f"rotated by up to {settings.rotation:g} degrees with a probability of "
        f"{settings.augmentation_probability:g}; the validation loss is over "
        f"{setting.num_used(num_validate)} of {num_validate} images"
    )
