"""The true masks of a benchmark, in the frame that an encoder sees.

A mask is drawn in the original frame of its image, then follows the pixels: into the
square of the cache, through the crop, onto a grid. Each cell of the grid gets the share
of its area that is inside, computed exactly; only one full-size mask is in memory at a
time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.benchmarks.form import Benchmark
from asg_core.benchmarks.runs import Run, runs_to_mask
from asg_core.images.crop import Crop
from asg_core.images.geometry import Frame, Letterbox

# Shape suffixes:
#   N = images, H, W = rows and columns of the original frame, G = rows, and columns, of
#   the grid, M = masks with a pixel, K = boxes, 4 = x0, y0, x1, y1

MEAN_MASK_SHARE = 0.2
"""Share of the masks that a pixel of the mean mask lies in, at least: the location prior
that a segmentation has to beat."""

INSIDE = 0.5
"""A cell is inside a mask when more than this share of its area is."""

Masks = npt.NDArray[np.bool_]
Shares = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueMasks:
    """What a benchmark says about where its segmentation target is.

    An image is in at most one of the two maps; one that is in neither has an empty mask.
    """

    target: str
    runs_of: Mapping[str, Sequence[Run]]
    boxes_of: Mapping[str, npt.NDArray[np.float64]]  # (K, 4), original frame

    def __contains__(self, image_id: object) -> bool:
        """Tell whether an image has a mask that is not empty."""
        return image_id in self.runs_of or image_id in self.boxes_of

    def full(self, image_id: str, frame: Frame) -> Masks:
        """Return the mask (H, W) of an image in its original frame.

        Boxes are filled, their corners rounded to whole pixels.

        Raises:
            ValueError: If a run leaves the frame.
        """
        if image_id in self.runs_of:
            return runs_to_mask(
                self.runs_of[image_id], height=frame.height, width=frame.width
            )
        is_inside_HW = np.zeros((frame.height, frame.width), dtype=np.bool_)
        for box_4 in self.boxes_of.get(image_id, np.empty((0, 4))):
            x0, y0, x1, y1 = np.rint(np.clip(box_4, 0, None)).astype(int)
            is_inside_HW[y0:y1, x0:x1] = True
        return is_inside_HW

    def shares(
        self, image_id: str, *, letterbox: Letterbox, crop: Crop, size: int
    ) -> Shares:
        """Return which share of each cell of a grid over the crop is inside.

        As `area_shares`, of an image with its letterbox.
        """
        if image_id not in self:
            return np.zeros((size, size), dtype=np.float32)
        is_inside_HW = self.full(image_id, letterbox.original)
        return area_shares(is_inside_HW, letterbox=letterbox, crop=crop, size=size)


def true_masks(benchmark: Benchmark) -> TrueMasks:
    """Return the masks of a benchmark; where it has boxes only, the union of the boxes.

    Runs and boxes of other targets, and runs without a pixel, are passed over.

    Raises:
        ValueError: If the benchmark has no segmentation target.
    """
    target = benchmark.segmentation_target
    if target is None:
        raise ValueError(
            f"true_masks: expected a benchmark with masks or boxes, found "
            f"'{benchmark.name}', which has no segmentation target"
        )
    runs = benchmark.masks.filter(pl.col("target") == target).select("image_id", "runs")
    runs_of = {
        image_id: [(run["start"], run["length"]) for run in rows]
        for image_id, rows in runs.iter_rows()
        if any(run["length"] > 0 for run in rows)
    }
    if not benchmark.masks.is_empty():
        return TrueMasks(target=target, runs_of=runs_of, boxes_of={})
    boxes = benchmark.boxes.filter(pl.col("target") == target)
    boxes_of = {
        str(image_id): rows["box_xyxy"].to_numpy().astype(np.float64).reshape(-1, 4)
        for (image_id,), rows in boxes.group_by("image_id")
    }
    return TrueMasks(target=target, runs_of={}, boxes_of=boxes_of)


def read_masks(
    masks: TrueMasks,
    image_ids: Sequence[str],
    *,
    letterbox_of: Callable[[str], Letterbox],
    crop: Crop,
    size: int,
) -> Masks:
    """Return the true masks (N, size, size) of images, on a grid over the crop.

    A cell is inside where more than half of its area is. No images give no masks.

    Args:
        masks: Those of a benchmark.
        image_ids: Of its images, in the order of the result.
        letterbox_of: From an image's original frame to its cached square.
        crop: From the cached square to what the encoder sees.
        size: Cells of the grid, each way.

    Raises:
        ValueError: If a run leaves the frame of its image.
    """
    is_inside_NGG = np.zeros((len(image_ids), size, size), dtype=np.bool_)
    for place, image_id in enumerate(image_ids):
        if image_id in masks:
            share_GG = masks.shares(
                image_id, letterbox=letterbox_of(image_id), crop=crop, size=size
            )
            is_inside_NGG[place] = share_GG > INSIDE
    return is_inside_NGG


def area_shares(
    is_inside_HW: Masks, *, letterbox: Letterbox, crop: Crop, size: int
) -> Shares:
    """Return which share of each cell of a grid over the crop is inside, (size, size).

    A cell is a rectangle in the original frame; the pixels that it cuts count by the part
    that it covers, and what lies in the padding is outside. As a loop:

        for row, column in cells:
            share[row, column] = sum over pixels inside of
                (area that pixel and cell share) / (area of the cell)

    Args:
        is_inside_HW: In the original frame of `letterbox`.
        letterbox: To the cached square.
        crop: From there to what the encoder sees.
        size: Cells of the grid, each way.
    """
    rows_H, columns_W = is_inside_HW.any(axis=1), is_inside_HW.any(axis=0)
    if not rows_H.any():
        return np.zeros((size, size), dtype=np.float32)
    rows, columns = _extent(rows_H), _extent(columns_W)
    per_pixel = letterbox.size / crop.resize  # cached pixels per pixel of the crop
    edges = np.linspace(0.0, crop.size, size + 1)
    y_edges = ((edges + crop.top) * per_pixel - letterbox.pad_y) / letterbox.scale_y
    x_edges = ((edges + crop.left) * per_pixel - letterbox.pad_x) / letterbox.scale_x
    return np.asarray(
        _overlap(y_edges, rows)
        @ is_inside_HW[rows, columns].astype(np.float32)
        @ _overlap(x_edges, columns).T,
        dtype=np.float32,
    )


def mean_mask(is_inside_NGG: Masks) -> Masks:
    """Return where more than a fifth of the masks that are not empty lie, (G, G).

    The same mask for every image: what position alone can predict. Without any mask that
    is not empty, it is empty.
    """
    num_inside_N = is_inside_NGG.sum(axis=(1, 2))
    positive_MGG = is_inside_NGG[num_inside_N > 0]
    if not len(positive_MGG):
        return np.zeros(is_inside_NGG.shape[1:], dtype=np.bool_)
    is_inside_GG: Masks = positive_MGG.mean(axis=0) > MEAN_MASK_SHARE
    return is_inside_GG


def _extent(is_used: npt.NDArray[np.bool_]) -> slice:
    """Return the stretch from the first to the last True; there is one at least."""
    used = np.flatnonzero(is_used)
    return slice(int(used[0]), int(used[-1]) + 1)


def _overlap(edges: npt.NDArray[np.float64], pixels: slice) -> Shares:
    """Return which share of each interval between `edges` each of `pixels` covers."""
    starts = np.arange(pixels.start, pixels.stop, dtype=np.float64)
    low = np.maximum(edges[:-1, None], starts[None, :])
    high = np.minimum(edges[1:, None], starts[None, :] + 1)
    shares = np.clip(high - low, 0.0, None) / np.diff(edges)[:, None]
    return np.asarray(shares, dtype=np.float32)
