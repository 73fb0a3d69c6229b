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

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import FeatureEncoder, NetworkEncoder
from asg_core.evaluation.protocols.mgca.config import (
    MaskedBenchmarkConfig,
    MgcaSegmentationConfig,
)
from asg_core.evaluation.protocols.mgca.images import MaskedImages, make_masked_images
from asg_core.evaluation.protocols.mgca.losses import segmentation_loss
from asg_core.evaluation.protocols.mgca.networks import FrozenSegmenter, build_segmenter
from asg_core.evaluation.protocols.mgca.training import (
    Training,
    batches,
    num_in_batches,
    sample_rows,
    train_with_patience,
)
from asg_core.evaluation.protocols.result import (
    Fit,
    MaskCounts,
    ProtocolResult,
    SkippedFit,
    count_pixels,
    in_batches,
    join_counts,
    segmentation_frame,
)
from asg_core.evaluation.scoring.masks import INSIDE
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import SEGMENTATION_SCORES

logger = logging.getLogger(__name__)

PROTOCOL = "mgca-segmentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What all fits share."""

    benchmark: Benchmark
    encoder: NetworkEncoder
    images: MaskedImages
    config: MgcaSegmentationConfig
    masked: MaskedBenchmarkConfig

    def batches_of(self, image_ids: Sequence[str]) -> list[list[str]]:
        """Return the batches of training or of the validation loss."""
        rows = batches(
            np.arange(len(image_ids)),
            self.masked.batch_size,
            drop_last=self.config.legacy_drop_last,
        )
        return [[image_ids[row] for row in batch] for batch in rows]

    def num_used(self, image_ids: Sequence[str]) -> int:
        """Return how many images those batches hold."""
        return num_in_batches(
            len(image_ids),
            self.masked.batch_size,
            drop_last=self.config.legacy_drop_last,
        )


def mgca_segmentation(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    config: MgcaSegmentationConfig,
    fractions: Sequence[float],
    num_seeds: int,
    batch_size: int = 64,
) -> ProtocolResult | str:
    """Train a decoder for every fraction and seed, and count the pixels of test images.

    A pixel is inside where its probability is over a half. A fraction without any mask is
    left out and is in `skipped`.

    Args:
        benchmark: SIIM or RSNA.
        encoder: In evaluation mode; fits work on copies of it.
        cache: Pixels of every image of the benchmark.
        config: The protocol; its seed is the first of the seeds.
        fractions: Shares of the training images.
        num_seeds: Repetitions of each fraction.
        batch_size: Images of a forward pass where nothing is trained.

    Returns:
        SEGMENTATION_SCORES of every test image, at the encoder's input size; or why the
        protocol does not apply to this encoder or this benchmark.

    Raises:
        FloatingPointError: If a validation loss is not finite.
    """
    setting = _prepare(benchmark, encoder, cache, config=config)
    if isinstance(setting, str):
        return setting
    frames = [SEGMENTATION_SCORES.empty()]
    fits: list[Fit] = []
    notes: list[str] = []
    skipped: list[SkippedFit] = []
    for fraction in fractions:
        for seed in range(config.seed, config.seed + num_seeds):
            where = f"{PROTOCOL}, fraction {fraction:g}, seed {seed}"
            train_ids = _draw(setting, fraction=fraction, seed=seed)
            num_positive = setting.images.num_positive(train_ids)
            fit = Fit(
                fraction=fraction,
                seed=seed,
                num_train=len(train_ids),
                num_train_positive={setting.images.target: num_positive},
            )
            if not num_positive:
                reason = (
                    f"none of the {len(train_ids)} training images has a mask, so there "
                    "is nothing to learn from"
                )
                skipped.append(SkippedFit(fit=fit, reason=reason))
                continue
            segmenter, training = _train(setting, train_ids, seed=seed)
            notes = notes or [_about(setting, segmenter)]
            notes.append(
                f"{where}: {setting.num_used(train_ids)} of {len(train_ids)} training "
                f"images an epoch, {num_positive} of the {len(train_ids)} with a mask; "
                f"{training.sentence()}"
            )
            fits.append(fit)
            frames.append(_score(setting, segmenter, fit=fit, batch_size=batch_size))
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
        fits=tuple(fits),
        notes=tuple(notes),
        skipped=tuple(skipped),
    )


def _prepare(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    config: MgcaSegmentationConfig,
) -> _Setting | str:
    """Return what all fits share, or why the protocol does not apply."""
    masked = {"siim": config.siim, "rsna": config.rsna}.get(benchmark.name)
    if masked is None or benchmark.segmentation_target is None:
        return f"defined for siim and rsna, not for '{benchmark.name}'"
    if not isinstance(encoder, NetworkEncoder):
        return f"'{encoder.name}' has no network to put a decoder on"
    num_validate = len(benchmark.part("validate"))
    if not num_validate or not benchmark.part("train"):
        return (
            f"training ends by the validation loss, and '{benchmark.name}' has "
            f"{len(benchmark.part('train'))} training and {num_validate} validation "
            "images"
        )
    images = make_masked_images(
        benchmark, cache, size=encoder.input_size, resample=config.resample
    )
    return _Setting(
        benchmark=benchmark,
        encoder=encoder,
        images=images,
        config=config,
        masked=masked,
    )


