"""A frozen encoder below a decoder that is trained: what `mgca-segmentation` trains."""

# Shape suffixes:
#   B = images, C = channels, S = rows, and columns, of the input and of the masks,
#   P = patches, row by row, E = channels of a feature map, H, W = its rows and columns

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from asg_core.evaluation.protocols.decoders import SetrPup, UnetDecoder
from asg_core.evaluation.protocols.mgca.settings import MgcaSegmentation
from asg_core.models.image_encoder import ImageEncoder

_STAGES, _FORWARD = "feature_info", "forward_intermediates"
"""What timm calls the description of a network's stages, and the pass that returns all of
their maps."""


class FrozenSegmenter(nn.Module):
    """A copy of an encoder whose weights stay, and a decoder on what it returns.

    The statistics of the encoder's batch norms follow the images of training all the
    same, as in MGCA's code; everything else in the encoder is in evaluation mode always,
    dropout too.
    """

    def __init__(self, encoder: ImageEncoder, decoder: nn.Module) -> None:
        """Copy `encoder`, so that fits do not move each other's statistics."""
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(requires_grad=False)
        self.decoder = decoder
        self._is_training = False

    def set_training(self, *, is_training: bool) -> None:
        """Put the decoder and the batch norms into one of the two modes."""
        self._is_training = is_training
        self.decoder.train(mode=is_training)
        self.encoder.eval()

    def moving_buffers(self) -> list[str]:
        """Return the names of the encoder's tensors that training changes."""
        moving = {id(norm) for norm in self._moving_norms()}
        return [
            f"{name}.{buffer}"
            for name, module in self.encoder.named_modules()
            if id(module) in moving
            for buffer, _ in module.named_buffers(recurse=False)
        ]

    def forward(self, image_BSS: Tensor) -> Tensor:
        """Return logits (B, S, S) for uint8 images (B, S, S).

        A batch of one image moves no statistics: a map of one cell has no variance.
        """
        for norm in self._moving_norms():
            norm.train(mode=self._is_training and len(image_BSS) > 1)
        with torch.no_grad():
            features = self._features(image_BSS)
        logit_BSS: Tensor = self.decoder(*features)
        return logit_BSS

    def _features(self, image_BSS: Tensor) -> tuple[object, ...]:
        if isinstance(self.decoder, SetrPup):
            found = self.encoder(image_BSS)
            return found.patches_BPE, found.grid
        return (feature_maps(self.encoder, image_BSS),)

    def _moving_norms(self) -> Iterator[nn.Module]:
        for module in self.encoder.modules():
            if isinstance(module, _BatchNorm) and module.track_running_stats:
                yield module


def build_segmenter(
    encoder: ImageEncoder, *, settings: MgcaSegmentation
) -> FrozenSegmenter:
    """Build the decoder that belongs to an encoder; its weights are random.

    Encoders of which all maps have one size, transformers of tokens, get SETR-PUP; those
    whose maps shrink get a U-Net.

    Raises:
        ValueError: If neither can be built on this encoder.
    """
    reductions = [reduction for _, reduction, _ in _stages(encoder)]
    decoder: nn.Module
    if len(set(reductions)) == 1:
        decoder = SetrPup(
            encoder.width, channels=settings.setr_channels, size=encoder.size
        )
    elif hasattr(encoder.network, _FORWARD):
        stages = _last_of_each_size(encoder)
        decoder = UnetDecoder(
            [width for _, _, width in stages],
            [reduction for _, reduction, _ in stages],
            channels=settings.unet_channels,
            size=encoder.size,
        )
    else:
        raise ValueError(
            f"build_segmenter: expected a network of timm that returns the maps of its "
            f"stages, found {type(encoder.network).__name__}, which does not; choose "
            "another encoder for mgca-segmentation"
        )
    return FrozenSegmenter(encoder, decoder)


def feature_maps(encoder: ImageEncoder, image_BSS: Tensor) -> list[Tensor]:
    """Return the maps (B, E, H, W) of an encoder's stages, from fine to coarse.

    Of several maps of one size the last.
    """
    image_BCSS = image_BSS[:, None] * encoder.scale_C11 + encoder.shift_C11
    forward: Callable[..., Sequence[Tensor]] = getattr(encoder.network, _FORWARD)
    maps = forward(
        image_BCSS.expand(-1, encoder.channels, -1, -1), intermediates_only=True
    )
    return [maps[place] for place, _, _ in _last_of_each_size(encoder)]


def _last_of_each_size(encoder: ImageEncoder) -> list[tuple[int, int, int]]:
    last = {stage[1]: stage for stage in _stages(encoder)}
    return [last[reduction] for reduction in sorted(last)]


def _stages(encoder: ImageEncoder) -> list[tuple[int, int, int]]:
    """Return place, reduction and channels of each stage, as timm describes them."""
    described = getattr(encoder.network, _STAGES)
    return [
        (place, int(stage["reduction"]), int(stage["num_chs"]))
        for place, stage in enumerate(list(described))
    ]
