"""The protocol `segmentation-cached`: a small decoder on frozen patch features.

Ours: quick, without augmentation, the same for every encoder. The decoder is trained for
a fixed number of steps on features that are standardised with the training images of the
fraction; the validation part chooses the probability above which a pixel is inside.
"""

# Shape suffixes:
#   N = images, B = images of a step, P = patches, row by row, E = width of the features,
#   H, W = rows and columns of patches, G = rows, and columns, of a mask

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.decoders import PatchDecoder
from asg_core.evaluation.protocols.fractions import draw_fraction, repetitions
from asg_core.evaluation.protocols.result import (
    Fit,
    MaskCounts,
    ProtocolResult,
    SkippedFit,
    count_pixels,
    in_batches,
    join_counts,
    mean_positive_dice,
    segmentation_frame,
)
from asg_core.evaluation.protocols.segmentation_config import SegmentationConfig
from asg_core.evaluation.scoring.masks import Masks, true_masks
from asg_core.tables.catalog import SEGMENTATION_SCORES

logger = logging.getLogger(__name__)

PROTOCOL = "segmentation-cached"

_CHUNK = 256
"""Images that are turned into 32-bit features at once, where no gradient is needed."""

_WARMUP = 0.1
_DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """Features and masks of all images, and where they are computed with."""

    patches_NPE: npt.NDArray[np.float16]
    grid: tuple[int, int]
    masks_NGG: Masks
    has_mask_N: npt.NDArray[np.bool_]
    device: torch.device
    precision: Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standardise:
    """Subtract the mean and divide by the standard deviation of each channel."""

    mean_E: npt.NDArray[np.float32]
    std_E: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """A trained decoder with what it needs to predict."""

    decoder: PatchDecoder
    scale: _Standardise
    threshold: float
    num_used: int

    def count(self, data: _Data, rows: npt.NDArray[np.int64]) -> MaskCounts:
        """Return the counts of images at the threshold."""
        return _count(
            self.decoder, data, rows, scale=self.scale, thresholds=(self.threshold,)
        )[0]


def segment_cached(
    benchmark: Benchmark,
    features: Features,
    *,
    masks: Masks,
    config: SegmentationConfig,
    fractions: Sequence[float],
    seeds: Sequence[int],
    device: str = "cpu",
    precision: Literal["fp32", "bf16"] = "fp32",
) -> ProtocolResult:
    """Train a decoder for every fraction and seed, and count the pixels of test images.

    Training images are those of the fraction that have a mask, and a share of the others
    (`config.negatives`). All of them, with seed s, are a function of the fraction and s;
    of the whole training part only the first seed is used. A fraction without any mask
    gives no rows and is in `skipped`.

    Args:
        benchmark: One with a segmentation target.
        features: With patches, of every image of the benchmark.
        masks: The true masks (N, G, G) of the images of `features`, in its order; G is
            `config.size`.
        config: The decoder and its training.
        fractions: Shares of the training images.
        seeds: Of the draws, the weights and the order of the images.
        device: Where the decoder is trained.
        precision: Arithmetic of the decoder; its weights are 32 bit always.

    Returns:
        SEGMENTATION_SCORES of every test image, at G x G pixels.

    Raises:
        ValueError: If the features have no square grid of patches, or the masks are not
            of their images at the size of the configuration.
    """
    if benchmark.segmentation_target is None:
        raise ValueError(
            f"segment_cached: expected a benchmark with masks, found "
            f"'{benchmark.name}', which has no segmentation target"
        )
    target = benchmark.segmentation_target
    data = _make_data(
        features, masks, size=config.size, device=device, precision=precision
    )
    test_ids = benchmark.part("test")
    test_N = features.rows(test_ids)
    validate_N = features.rows(benchmark.part("validate"))
    frames, fits, notes, skipped = [], [], [], []
    for fraction, seed in repetitions(fractions, seeds):
        where = f"{PROTOCOL}, fraction {fraction:g}, seed {seed}"
        train_ids = draw_fraction(benchmark.part("train"), fraction=fraction, seed=seed)
        train_N = features.rows(train_ids)
        num_positive = int(data.has_mask_N[train_N].sum())
        fit = Fit(
            fraction=fraction,
            seed=seed,
            num_train=len(train_N),
            num_train_positive={target: num_positive},
        )
        if not num_positive:
            reason = (
                f"none of the {len(train_N)} training images has a mask of {target} at "
                f"{config.size} x {config.size} cells, so there is nothing to learn from"
            )
            skipped.append(SkippedFit(fit=fit, reason=reason))
            continue
        fitted = _fit(data, train_N, validate_N, config=config, seed=seed)
        counts = fitted.count(data, test_N)
        fits.append(fit)
        notes.append(
            f"{where}: {fitted.num_used} of {len(train_N)} training images used, "
            f"{num_positive} of them with a mask; inside above a probability of "
            f"{fitted.threshold:g}"
        )
        frames.append(
            segmentation_frame(
                counts,
                test_ids,
                benchmark=benchmark.name,
                protocol=PROTOCOL,
                encoder=features.encoder,
                target=target,
                fit=fit,
            )
        )
    notes.extend(_remarks(benchmark, features, data, validate_N))
    logger.info(
        "%s on %s: %d decoders trained, %d left out",
        features.encoder,
        benchmark.name,
        len(fits),
        len(skipped),
    )
    return ProtocolResult(
        frame=pl.concat([SEGMENTATION_SCORES.empty(), *frames]),
        fits=tuple(fits),
        notes=tuple(notes),
        skipped=tuple(skipped),
    )


