"""The protocols `segmentation-cached` and `segmentation-cached-quick`.

Ours: a small decoder on frozen patch features, without augmentation, the same for every
encoder. The decoder is trained for a fixed number of steps on features that are
standardised with the training images of the fraction; the validation part chooses the
probability above which a pixel is inside. The quick one has coarser masks and fewer steps,
for encoders of small images; its name says so, because its scores are others.
"""

# Shape suffixes:
#   N = images, B = images of a step, G = rows, and columns, of a mask

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.batches import in_batches
from asg_core.evaluation.protocols.decoders import PatchDecoder
from asg_core.evaluation.protocols.fractions import draw_fraction, repetitions
from asg_core.evaluation.protocols.patch_maps import (
    CHUNK,
    PatchMaps,
    Rows,
    Scale,
    make_patch_maps,
)
from asg_core.evaluation.protocols.result import ProtocolResult
from asg_core.evaluation.protocols.run_fits import FitPlan, run_fits, subject_of
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject
from asg_core.evaluation.scoring.masks import Masks, TrueMasks, true_masks
from asg_core.evaluation.scoring.pixel_counts import (
    PixelCounts,
    count_pixels,
    join_counts,
)
from asg_core.evaluation.scoring.score_frames import segmentation_frame
from asg_core.evaluation.scoring.segmentation_metrics import mask_rules
from asg_core.learning.optimizer import make_optimizer
from asg_core.learning.precision import arithmetic
from asg_core.learning.schedule import WarmupCosine
from asg_core.learning.step import update_weights
from asg_core.settings import Precision

Name = Literal["segmentation-cached", "segmentation-cached-quick"]

_WARMUP = 0.1
_DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationCached:
    """What the name of a protocol fixes."""

    size: int = 112
    """Cells of the masks, each way, over what the encoder sees: the same for every
    encoder. A cell is inside where more than half of its area is."""

    steps: int = 200
    """Optimizer steps, whatever the number of images."""

    hidden_width: int = 64
    """Channels between the two convolutions."""

    batch_size: int = 16
    """Images per step."""

    learning_rate: float = 3e-3
    """Peak rate of AdamW; it rises over the first tenth of the steps and falls as a
    cosine."""

    weight_decay: float = 1e-4
    """Decoupled weight decay."""

    dice_weight: float = 1.0
    """Weight of the soft Dice loss of a batch beside the binary cross-entropy."""

    negatives: float = 1.0
    """Training images without a mask per image with one, drawn from the fraction."""

    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    """Probabilities above which a pixel may count as inside. The best on the validation
    part is taken, by the mean Dice of the images with a mask."""


SEGMENTATION_CACHED: Final[Mapping[Name, SegmentationCached]] = {
    "segmentation-cached": SegmentationCached(),
    "segmentation-cached-quick": SegmentationCached(size=56, steps=150),
}


