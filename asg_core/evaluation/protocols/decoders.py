"""Decoders from the features of an encoder to the logits of a mask."""

# Shape suffixes:
#   B = images, E = channels of a feature map, P = patches, row by row,
#   H, W = rows and columns of a map, S = rows, and columns, of the output

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PatchDecoder(nn.Module):
    """Two convolutions on patch features; each cell then opens into a square of pixels."""

    def __init__(
        self, width: int, *, hidden_width: int, factor: int, size: int
    ) -> None:
        """Build a decoder of maps of `width` channels to `size` x `size` pixels.

        Args:
            width: Channels of the input.
            hidden_width: Channels between the convolutions.
            factor: Pixels per cell, each way.
            size: Rows, and columns, of the output; where a grid times `factor` is not
                that, the logits are interpolated to it.
        """
        super().__init__()
        self.spread = nn.Conv2d(width, hidden_width, kernel_size=3, padding=1)
        self.draw = nn.Conv2d(hidden_width, factor * factor, kernel_size=1)
        self.factor = factor
        self.size = size

    def forward(self, map_BEHW: Tensor) -> Tensor:
        """Return logits (B, S, S)."""
        cells = self.draw(F.relu(self.spread(map_BEHW)))
        return _to_size(F.pixel_shuffle(cells, self.factor), self.size)


class SetrPup(nn.Module):
    """Progressive upsampling of SETR: tokens to a map, doubled once per stage.

    MGCA's form: a linear layer on the tokens, stages of 3 x 3 convolution, batch norm,
    ReLU and bilinear doubling between aligned corners, and a last 3 x 3 convolution. All
    weights start as torch starts them.
    """

    def __init__(self, width: int, *, channels: Sequence[int], size: int) -> None:
        """Build a decoder of tokens of `width` numbers to `size` x `size` pixels."""
        super().__init__()
        self.embed = nn.Linear(width, width)
        stages = [
            nn.Sequential(
                nn.Conv2d(narrow, wide, kernel_size=3, padding=1),
                nn.BatchNorm2d(wide),
                nn.ReLU(),
                # As MGCA: the corners of the map stay the corners.
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            )
            for narrow, wide in pairwise((width, *channels))
        ]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Conv2d(channels[-1], 1, kernel_size=3, padding=1)
        self.size = size

    def forward(self, patch_BPE: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return logits (B, S, S) for tokens in the rows and columns of `grid`.

        Where the doublings do not lead to S, the logits are interpolated to it.
        """
        map_BEHW = self.embed(patch_BPE).transpose(1, 2).unflatten(2, grid)
        return _to_size(self.head(self.stages(map_BEHW)), self.size)


class UnetDecoder(nn.Module):
    """A U-Net's way up from the maps of a convolutional encoder.

    The decoder of segmentation_models_pytorch with its defaults, which MGCA uses: each
    block doubles the map by repeating pixels, appends the encoder's map of that size
    where there is one, and applies 3 x 3 convolution, batch norm and ReLU twice; a last
    3 x 3 convolution gives the logits. Its weights start as in version 0.2 of that
    package: convolutions uniform within sqrt(6 / inputs), the last one within
    sqrt(6 / (inputs + outputs)) and with a bias of 0.
    """

    def __init__(
        self,
        widths: Sequence[int],
        reductions: Sequence[int],
        *,
        channels: Sequence[int],
        size: int,
    ) -> None:
        """Build a decoder to `size` x `size` pixels.

        Args:
            widths: Channels of each map, from the finest to the coarsest.
            reductions: Input pixels per cell of each map, each way; ascending powers of
                two.
            channels: Channels after each block, from the coarsest map on.
            size: Side of the input of the encoder, pixels.

        Raises:
            ValueError: If a reduction is no power of two, or there are more doublings
                than channels.
        """
        super().__init__()
        _check_reductions(reductions, num_channels=len(channels))
        width_at = dict(zip(reductions, widths, strict=True))
        below = widths[-1]
        blocks, self.skips = [], []
        reduction = reductions[-1]
        for wide in channels[: reductions[-1].bit_length() - 1]:
            reduction //= 2
            blocks.append(_UnetBlock(below + width_at.get(reduction, 0), wide))
            self.skips.append(
                list(reductions).index(reduction) if reduction in width_at else None
            )
            below = wide
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Conv2d(below, 1, kernel_size=3, padding=1)
        self.size = size
        self._start()

    def _start(self) -> None:
        """Draw the first weights, in the order of the blocks."""
        for module in self.blocks.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        nn.init.xavier_uniform_(self.head.weight)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return logits (B, S, S) for maps (B, E, H, W), from the finest to the coarsest."""
        below_BEHW = maps[-1]
        for block, skip in zip(self.blocks, self.skips, strict=True):
            beside_BEHW = None if skip is None else maps[skip]
            below_BEHW = block(below_BEHW, beside_BEHW)
        return _to_size(self.head(below_BEHW), self.size)


class _UnetBlock(nn.Module):
    """One doubling of the U-Net."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(narrow, wide, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, wide, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
        )

    def forward(self, below_BEHW: Tensor, beside_BEHW: Tensor | None) -> Tensor:
        """Return the doubled map; `beside_BEHW` is the encoder's map of that size."""
        doubled_BEHW = F.interpolate(below_BEHW, scale_factor=2.0, mode="nearest")
        if beside_BEHW is not None:
            # Encoders that round up have one row or column fewer than twice the coarser.
            doubled_BEHW = doubled_BEHW[..., : beside_BEHW.shape[-2], :]
            doubled_BEHW = doubled_BEHW[..., : beside_BEHW.shape[-1]]
            doubled_BEHW = torch.cat([doubled_BEHW, beside_BEHW], dim=1)
        joined: Tensor = self.convolutions(doubled_BEHW)
        return joined


def _check_reductions(reductions: Sequence[int], *, num_channels: int) -> None:
    for reduction in reductions:
        if reduction < 1 or reduction & (reduction - 1):
            raise ValueError(
                "UnetDecoder: expected maps that are a power of two smaller than the "
                f"input, found one that is {reduction} times smaller; mgca-segmentation "
                "cannot be run with this encoder"
            )
    num_doublings = reductions[-1].bit_length() - 1
    if num_doublings > num_channels:
        raise ValueError(
            f"UnetDecoder: expected at most {num_channels} doublings, found an encoder "
            f"that needs {num_doublings}; mgca-segmentation cannot be run with it"
        )


def _to_size(logit_B1HW: Tensor, size: int) -> Tensor:
    if logit_B1HW.shape[-2:] != (size, size):
        logit_B1HW = F.interpolate(
            logit_B1HW, size=(size, size), mode="bilinear", align_corners=False
        )
    return logit_B1HW.squeeze(1)
