"""How many pixels predicted and true masks have, and share: all that Dice needs."""

# Shape suffixes: N = images, G = rows, and columns, of a mask

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asg_core.evaluation.scoring.masks import Masks, mean_mask


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelCounts:
    """Pixels of predicted and true masks, one number of each per image."""

    predicted_N: npt.NDArray[np.int64]
    true_N: npt.NDArray[np.int64]
    shared_N: npt.NDArray[np.int64]

    def dice(self) -> npt.NDArray[np.float64]:
        """Return the Dice of each image; two empty masks score 1."""
        both_N = (self.predicted_N + self.true_N).astype(np.float64)
        shared_N = 2 * self.shared_N.astype(np.float64)
        return np.divide(shared_N, both_N, out=np.ones_like(both_N), where=both_N > 0)

    def mean_positive_dice(self) -> float | None:
        """Return the mean Dice of the images with a true mask; null where there is none."""
        has_mask_N = self.true_N > 0
        return float(self.dice()[has_mask_N].mean()) if has_mask_N.any() else None


def count_pixels(predicted_NGG: Masks, true_NGG: Masks) -> PixelCounts:
    """Return how many pixels are in the predicted, in the true, and in both masks."""
    return PixelCounts(
        predicted_N=predicted_NGG.sum(axis=(1, 2)),
        true_N=true_NGG.sum(axis=(1, 2)),
        shared_N=(predicted_NGG & true_NGG).sum(axis=(1, 2)),
    )


def join_counts(parts: Sequence[PixelCounts]) -> PixelCounts:
    """Return the counts of all images, in the order of the parts; at least one part."""
    return PixelCounts(
        predicted_N=np.concatenate([part.predicted_N for part in parts]),
        true_N=np.concatenate([part.true_N for part in parts]),
        shared_N=np.concatenate([part.shared_N for part in parts]),
    )


def mean_mask_dice(train_NGG: Masks, test_NGG: Masks) -> float | None:
    """Return what the mean training mask scores when it is the answer for every image.

    It is the mean Dice of the test images with a mask; null where there is none.
    """
    constant_NGG = np.broadcast_to(mean_mask(train_NGG), test_NGG.shape)
    return count_pixels(constant_NGG, test_NGG).mean_positive_dice()
