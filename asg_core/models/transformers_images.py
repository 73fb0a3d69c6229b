"""An image encoder of transformers, from its folder, with the face that timm's have.

What is one vector an image, and what are the patches, differs by family; here as in timm
both are taken after the last norm. The layer that some families put on [CLS] (`pooler`)
is not used: published weights often lack it, and it would be random.
"""

# Shape suffixes:
#   B = images, C = channels, S = rows, and columns, of the input
#   N = prefix tokens and patches, E = width of features

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asg_core.models.image_encoder import ImageEncoder
from asg_core.models.pretrained.weights import count_names

logger = logging.getLogger(__name__)

Vision = Any
"""A `PreTrainedModel` of transformers: its attributes differ by architecture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """How one family of transformers is loaded and read."""

    model: str
    """Class in transformers."""

    prefix_tokens: int
    """Tokens before those of the patches."""

    norm: str | None
    """Attribute that is yet to be applied to the last hidden states."""

    pool: Callable[[Vision, Tensor], Tensor]
    """From normed tokens (B, N, E) to one vector an image (B, E)."""

    options: dict[str, Any]
    """Further arguments of `from_pretrained`."""

    resizes: bool
    """Whether position embeddings have to be told of another size."""


def _first(network: Vision, token_BNE: Tensor) -> Tensor:
    del network
    return token_BNE[:, 0]


def _mean(network: Vision, token_BNE: Tensor) -> Tensor:
    del network
    return token_BNE.mean(1)


def _attended(network: Vision, token_BNE: Tensor) -> Tensor:
    pooled_BE: Tensor = network.head(token_BNE)
    return pooled_BE


_CLIP = _Family(
    model="CLIPVisionModel",
    prefix_tokens=1,
    norm="post_layernorm",
    pool=_first,
    options={},
    resizes=True,
)
_SIGLIP = _Family(
    model="SiglipVisionModel",
    prefix_tokens=0,
    norm=None,
    pool=_attended,
    options={},
    resizes=True,
)
_FAMILIES = {
    "vit": _Family(
        model="ViTModel",
        prefix_tokens=1,
        norm=None,
        pool=_first,
        options={"add_pooling_layer": False},
        resizes=True,
    ),
    "dinov2": _Family(
        model="Dinov2Model",
        prefix_tokens=1,
        norm=None,
        pool=_first,
        options={},
        resizes=False,
    ),
    "clip": _CLIP,
    "clip_vision_model": _CLIP,
    "siglip": _SIGLIP,
    "siglip_vision_model": _SIGLIP,
    "swin": _Family(
        model="SwinModel",
        prefix_tokens=0,
        norm=None,
        pool=_mean,
        options={"add_pooling_layer": False},
        resizes=True,
    ),
}
"""By `model_type` of config.json."""

_NOT_USED = ("mask_token",)
"""Ends of names of tensors that play no part where no patch is masked."""

_POOLER = "pooler."


class TransformersTrunk(nn.Module):
    """A network of transformers that is asked as one of timm is."""

    output_fmt = "NLC"

    def __init__(self, network: Vision, *, family: _Family, size: int) -> None:
        super().__init__()
        self.network: Vision = network
        self.num_prefix_tokens = family.prefix_tokens
        self.pretrained_cfg = {"architecture": type(network).__name__}
        self.feature_info = _stages(network.config)
        self._family = family
        self._size = size

    def forward_features(self, image_BCSS: Tensor) -> Tensor:
        """Return all tokens after the last norm (B, N, E), those of patches last."""
        is_resized = (
            self._family.resizes and self._size != self.network.config.image_size
        )
        further = {"interpolate_pos_encoding": True} if is_resized else {}
        token_BNE: Tensor = self.network(
            pixel_values=image_BCSS, **further
        ).last_hidden_state
        if self._family.norm is not None:
            token_BNE = getattr(self.network, self._family.norm)(token_BNE)
        return token_BNE

    def forward_head(self, token_BNE: Tensor, *, pre_logits: bool) -> Tensor:
        """Return one vector an image (B, E)."""
        del pre_logits  # there are no others
        return self._family.pool(self.network, token_BNE)


def load_transformers_encoder(
    folder: Path,
    *,
    where: str,
    size: int | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
) -> ImageEncoder:
    """Load an image encoder that transformers wrote, in evaluation mode.

    Nothing is fetched, and no code of the folder is executed. Tensors of the file that
    the encoder has no place for, such as a text encoder, are counted in the log.

    Args:
        folder: With config.json, weights, and where it is known preprocessor_config.json.
        where: The key that names the encoder, for messages.
        size: Side of the input, in pixels; None: as config.json says.
        mean: Of grey values in 0 .. 1; None: as preprocessor_config.json says.
        std: As `mean`.

    Raises:
        ValueError: If the folder holds no encoder of a known family, or weights that are
            missing, left over or of another shape.
    """
    family = _FAMILIES[_model_type(folder, where=where)]
    network = _load(folder, family=family, where=where)
    config = network.config
    side = size or _side(config.image_size)
    if side % _stride(config):
        raise ValueError(
            f"{where}.size: expected a multiple of the patch size of {family.model}, "
            f"{_stride(config)} pixels, found {side}"
        )
    trunk = TransformersTrunk(network, family=family, size=side).eval()
    return ImageEncoder(
        trunk,
        size=side,
        channels=config.num_channels,
        mean=_statistic(folder, "mean", where=where) if mean is None else mean,
        std=_statistic(folder, "std", where=where) if std is None else std,
    )


def _model_type(folder: Path, *, where: str) -> str:
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(
            f"{where}.path: expected a folder that transformers wrote, found no {path}; "
            "name the folder with config.json and model.safetensors"
        )
    kind = str(_read_json(path, where=where).get("model_type"))
    if kind not in _FAMILIES:
        raise ValueError(
            f"{where}.path: expected an image encoder of type {', '.join(_FAMILIES)}, "
            f"found '{kind}' in {path}"
        )
    return kind


def _load(folder: Path, *, family: _Family, where: str) -> Vision:
    import transformers  # noqa: PLC0415 - takes seconds, and other encoders need none

    try:
        network, found = getattr(transformers, family.model).from_pretrained(
            folder,
            output_loading_info=True,
            local_files_only=True,
            dtype=torch.float32,
            **family.options,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{where}.path: '{folder}' holds no weights that {family.model} can read: "
            f"{error}"
        ) from error
    wanted = len(network.state_dict())
    missing = sorted(
        name for name in found["missing_keys"] if not name.endswith(_NOT_USED)
    )
    extra = sorted(
        name for name in found["unexpected_keys"] if not name.startswith(_POOLER)
    )
    surplus = [name for name in extra if _is_part(network, name)]
    if missing or surplus:
        raise ValueError(
            f"{where}.path: the weights of '{folder}' do not fit its config.json: of "
            f"{wanted} tensors that {family.model} has {len(missing)} are missing "
            f"{missing[:3]}, and {len(surplus)} are left over {surplus[:3]}; take the "
            "two files from one source"
        )
    rest = [name for name in extra if name not in surplus]
    logger.info(
        "%s: %d tensors from '%s', %d others left out%s",
        family.model,
        wanted,
        folder,
        len(rest),
        f": {count_names(rest)}" if rest else "",
    )
    return network


def _is_part(network: Vision, name: str) -> bool:
    """Tell whether a tensor belongs to a part that the network has."""
    for prefix in (f"{network.base_model_prefix}.", "vision_model."):
        name = name.removeprefix(prefix)
    return hasattr(network, name.partition(".")[0]) and not name.startswith(_POOLER)


def _statistic(folder: Path, key: str, *, where: str) -> tuple[float, ...]:
    """Return the mean or deviation that the folder's preprocessor goes by."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).is_file():
            values = _read_json(folder / name, where=where)
            values = values.get("image_processor", values)
            found = values.get(f"image_{key}")
            if isinstance(found, list):
                return tuple(float(value) for value in found)
    raise ValueError(
        f"{where}.{key}: expected image_{key} in {folder / 'preprocessor_config.json'}, "
        f"found none; take that file from where the weights are from, or set {where}.{key}"
    )


def _read_json(path: Path, *, where: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{where}.path: '{path}' is no JSON: {error}") from error
    return found if isinstance(found, dict) else {}


def _stages(config: Any) -> list[dict[str, int]]:  # noqa: ANN401 - transformers is untyped
    """Return how timm would describe the maps: reduction and channels of each stage."""
    patch = _side(config.patch_size)
    depths = getattr(config, "depths", None)
    if depths is None:
        depth = config.num_hidden_layers
        return [{"reduction": patch, "num_chs": config.hidden_size}] * depth
    return [
        {"reduction": patch * 2**place, "num_chs": config.embed_dim * 2**place}
        for place in range(len(depths))
    ]


def _stride(config: Any) -> int:  # noqa: ANN401 - transformers is untyped
    return _stages(config)[-1]["reduction"]


def _side(size: int | list[int] | tuple[int, ...]) -> int:
    """Return the side of a square that is given as one number or as two."""
    return int(size) if isinstance(size, int) else int(size[0])
