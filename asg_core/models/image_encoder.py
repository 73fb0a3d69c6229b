"""Any image encoder of timm that has a grid of patches: grey pixels -> features."""

# Shape suffixes:
#   B = images, S = rows, and columns, of the model input, C = channels
#   N = prefix tokens and patches, P = patches, E = width of features
#   H W = rows and columns of the map

import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from asg_core.models.config import ImageEncoderConfig
from asg_core.models.pretrained.timm_weights import (
    load_network_weights,
    load_published_weights,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFeatures:
    """What an image encoder says about a batch."""

    pooled_BE: Tensor
    """One vector an image, as timm makes it: [CLS] after the last norm where the encoder
    has one, the mean of the map in a ResNet."""

    patches_BPE: Tensor
    """One vector a patch, row by row from the top-left corner."""

    grid: tuple[int, int]
    """Rows and columns of patches."""


ImageNetwork = Any
"""A network of timm: an `nn.Module` whose attributes differ by architecture."""

_WHERE = "model.image_encoder"


class ImageEncoder(nn.Module):
    """A network of timm with its normalisation; `build_image_encoder` makes it."""

    def __init__(
        self,
        network: ImageNetwork,
        *,
        size: int,
        channels: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.network: ImageNetwork = network
        self.size = size
        self.channels = channels
        self.mean = mean
        self.std = std
        """Of grey values in 0 .. 1; one number, or one per channel."""

        # Derived from the configuration, so they are no part of the state.
        mean_C11 = torch.tensor(mean)[:, None, None]
        std_C11 = torch.tensor(std)[:, None, None]
        self.scale_C11: Tensor
        self.shift_C11: Tensor
        self.register_buffer("scale_C11", 1 / (255 * std_C11), persistent=False)
        self.register_buffer("shift_C11", -mean_C11 / std_C11, persistent=False)
        self.num_prefix_tokens = int(getattr(network, "num_prefix_tokens", 0))
        self.is_convolutional = False
        self.grid, self.width, self.pooled_width = self._measure()

    def forward(self, image_BSS: Tensor) -> ImageFeatures:
        """Encode grey images, uint8 with 0 black and 255 white, of side `size`.

        Raises:
            ValueError: If the images are of another size or type.
        """
        if image_BSS.dtype != torch.uint8 or image_BSS.shape[1:] != 2 * (self.size,):
            raise ValueError(
                f"ImageEncoder: expected uint8 images (B, {self.size}, {self.size}), "
                f"found {image_BSS.dtype} {tuple(image_BSS.shape)}; crop them to "
                "model.image_encoder.size"
            )
        image_BCSS = image_BSS[:, None] * self.scale_C11 + self.shift_C11
        image_BCSS = image_BCSS.expand(-1, self.channels, -1, -1)
        if self.is_convolutional:
            # Convolutions and poolings on a CPU take 2/3 of the time in this layout.
            image_BCSS = image_BCSS.contiguous(memory_format=torch.channels_last)
        features = self.network.forward_features(image_BCSS)
        pooled_BE = self.network.forward_head(features, pre_logits=True)
        return ImageFeatures(
            pooled_BE=pooled_BE, patches_BPE=self._patches(features), grid=self.grid
        )

    def _patches(self, features: Tensor) -> Tensor:
        if features.dim() == 3:
            return features[:, self.num_prefix_tokens :]
        if getattr(self.network, "output_fmt", "NCHW") == "NHWC":
            return features.flatten(1, 2)
        return features.flatten(2).transpose(1, 2)

    def _measure(self) -> tuple[tuple[int, int], int, int]:
        """Return the grid, its width and that of the pooled vector, or refuse."""
        was_training = self.network.training
        self.network.eval()
        black_1CSS = torch.zeros(1, self.channels, self.size, self.size)
        with torch.no_grad():
            features = self.network.forward_features(black_1CSS)
            pooled_1E = self.network.forward_head(features, pre_logits=True)
        self.network.train(was_training)
        if not isinstance(features, Tensor) or features.dim() not in (3, 4):
            raise ValueError(
                f"{_WHERE}.name: expected an encoder with one grid of patch features, "
                f"found none in {self.network.pretrained_cfg['architecture']}"
            )
        self.is_convolutional = features.dim() == 4
        num_patches, width = self._patches(features).shape[1:]
        side = self.size // _stride_of(self.network)
        if num_patches != side**2:
            raise ValueError(
                f"{_WHERE}.name: expected {side} x {side} patches for size {self.size}, "
                f"found {num_patches}; choose an encoder with a square grid of patches"
            )
        return (side, side), width, pooled_1E.shape[1]


def build_image_encoder(
    config: ImageEncoderConfig, *, where: str = _WHERE
) -> ImageEncoder:
    """Build the encoder with the weights that the configuration names.

    Without any the weights are random, drawn from torch's global generator.

    Args:
        config: Which encoder.
        where: The key of the configuration, for messages about weights.

    Raises:
        ValueError: If timm has no such architecture or refuses the options, if the
            architecture does not divide the size into patches, or if the file of weights
            does not fit.
        FileNotFoundError: If there is no such file of weights.
    """
    network = _create_network(config)
    _check_size(network, size=config.size)
    if config.weights is not None:
        load_network_weights(
            network,
            config.weights,
            channels=config.channels,
            prefix=config.prefix,
            where=where,
        )
    elif config.pretrained:
        load_published_weights(network, config, where=where)
    else:
        logger.info("%s: random weights", config.name)
    mean, std = (
        _per_channel(given, network.pretrained_cfg[name], channels=config.channels)
        for name, given in (("mean", config.mean), ("std", config.std))
    )
    return ImageEncoder(
        network, size=config.size, channels=config.channels, mean=mean, std=std
    )


def network_options(config: ImageEncoderConfig) -> dict[str, Any]:
    """Return what `timm.create_model` is given beside the name, weights aside.

    Raises:
        ValueError: If timm has no such architecture or an option contradicts the rest of
            the configuration.
    """
    import timm.models  # noqa: PLC0415 - takes seconds, and grey values as features need none

    known = None
    if ":" not in config.name and timm.is_model(config.name):
        known = timm.models.get_pretrained_cfg(config.name, allow_unregistered=False)
    if known is None:
        raise ValueError(
            f"{_WHERE}.name: expected an architecture that timm {timm.__version__} knows, "
            f"found '{config.name}'; `timm.list_models('*vit*')` lists them, and "
            f"{_WHERE}.weights takes weights from a file"
        )
    fixed: dict[str, Any] = {"num_classes": 0, "in_chans": config.channels}
    # Encoders with position embeddings or windows are built for one size.
    if known.fixed_input_size:
        fixed["img_size"] = config.size
    clashes = sorted(fixed.keys() & config.options.keys())
    if clashes:
        raise ValueError(
            f"{_WHERE}.options: {clashes} follow from size and channels; leave them out"
        )
    return {**config.options, **fixed}


def _create_network(config: ImageEncoderConfig) -> ImageNetwork:
    import timm  # noqa: PLC0415 - takes seconds, and grey values as features need none

    options = network_options(config)
    try:
        return timm.create_model(config.name, pretrained=False, **options)
    except (TypeError, AssertionError) as error:
        raise ValueError(
            f"{_WHERE}: timm does not build '{config.name}' with {options}: {error}"
        ) from error


def _check_size(network: ImageNetwork, *, size: int) -> None:
    stride = _stride_of(network)
    if size % stride:
        raise ValueError(
            f"{_WHERE}.size: expected a multiple of the patch size of "
            f"{network.pretrained_cfg['architecture']}, {stride} pixels, found {size}; "
            f"take {size - size % stride} or {size - size % stride + stride}"
        )


def _stride_of(network: ImageNetwork) -> int:
    """Return the side of a patch in pixels."""
    stages = getattr(network, "feature_info", None)
    if not stages:
        raise ValueError(
            f"{_WHERE}.name: expected an encoder with a grid of patch features, and timm "
            f"names none for {network.pretrained_cfg['architecture']}"
        )
    return int(list(stages)[-1]["reduction"])


def _per_channel(
    given: tuple[float, ...] | None, known: tuple[float, ...], *, channels: int
) -> tuple[float, ...]:
    if given is not None:
        return given
    # A grey image of one channel takes the mean of what three channels expect.
    return (sum(known) / len(known),) if channels == 1 else tuple(known)