def _make_data(
    features: Features,
    masks: Masks,
    *,
    size: int,
    device: str,
    precision: Literal["fp32", "bf16"],
) -> _Data:
    if features.patches_NPE is None or features.grid is None:
        raise ValueError(
            f"segment_cached: expected features of patches, found none of "
            f"'{features.encoder}'; extract them with patches"
        )
    rows, columns = features.grid
    if rows != columns:
        raise ValueError(
            f"segment_cached: expected a square grid of patches, found {rows} x "
            f"{columns} of '{features.encoder}'"
        )
    expected = (len(features.image_ids), size, size)
    if masks.shape != expected:
        raise ValueError(
            f"segment_cached: expected masks of shape {expected}, found {masks.shape}"
        )
    return _Data(
        patches_NPE=features.patches_NPE,
        grid=features.grid,
        masks_NGG=masks,
        has_mask_N=masks.any(axis=(1, 2)),
        device=torch.device(device),
        precision=precision,
    )


def _remarks(
    benchmark: Benchmark,
    features: Features,
    data: _Data,
    validate_N: npt.NDArray[np.int64],
) -> list[str]:
    """Return what a reader must know of all fits."""
    masks = true_masks(benchmark)
    is_masked_N = np.array([image_id in masks for image_id in features.image_ids])
    remarks = []
    num_lost = int((is_masked_N & ~data.has_mask_N).sum())
    if num_lost:
        remarks.append(
            f"{PROTOCOL}: {num_lost} of {int(is_masked_N.sum())} masks fill half of no cell, and "
            "count as empty"
        )
    if not data.has_mask_N[validate_N].any():
        remarks.append(
            f"{PROTOCOL}: no validation image has a mask, so nothing chose the "
            f"probability above which a pixel is inside: it is {_DEFAULT_THRESHOLD}"
        )
    return remarks