def segment_cached(
    benchmark: Benchmark,
    features: Features,
    *,
    protocol: Name,
    masks: Masks,
    fractions: Sequence[float],
    seeds: Sequence[int],
    settings: SegmentationCached | None = None,
    device: str = "cpu",
    precision: Precision = "fp32",
) -> ProtocolResult:
    """Train a decoder for every fraction and seed, and count the pixels of test images.

    Training images are those of the fraction that have a mask, and as many of the others.
    All of them, with seed s, are a function of the fraction and s; of the whole training
    part only the first seed is used. A fraction without any mask is skipped.

    Args:
        benchmark: One with a segmentation target.
        features: With patches, of every image of the benchmark.
        protocol: Which of the two.
        masks: The true masks (N, G, G) of the images of `features`, in its order; G is
            the size that the protocol fixes.
        fractions: Shares of the training images.
        seeds: Of the draws, the weights and the order of the images.
        settings: Others than those of the protocol.
        device: Where the decoder is trained.
        precision: Arithmetic of the decoder; its weights are 32 bit always.

    Returns:
        Fits with SEGMENTATION_SCORES of every test image, at G x G pixels.

    Raises:
        ValueError: If the benchmark has no masks, the features have no square grid of
            patches, or the masks are not of their images at the size of the protocol.
    """
    settings = settings or SEGMENTATION_CACHED[protocol]
    setting = _Setting(
        benchmark=benchmark,
        features=features,
        truth=true_masks(benchmark),
        maps=make_patch_maps(features, masks, size=settings.size, device=device),
        settings=settings,
        subject=subject_of(benchmark, protocol=protocol, encoder=features.encoder),
        precision=precision,
    )
    plan = FitPlan(
        subject=setting.subject,
        repetitions=repetitions(fractions, seeds),
        draw_images=partial(draw_fraction, benchmark.part("train")),
        count_positive=setting.count_positive,
    )
    return ProtocolResult(
        subject=setting.subject,
        outcomes=tuple(run_fits(plan, setting.fit_one)),
        about=tuple(_remarks(setting)),
        rules=mask_rules(setting.truth.target, setting.masks_of),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What all fits share."""

    benchmark: Benchmark
    features: Features
    truth: TrueMasks
    maps: PatchMaps
    settings: SegmentationCached
    subject: Subject
    precision: Precision

    def rows(self, split: str) -> Rows:
        """Return where the images of a part are among the features."""
        return self.features.rows(self.benchmark.part(split))

    def masks_of(self, split: str) -> Masks:
        """Return those masks of a part that are not empty."""
        rows = self.rows(split)
        masks_NGG: Masks = self.maps.masks_NGG[rows[self.maps.has_mask_N[rows]]]
        return masks_NGG

    def count_positive(self, image_ids: Sequence[str]) -> dict[str, int]:
        """Return how many of the images have a mask that fills a cell."""
        has_mask_N = self.maps.has_mask_N[self.features.rows(image_ids)]
        return {self.truth.target: int(has_mask_N.sum())}

    def fit_one(self, draw: Draw) -> Fit | Skipped:
        """Train a decoder and count the pixels of the test images."""
        train_N = self.features.rows(draw.image_ids)
        num_positive = draw.num_positive[self.truth.target]
        if not num_positive:
            return Skipped(
                draw=draw,
                reason=f"none of the {len(train_N)} training images has a mask of "
                f"{self.truth.target} at {self.settings.size} x {self.settings.size} "
                "cells, so there is nothing to learn from",
            )
        trained = _train(self, train_N, seed=draw.seed)
        threshold = _best_threshold(self, trained)
        (counts,) = _count(self, trained, self.rows("test"), thresholds=(threshold,))
        note = (
            f"{trained.num_used} of {len(train_N)} training images used, {num_positive} "
            f"of them with a mask; inside above a probability of {threshold:g}"
        )
        frame = segmentation_frame(
            counts,
            self.benchmark.part("test"),
            target=self.truth.target,
            subject=self.subject,
            draw=draw,
        )
        return Fit(draw=draw, test=frame, notes=(note,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trained:
    """A trained decoder with what it needs to predict."""

    decoder: PatchDecoder
    scale: Scale
    num_used: int


def _remarks(setting: _Setting) -> Iterator[str]:
    """Yield what a reader must know of all fits."""
    maps, image_ids = setting.maps, setting.features.image_ids
    is_masked_N = np.array([image_id in setting.truth for image_id in image_ids])
    num_lost = int((is_masked_N & ~maps.has_mask_N).sum())
    if num_lost:
        yield (
            f"{num_lost} of {int(is_masked_N.sum())} masks fill half of no cell, and "
            "count as empty"
        )
    if not maps.has_mask_N[setting.rows("validate")].any():
        yield (
            "no validation image has a mask, so nothing chose the probability above "
            f"which a pixel is inside: it is {_DEFAULT_THRESHOLD}"
        )


def _train(setting: _Setting, train_N: Rows, *, seed: int) -> _Trained:
    """Train one decoder; its weights and the order of images depend on the seed."""
    settings, maps = setting.settings, setting.maps
    scale = maps.measure(train_N)
    rng = np.random.default_rng((seed, len(train_N)))
    used_N = _balanced(train_N, maps.has_mask_N, share=settings.negatives, rng=rng)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = PatchDecoder(
            maps.width,
            hidden_width=settings.hidden_width,
            factor=-(-settings.size // maps.grid[0]),
            size=settings.size,
        ).to(maps.device)
    optimizer = make_optimizer(
        decoder,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    schedule = _schedule(settings)
    decoder.train()
    for step, rows in enumerate(_batches(used_N, settings=settings, rng=rng)):
        true_BGG = torch.from_numpy(maps.masks_NGG[rows]).to(maps.device).float()
        with arithmetic(maps.device, setting.precision):
            logit_BGG = decoder(maps.maps(rows, scale=scale))
        update_weights(
            decoder,
            optimizer,
            mask_losses(logit_BGG.float(), true_BGG),
            weights={"entropy": 1.0, "dice": settings.dice_weight},
            rate=schedule.rate(step),
            where=f"{setting.subject.protocol} of {setting.subject.encoder}, step {step}",
            advice="look at the features of this encoder",
        )
    return _Trained(decoder=decoder, scale=scale, num_used=len(used_N))


def _balanced(
    train_N: Rows,
    has_mask_N: npt.NDArray[np.bool_],
    *,
    share: float,
    rng: np.random.Generator,
) -> Rows:
    """Return the images with a mask, and `share` times as many of the others at most."""
    with_mask, without = train_N[has_mask_N[train_N]], train_N[~has_mask_N[train_N]]
    drawn = rng.permutation(without)[: round(share * len(with_mask))]
    return np.sort(np.concatenate([with_mask, drawn]))


def _batches(
    used_N: Rows, *, settings: SegmentationCached, rng: np.random.Generator
) -> Iterator[Rows]:
    """Yield the images of every step; those of one epoch come in random order."""
    batch_size = min(settings.batch_size, len(used_N))
    queue = np.empty(0, dtype=np.int64)
    for _ in range(settings.steps):
        if len(queue) < batch_size:
            queue = np.concatenate([queue, rng.permutation(used_N)])
        yield queue[:batch_size]
        queue = queue[batch_size:]


def _schedule(settings: SegmentationCached) -> WarmupCosine:
    warmup = max(1, round(_WARMUP * settings.steps))
    return WarmupCosine(
        peak=settings.learning_rate,
        rise=(-1, warmup - 1),
        fall=(warmup, settings.steps),
    )


def mask_losses(logit_BGG: Tensor, true_BGG: Tensor) -> dict[str, Tensor]:
    """Return binary cross-entropy, and 1 minus the soft Dice of the whole batch."""
    prob_BGG = logit_BGG.sigmoid()
    shared = 2 * (prob_BGG * true_BGG).sum() + 1
    dice = shared / (prob_BGG.sum() + true_BGG.sum() + 1)
    entropy = F.binary_cross_entropy_with_logits(logit_BGG, true_BGG)
    return {"entropy": entropy, "dice": 1 - dice}


@torch.inference_mode()
def _count(
    setting: _Setting, trained: _Trained, rows: Rows, *, thresholds: Sequence[float]
) -> list[PixelCounts]:
    """Return the counts of the images for each threshold; no images give no numbers."""
    maps, decoder = setting.maps, trained.decoder.eval()
    none = np.zeros((0, 1, 1), dtype=np.bool_)
    parts = [[count_pixels(none, none)] for _ in thresholds]
    for part in in_batches(len(rows), CHUNK):
        with arithmetic(maps.device, setting.precision):
            logit_BGG = decoder(maps.maps(rows[part], scale=trained.scale))
        prob_BGG = logit_BGG.float().sigmoid().cpu().numpy()
        true_BGG = maps.masks_NGG[rows[part]]
        for counts, threshold in zip(parts, thresholds, strict=True):
            counts.append(count_pixels(prob_BGG > threshold, true_BGG))
    return [join_counts(counts) for counts in parts]


def _best_threshold(setting: _Setting, trained: _Trained) -> float:
    """Return the threshold of the highest mean Dice over validation images with a mask.

    Of equals the greatest. Without such an image there is nothing to choose by.
    """
    thresholds = setting.settings.thresholds
    by_threshold = _count(
        setting, trained, setting.rows("validate"), thresholds=thresholds
    )
    scored = [
        (dice, threshold)
        for threshold, counts in zip(thresholds, by_threshold, strict=True)
        if (dice := counts.mean_positive_dice()) is not None
    ]
    return max(scored)[1] if scored else _DEFAULT_THRESHOLD
