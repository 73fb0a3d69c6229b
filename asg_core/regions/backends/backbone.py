"""A torchvision classifier's convolutions under a feature pyramid, for grey images."""

# Shape suffixes: B = images, C = channels, H W = rows and columns

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d

from asg_core.regions.config import ArchitectureConfig, Backbone

_GROUPS = 8


class PyramidBackbone(nn.Module):
    """A torchvision classifier's convolutions under a feature pyramid, for grey images.

    For each stride the pyramid takes the output of the last module with that stride.
    """

    def __init__(self, architecture: ArchitectureConfig) -> None:
        super().__init__()
        norm = _NORMS[architecture.norm]
        self.body = _convolutions(architecture.backbone, norm=norm)
        _make_grey(self.body)
        self._level_of, widths = _find_levels(self.body, strides=architecture.strides)
        self.pyramid = FeaturePyramidNetwork(
            widths,
            architecture.pyramid_width,
            norm_layer=_NORMS[_PYRAMID_NORMS[architecture.norm]],
        )
        self.out_channels = architecture.pyramid_width
        """torchvision's detectors read this name."""

    def forward(self, image_BCHW: Tensor) -> dict[str, Tensor]:
        """Return the levels of the pyramid by number, finest first."""
        taken: dict[str, Tensor] = {}
        features = image_BCHW
        for name, module in self.body.named_children():
            features = module(features)
            if name in self._level_of:
                taken[self._level_of[name]] = features
        levels: dict[str, Tensor] = self.pyramid(taken)
        return levels


def load_backbone_weights(backbone: PyramidBackbone, path: Path) -> None:
    """Fill the convolutions with a state dictionary of torchvision's classifier.

    The filters of the first convolution are summed over their colours, which gives a
    grey image the response that the same image would have as RGB.

    Raises:
        ValueError: If the file lacks a weight of the backbone or has another shape.
    """
    state = (
        load_file(path)
        if path.suffix == ".safetensors"
        else torch.load(path, map_location="cpu", weights_only=True)
    )
    own = backbone.body.state_dict()
    loaded: dict[str, Tensor] = {}
    for name, value in own.items():
        found = state.get(name, state.get(f"features.{name}"))
        if found is not None and found.dim() == 4 and found.shape[1] == 3:
            found = found.sum(dim=1, keepdim=True) if value.shape[1] == 1 else found
        if name.endswith("num_batches_tracked") and found is None:
            found = value
        if found is None or found.shape != value.shape:
            raise ValueError(
                f"{path}: expected the weight '{name}' with shape "
                f"{list(value.shape)}, found "
                f"{'none' if found is None else list(found.shape)}. Give the state "
                "dictionary of the torchvision model that architecture.backbone names."
            )
        loaded[name] = found
    backbone.body.load_state_dict(loaded)


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(_GROUPS, channels)


_NORMS: dict[str, Any] = {
    "group": _group_norm,
    "batch": nn.BatchNorm2d,
    "frozen": FrozenBatchNorm2d,
}
# The pyramid is never pre-trained, so it has no statistics that could be frozen.
_PYRAMID_NORMS = {"group": "group", "batch": "batch", "frozen": "group"}


def _convolutions(backbone: Backbone, *, norm: Any) -> nn.Sequential:  # noqa: ANN401
    """Return the classifier's modules up to its last feature map, by their own names."""
    model = (
        ResNet(BasicBlock, [1, 1, 1, 1], norm_layer=norm)
        if backbone is Backbone.RESNET10
        else get_model(backbone.value, weights=None, norm_layer=norm)
    )
    if hasattr(model, "features"):
        children = list(model.features.named_children())
    else:
        children = [
            (name, module)
            for name, module in model.named_children()
            if name not in ("avgpool", "fc")
        ]
    body = nn.Sequential()
    for name, module in children:
        body.add_module(name, module)
    return body


def _make_grey(body: nn.Sequential) -> None:
    """Replace the first convolution, which expects three colours, by one for grey."""
    name, first = next(
        (name, module)
        for name, module in body.named_modules()
        if isinstance(module, nn.Conv2d)
    )
    grey = nn.Conv2d(
        1,
        first.out_channels,
        kernel_size=_pair(first.kernel_size),
        stride=_pair(first.stride),
        padding=_pair(first.padding),
        bias=first.bias is not None,
    )
    with torch.no_grad():
        grey.weight.copy_(first.weight.sum(dim=1, keepdim=True))
    parent, _, child = name.rpartition(".")
    setattr(body.get_submodule(parent), child, grey)


def _pair(sizes: tuple[int, ...] | str) -> tuple[int, int]:
    """Narrow what torch types as any number of sizes to the two of an image."""
    return int(sizes[0]), int(sizes[1])


def _find_levels(
    body: nn.Sequential, *, strides: Sequence[int]
) -> tuple[dict[str, str], list[int]]:
    """Return {module name: level} and the channels of the levels."""
    side = 64
    last: dict[int, tuple[str, int]] = {}
    was_training = body.training
    body.eval()
    with torch.no_grad():
        features = torch.zeros(1, 1, side, side)
        for name, module in body.named_children():
            features = module(features)
            last[side // features.shape[-1]] = (name, features.shape[1])
    body.train(was_training)
    level_of = {last[stride][0]: str(level) for level, stride in enumerate(strides)}
    return level_of, [last[stride][1] for stride in strides]