def _draw(setting: _Setting, *, fraction: float, seed: int) -> list[str]:
    """Return the training images of a fraction, whose number is rounded down."""
    listed = setting.benchmark.listed("train")
    image_ids = [image_id for image_id in listed if image_id is not None]
    if setting.masked.negatives == "balanced":
        positive = [name for name in image_ids if setting.images.is_positive(name)]
        without = [name for name in image_ids if not setting.images.is_positive(name)]
        state = np.random.RandomState(seed)
        kept = state.permutation(len(without))[: len(positive)]
        image_ids = positive + [without[place] for place in kept]
    drawn = sample_rows(len(image_ids), fraction=fraction, seed=seed, rounds_down=True)
    return [image_ids[row] for row in drawn]


def _train(
    setting: _Setting, train_ids: list[str], *, seed: int
) -> tuple[FrozenSegmenter, Training]:
    config, encoder = setting.config, setting.encoder
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        segmenter = build_segmenter(encoder.network, config=config).to(encoder.device)
    optimizer = torch.optim.AdamW(
        segmenter.decoder.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
    )

    def run_epoch(epoch: int) -> None:
        segmenter.set_training(is_training=True)
        order_N = np.random.default_rng((seed, epoch)).permutation(len(train_ids))
        for batch_ids in setting.batches_of([train_ids[row] for row in order_N]):
            image_BSS, share_BSS = setting.images.read_augmented(
                batch_ids, config=config, seed=seed, epoch=epoch
            )
            loss = _batch_loss(setting, segmenter, image_BSS, share_BSS)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def validation_loss() -> float:
        segmenter.set_training(is_training=False)
        losses = [
            _batch_loss(setting, segmenter, *setting.images.read(batch_ids)).item()
            for batch_ids in setting.batches_of(setting.benchmark.part("validate"))
        ]
        return float(np.mean(losses))

    training = train_with_patience(
        segmenter, run_epoch=run_epoch, validate=validation_loss, rule=config
    )
    segmenter.set_training(is_training=False)
    return segmenter, training


def _batch_loss(
    setting: _Setting, segmenter: FrozenSegmenter, image_BSS: Tensor, share_BSS: Tensor
) -> Tensor:
    with setting.encoder.arithmetic():
        logit_BSS = segmenter(image_BSS.to(setting.encoder.device))
    return segmentation_loss(
        logit_BSS.float(),
        share_BSS.to(setting.encoder.device),
        focal_weight=setting.config.focal_weight,
        gamma=setting.config.focal_gamma,
    )


@torch.no_grad()
def _score(
    setting: _Setting, segmenter: FrozenSegmenter, *, fit: Fit, batch_size: int
) -> pl.DataFrame:
    test_ids = setting.benchmark.part("test")
    counts: list[MaskCounts] = []
    for part in in_batches(len(test_ids), batch_size):
        image_BSS, share_BSS = setting.images.read(test_ids[part])
        with setting.encoder.arithmetic():
            logit_BSS = segmenter(image_BSS.to(setting.encoder.device))
        predicted_BSS = (logit_BSS.float() > 0).cpu().numpy()
        counts.append(count_pixels(predicted_BSS, (share_BSS > INSIDE).numpy()))
    if not counts:
        return SEGMENTATION_SCORES.empty()
    return segmentation_frame(
        join_counts(counts),
        test_ids,
        benchmark=setting.benchmark.name,
        protocol=PROTOCOL,
        encoder=setting.encoder.name,
        target=setting.images.target,
        fit=fit,
    )


def _about(setting: _Setting, segmenter: FrozenSegmenter) -> str:
    """Return what is the same in all fits."""
    config, network = setting.config, setting.encoder.network
    weights = [weight for weight in segmenter.parameters() if weight.requires_grad]
    moving = segmenter.moving_buffers()
    frozen = (
        f"{len(moving)} buffers of the frozen encoder follow the training images: "
        + ", ".join(moving)
        if moving
        else "no buffer of the frozen encoder changes"
    )
    validate_ids = setting.benchmark.part("validate")
    return (
        f"{PROTOCOL}: {type(segmenter.decoder).__name__} of "
        f"{sum(weight.numel() for weight in weights)} numbers in {len(weights)} tensors "
        f"is trained; {frozen}; images and masks of {network.size} px, images made "
        f"smaller by {config.resample}, mean "
        f"{network.mean}, std {network.std}; training images are scaled by up to {config.scale:g} and "
        f"rotated by up to {config.rotation:g} degrees with a probability of "
        f"{config.augmentation_probability:g}; the validation loss is over "
        f"{setting.num_used(validate_ids)} of {len(validate_ids)} images"
    )
