"""What a protocol that trains on the labels of a benchmark returns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.evaluation.scoring.masks import Masks
from asg_core.tables.catalog import SEGMENTATION_SCORES

# Shape suffixes: N = images, G = rows, and columns, of a mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One fit: on a fraction of the training images, as drawn with a seed."""

    fraction: float
    seed: int
    num_train: int
    """Training images whose labels were used, before any were left out for balance."""

    num_train_positive: dict[str, int]
    """Of them with each target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFit:
    """A fit that was not made, and why."""

    fit: Fit
    reason: str

    def sentence(self, protocol: str) -> str:
        """Return it in words."""
        return (
            f"{protocol}, fraction {self.fit.fraction:g}, seed {self.fit.seed}: "
            f"{self.reason}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolResult:
    """Scores of test images, and what a reader of the scores must know.

    A fit that cannot be made has no rows and is in `skipped`: it is not a fit that
    scores 0.
    """

    frame: pl.DataFrame
    """In the schema SCORES or SEGMENTATION_SCORES."""

    fits: tuple[Fit, ...]
    """Every fit that was made."""

    notes: tuple[str, ...] = ()
    """Sentences: what is trained, what moves, how many images were left out, ..."""

    skipped: tuple[SkippedFit, ...] = ()
    """Every fit that was not made."""

    validation: pl.DataFrame | None = None
    """Scores of validation images, in the same schema; thresholds come from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskCounts:
    """Pixels of predicted and true masks, one number of each per image."""

    predicted_N: npt.NDArray[np.int64]
    true_N: npt.NDArray[np.int64]
    shared_N: npt.NDArray[np.int64]


def count_pixels(predicted_NGG: Masks, true_NGG: Masks) -> MaskCounts:
    """Return how many pixels are in the predicted, in the true, and in both masks."""
    return MaskCounts(
        predicted_N=predicted_NGG.sum(axis=(1, 2)),
        true_N=true_NGG.sum(axis=(1, 2)),
        shared_N=(predicted_NGG & true_NGG).sum(axis=(1, 2)),
    )


def join_counts(parts: Sequence[MaskCounts]) -> MaskCounts:
    """Return the counts of all images, in the order of the parts; at least one part."""
    return MaskCounts(
        predicted_N=np.concatenate([part.predicted_N for part in parts]),
        true_N=np.concatenate([part.true_N for part in parts]),
        shared_N=np.concatenate([part.shared_N for part in parts]),
    )


def mean_positive_dice(counts: MaskCounts) -> float | None:
    """Return the mean Dice of the images with a true mask; null where there is none."""
    has_mask_N = counts.true_N > 0
    if not has_mask_N.any():
        return None
    both_N = (counts.predicted_N + counts.true_N)[has_mask_N]
    return float(np.mean(2 * counts.shared_N[has_mask_N] / both_N))


def segmentation_frame(
    counts: MaskCounts,
    image_ids: Sequence[str],
    *,
    benchmark: str,
    protocol: str,
    encoder: str,
    target: str,
    fit: Fit,
) -> pl.DataFrame:
    """Return SEGMENTATION_SCORES of one fit, a row for each image."""
    columns = {
        "benchmark": benchmark,
        "protocol": protocol,
        "encoder": encoder,
        "fraction": fit.fraction,
        "seed": fit.seed,
        "image_id": list(image_ids),
        "target": target,
        "num_predicted": counts.predicted_N,
        "num_true": counts.true_N,
        "num_shared": counts.shared_N,
    }
    frame = pl.DataFrame(columns)
    return frame.cast(pl.Schema(SEGMENTATION_SCORES.columns)).select(
        list(SEGMENTATION_SCORES.columns)
    )


def in_batches(num_items: int, batch_size: int) -> Iterator[slice]:
    """Yield stretches of at most `batch_size` that cover 0 .. `num_items`."""
    for start in range(0, num_items, batch_size):
        yield slice(start, min(start + batch_size, num_items))
