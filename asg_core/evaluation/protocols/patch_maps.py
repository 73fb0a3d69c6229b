"""Cached patch features with their masks, standardised and laid out as maps."""

# Shape suffixes:
#   N = images, B = images of a batch, P = patches, row by row, E = width of the features,
#   H, W = rows and columns of patches, G = rows, and columns, of a mask

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.batches import in_batches
from asg_core.evaluation.scoring.masks import Masks

Rows = npt.NDArray[np.int64]

CHUNK = 256
"""Images that are turned into 32-bit features at once, where no gradient is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What is subtracted from each channel, and what it is divided by."""

    mean_E: npt.NDArray[np.float32]
    std_E: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchMaps:
    """The patch features of all images of a benchmark, and their true masks."""

    patches_NPE: npt.NDArray[np.float16]
    grid: tuple[int, int]
    """Rows and columns of patches, as many of one as of the other."""

    masks_NGG: Masks
    has_mask_N: npt.NDArray[np.bool_]
    device: torch.device

    @property
    def width(self) -> int:
        """Channels of a map."""
        return self.patches_NPE.shape[2]

    def measure(self, rows: Rows) -> Scale:
        """Return mean and standard deviation of each channel over images and patches."""
        total_E, squares_E = np.zeros(self.width), np.zeros(self.width)
        for part in in_batches(len(rows), CHUNK):
            values = self.patches_NPE[rows[part]].reshape(-1, self.width)
            values = values.astype(np.float64)
            total_E += values.sum(axis=0)
            squares_E += (values * values).sum(axis=0)
        num_values = len(rows) * self.patches_NPE.shape[1]
        mean_E = total_E / num_values
        std_E = np.sqrt(np.maximum(squares_E / num_values - mean_E**2, 0))
        # A channel that never changes says nothing: it becomes 0, and not noise.
        std_E[std_E < 1e-6 * (1 + np.abs(mean_E))] = np.inf
        return Scale(mean_E=mean_E.astype(np.float32), std_E=std_E.astype(np.float32))

    def maps(self, rows: Rows, *, scale: Scale) -> Tensor:
        """Return the standardised features of images as maps (B, E, H, W)."""
        patches_BPE = (self.patches_NPE[rows] - scale.mean_E) / scale.std_E
        patch_BPE = torch.from_numpy(patches_BPE.astype(np.float32)).to(self.device)
        map_BEHW: Tensor = patch_BPE.transpose(1, 2).unflatten(2, self.grid)
        return map_BEHW


def make_patch_maps(
    features: Features, masks: Masks, *, size: int, device: str
) -> PatchMaps:
    """Return the features of patches beside the masks of their images.

    Raises:
        ValueError: If the features have no square grid of patches, or the masks are not
            of their images at `size` x `size` cells.
    """
    if features.patches_NPE is None or features.grid is None:
        raise ValueError(
            f"make_patch_maps: expected features of patches, found none of "
            f"'{features.encoder}'; extract them with patches"
        )
    rows, columns = features.grid
    if rows != columns:
        raise ValueError(
            f"make_patch_maps: expected a square grid of patches, found {rows} x "
            f"{columns} of '{features.encoder}'"
        )
    expected = (len(features.image_ids), size, size)
    if masks.shape != expected:
        raise ValueError(
            f"make_patch_maps: expected masks of shape {expected}, found {masks.shape}"
        )
    return PatchMaps(
        patches_NPE=features.patches_NPE,
        grid=features.grid,
        masks_NGG=masks,
        has_mask_N=masks.any(axis=(1, 2)),
        device=torch.device(device),
    )
