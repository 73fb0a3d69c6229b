"""RoIAlign as two matrix products: a feature patch of fixed size for every box.

The samples that RoIAlign averages lie on a grid, so their weights are the product of one
vector along the rows and one along the columns. torchvision's kernel adds its gradients
one by one; on a CPU the products are several times faster, and on a GPU they give the
same result every time.
"""

# Shape suffixes:
#   B = images, C = channels, H W = rows and columns of a feature map
#   P = boxes, over all images unless said otherwise, 4 = x0 y0 x1 y1 in the model frame
#   O = cells of a patch along one side

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

_SAMPLES = 2
"""Samples per patch cell along each axis, as torchvision's detectors take."""


class PatchPooling(nn.Module):
    """Cuts a patch out of the pyramid for every box.

    A box is read from the finest level on which a cell of its patch covers less than two
    cells of the map (by the root of its area), or from the coarsest level.
    """

    def __init__(self, *, strides: Sequence[int], patch_size: int) -> None:
        """Pool patches of `patch_size` squared from levels of these strides."""
        super().__init__()
        self._strides = tuple(strides)
        self._patch_size = patch_size
        self.output_size = (patch_size, patch_size)
        """torchvision's detectors read this name."""

    def forward(
        self,
        levels: Mapping[str, Tensor],
        boxes: Sequence[Tensor],
        image_sizes: Sequence[tuple[int, int]],
    ) -> Tensor:
        """Return (P, C, O, O): the patches of the boxes of all images, in order."""
        boxes_P4 = torch.cat(list(boxes))
        level_P = self._level_of(boxes_P4)
        counts = [len(of_image) for of_image in boxes]
        image_P = torch.repeat_interleave(
            torch.arange(len(boxes), device=boxes_P4.device),
            torch.tensor(counts, device=boxes_P4.device),
        )
        first = next(iter(levels.values()))
        size = self._patch_size
        patches_PCOO = first.new_zeros(
            (len(boxes_P4), first.shape[1], size, size), dtype=torch.float32
        )
        for number, (stride, features_BCHW) in enumerate(
            zip(self._strides, levels.values(), strict=True)
        ):
            for image, features_CHW in enumerate(features_BCHW):
                chosen_P = ((level_P == number) & (image_P == image)).nonzero()[:, 0]
                if len(chosen_P) > 0:
                    patches_PCOO[chosen_P] = pool_patches(
                        features_CHW, boxes_P4[chosen_P] / stride, patch_size=size
                    )
        return patches_PCOO

    def _level_of(self, boxes_P4: Tensor) -> Tensor:
        sides_P2 = (boxes_P4[:, 2:] - boxes_P4[:, :2]).clamp(min=0)
        root_P = sides_P2.prod(dim=1).sqrt()
        level_P = torch.zeros_like(root_P, dtype=torch.int64)
        for stride in self._strides[:-1]:
            level_P += root_P >= 2 * self._patch_size * stride
        return level_P


def pool_patches(features_CHW: Tensor, boxes_P4: Tensor, *, patch_size: int) -> Tensor:
    """Return (P, C, O, O), what torchvision's `roi_align` gives with two samples a cell.

    Args:
        features_CHW: One map of one image.
        boxes_P4: Boxes in cells of the map, at least one.
        patch_size: Cells of the patch along each side.
    """
    channels, rows, columns = features_CHW.shape
    # bf16 would place the samples to 1 / 256 of a cell only.
    with torch.autocast(features_CHW.device.type, enabled=False):
        x0_P, y0_P, x1_P, y1_P = boxes_P4.float().unbind(dim=1)
        weight_POW = _axis_weights(x0_P, x1_P, cells=columns, bins=patch_size)
        weight_POH = _axis_weights(y0_P, y1_P, cells=rows, bins=patch_size)
        num_boxes = len(boxes_P4)
        features_HCW = features_CHW.float().transpose(0, 1).reshape(-1, columns)
        # (H * C, W) x (W, P * O) -> H, C, P, O -> P, H, C * O
        by_column = features_HCW @ weight_POW.reshape(-1, columns).T
        by_column = by_column.view(rows, channels, num_boxes, patch_size)
        by_column = by_column.permute(2, 0, 1, 3).reshape(num_boxes, rows, -1)
        # (P, O, H) x (P, H, C * O) -> P, O, C, O -> P, C, O, O
        patches = torch.bmm(weight_POH, by_column)
        patches = patches.view(num_boxes, patch_size, channels, patch_size)
        return patches.transpose(1, 2)


def _axis_weights(start_P: Tensor, end_P: Tensor, *, cells: int, bins: int) -> Tensor:
    """Return (P, bins, cells): how much each cell of the map adds to each bin.

    For each box, as a loop:

        length = max(end - start, 1)
        for b in range(bins):
            for s in range(2):
                at = start + length * (b + (s + 0.5) / 2) / bins
                skip if at < -1 or at > cells
                at = min(max(at, 0), cells - 1)
                weight[b, floor(at)] += (1 - at % 1) / 2
                weight[b, floor(at) + 1] += (at % 1) / 2
    """
    num_samples = bins * _SAMPLES
    step_S = torch.arange(num_samples, device=start_P.device) + 0.5
    length_P = (end_P - start_P).clamp(min=1)
    at_PS = start_P[:, None] + length_P[:, None] * step_S / num_samples
    is_inside_PS = (at_PS >= -1) & (at_PS <= cells)
    at_PS = at_PS.clamp(min=0, max=cells - 1)
    cell_W = torch.arange(cells, device=start_P.device)
    # The hat around each cell is linear interpolation between the two nearest.
    weight_PSW = (1 - (at_PS[..., None] - cell_W).abs()).clamp(min=0)
    weight_PSW = weight_PSW * is_inside_PS[..., None]
    return weight_PSW.view(len(start_P), bins, _SAMPLES, cells).mean(dim=2)