def _fit(
    data: _Data,
    train_N: npt.NDArray[np.int64],
    validate_N: npt.NDArray[np.int64],
    *,
    config: SegmentationConfig,
    seed: int,
) -> _Fitted:
    """Train one decoder and choose its threshold."""
    scale = _moments(data.patches_NPE, train_N)
    rng = np.random.default_rng((seed, len(train_N)))
    used_N = _balanced(train_N, data.has_mask_N, share=config.negatives, rng=rng)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = PatchDecoder(
            data.patches_NPE.shape[2],
            hidden_width=config.hidden_width,
            factor=-(-config.size // data.grid[0]),
            size=config.size,
        ).to(data.device)
    _train(decoder, data, used_N, scale=scale, config=config, rng=rng)
    by_threshold = _count(
        decoder, data, validate_N, scale=scale, thresholds=config.thresholds
    )
    return _Fitted(
        decoder=decoder,
        scale=scale,
        threshold=_best_threshold(config.thresholds, by_threshold),
        num_used=len(used_N),
    )


def _balanced(
    train_N: npt.NDArray[np.int64],
    has_mask_N: npt.NDArray[np.bool_],
    *,
    share: float | None,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return the images with a mask, and `share` times as many of the others at most."""
    with_mask, without = train_N[has_mask_N[train_N]], train_N[~has_mask_N[train_N]]
    if share is not None:
        without = rng.permutation(without)[: round(share * len(with_mask))]
    return np.sort(np.concatenate([with_mask, without]))


def _moments(
    patches_NPE: npt.NDArray[np.float16], rows: npt.NDArray[np.int64]
) -> _Standardise:
    """Return mean and standard deviation of each channel over images and patches."""
    width = patches_NPE.shape[2]
    total_E, squares_E = np.zeros(width), np.zeros(width)
    for part in in_batches(len(rows), _CHUNK):
        values = patches_NPE[rows[part]].reshape(-1, width).astype(np.float64)
        total_E += values.sum(axis=0)
        squares_E += (values * values).sum(axis=0)
    num_values = len(rows) * patches_NPE.shape[1]
    mean_E = total_E / num_values
    std_E = np.sqrt(np.maximum(squares_E / num_values - mean_E**2, 0))
    # A channel that never changes says nothing: it becomes 0, and not noise.
    std_E[std_E < 1e-6 * (1 + np.abs(mean_E))] = np.inf
    return _Standardise(
        mean_E=mean_E.astype(np.float32), std_E=std_E.astype(np.float32)
    )


def _inputs(data: _Data, rows: npt.NDArray[np.int64], *, scale: _Standardise) -> Tensor:
    """Return the standardised features of images as maps (B, E, H, W)."""
    patches_BPE = (data.patches_NPE[rows] - scale.mean_E) / scale.std_E
    patch_BPE = torch.from_numpy(patches_BPE.astype(np.float32)).to(data.device)
    map_BEHW: Tensor = patch_BPE.transpose(1, 2).unflatten(2, data.grid)
    return map_BEHW


def _train(
    decoder: PatchDecoder,
    data: _Data,
    used_N: npt.NDArray[np.int64],
    *,
    scale: _Standardise,
    config: SegmentationConfig,
    rng: np.random.Generator,
) -> None:
    optimizer = torch.optim.AdamW(
        decoder.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,
    )
    batch_size = min(config.batch_size, len(used_N))
    queue = np.empty(0, dtype=np.int64)
    decoder.train()
    for step in range(config.steps):
        if len(queue) < batch_size:
            queue = np.concatenate([queue, rng.permutation(used_N)])
        rows, queue = queue[:batch_size], queue[batch_size:]
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _rate(step, config.steps)
        true_BGG = torch.from_numpy(data.masks_NGG[rows]).to(data.device).float()
        with torch.autocast(
            data.device.type, torch.bfloat16, enabled=data.precision == "bf16"
        ):
            logit_BGG = decoder(_inputs(data, rows, scale=scale))
        loss = _loss(logit_BGG.float(), true_BGG, dice_weight=config.dice_weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def _rate(step: int, steps: int) -> float:
    """Return the factor on the learning rate: a linear rise, then a cosine to 0."""
    warmup = max(1, round(_WARMUP * steps))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _loss(logit_BGG: Tensor, true_BGG: Tensor, *, dice_weight: float) -> Tensor:
    """Return binary cross-entropy plus the weighted soft Dice loss of the whole batch."""
    prob_BGG = logit_BGG.sigmoid()
    shared = 2 * (prob_BGG * true_BGG).sum() + 1
    dice = shared / (prob_BGG.sum() + true_BGG.sum() + 1)
    entropy: Tensor = F.binary_cross_entropy_with_logits(logit_BGG, true_BGG)
    total: Tensor = entropy + dice_weight * (1 - dice)
    return total


@torch.inference_mode()
def _count(
    decoder: PatchDecoder,
    data: _Data,
    rows: npt.NDArray[np.int64],
    *,
    scale: _Standardise,
    thresholds: Sequence[float],
) -> list[MaskCounts]:
    """Return the counts of the images for each threshold; no images give no numbers."""
    decoder.eval()
    none = np.zeros((0, 1, 1), dtype=np.bool_)
    parts = [[count_pixels(none, none)] for _ in thresholds]
    for part in in_batches(len(rows), _CHUNK):
        with torch.autocast(
            data.device.type, torch.bfloat16, enabled=data.precision == "bf16"
        ):
            logit_BGG = decoder(_inputs(data, rows[part], scale=scale))
        prob_BGG = logit_BGG.float().sigmoid().cpu().numpy()
        for counts, threshold in zip(parts, thresholds, strict=True):
            counts.append(
                count_pixels(prob_BGG > threshold, data.masks_NGG[rows[part]])
            )
    return [join_counts(counts) for counts in parts]


def _best_threshold(
    thresholds: Sequence[float], by_threshold: Sequence[MaskCounts]
) -> float:
    """Return the threshold of the highest mean Dice over images with a mask.

    Of equals the greatest. Without an image with a mask there is nothing to choose by.
    """
    scored = [
        (dice, threshold)
        for threshold, counts in zip(thresholds, by_threshold, strict=True)
        if (dice := mean_positive_dice(counts)) is not None
    ]
    return max(scored)[1] if scored else _DEFAULT_THRESHOLD
