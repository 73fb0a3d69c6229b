"""RoIAlign as a matrix product: how much each patch counts for each box."""

# Shape suffixes:
#   B = images of the batch, U = units, 4 = x0, y0, x1, y1
#   P = patches, row by row, D = embedding width
#   G = sample points along an axis, C = cells along an axis

import torch
from torch import Tensor


def roi_weights(
    boxes_BU4: Tensor, *, size: int, grid: tuple[int, int], aligned: bool = True
) -> Tensor:
    """Return the weights W so that W @ patches is what RoIAlign reads from each box.

    The same as `torchvision.ops.roi_align(output_size=1, sampling_ratio=-1)` on the map
    of the patches, but deterministic on every device, and without a copy of the map. The
    definition along one axis, for a box from `start` to `end` in cells (less half a cell
    if aligned); the weight of a patch is the product of those of its row and column:

        length = end - start if aligned else max(end - start, 1)
        num_points = ceil(length)
        for g in range(num_points):
            point = start + (g + 0.5) * length / num_points
            if -1 <= point <= num_cells:
                point = clamp(point, 0, num_cells - 1)
                for c in range(num_cells):
                    weight[c] += max(0, 1 - abs(point - c)) / num_points

    Weights of a box inside the image sum to 1. A box without area has none if aligned,
    and one more than a cell outside has none either.

    Args:
        boxes_BU4: Boxes in pixels of a square model input; finite.
        size: Side of that input in pixels.
        grid: Rows and columns of patches that it is cut into.
        aligned: Whether pixels and patches have the same corner, as is right. False is
            half a cell off and widens narrow boxes to one cell.

    Returns:
        (B, U, P), of the type of the boxes.
    """
    rows, columns = grid
    row_BUC = _axis_weights(
        boxes_BU4[..., 1], boxes_BU4[..., 3], size=size, num_cells=rows, aligned=aligned
    )
    column_BUC = _axis_weights(
        boxes_BU4[..., 0],
        boxes_BU4[..., 2],
        size=size,
        num_cells=columns,
        aligned=aligned,
    )
    return (row_BUC[..., :, None] * column_BUC[..., None, :]).flatten(-2)


def _axis_weights(
    start_BU: Tensor, end_BU: Tensor, *, size: int, num_cells: int, aligned: bool
) -> Tensor:
    shift = 0.5 if aligned else 0.0
    start_BU = start_BU * (num_cells / size) - shift
    end_BU = end_BU * (num_cells / size) - shift
    length_BU = end_BU - start_BU
    if not aligned:
        length_BU = length_BU.clamp(min=1)
    num_points_BU = length_BU.ceil()
    step_BU = length_BU / num_points_BU.clamp(min=1)
    # Points are at least half a cell apart where there are several, so no more than these
    # can be on the map, and the number need not be read from the device.
    point_G = torch.arange(2 * num_cells + 6, device=start_BU.device)
    first_BU = ((-1 - start_BU) / step_BU.clamp(min=0.5) - 0.5).floor().clamp(min=0)
    point_BUG = first_BU[..., None] + point_G
    exists_BUG = point_BUG < num_points_BU[..., None]
    place_BUG = start_BU[..., None] + (point_BUG + 0.5) * step_BU[..., None]
    exists_BUG &= (place_BUG >= -1) & (place_BUG <= num_cells)
    place_BUG = place_BUG.clamp(0, num_cells - 1)
    cell_C = torch.arange(num_cells, device=start_BU.device)
    near_BUGC = (1 - (place_BUG[..., None] - cell_C).abs()).clamp(min=0)
    summed_BUC = near_BUGC.masked_fill(~exists_BUG[..., None], 0).sum(-2)
    return summed_BUC / num_points_BU.clamp(min=1)[..., None]
