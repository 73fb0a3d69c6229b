"""Frozen image encoders behind one face: of runs, timm and transformers, and floors."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.images.crop import Crop, centre_crop
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.precision import arithmetic
from asg_core.learning.run_folder import PRETRAINED, read_run
from asg_core.losses.names import LOSSES
from asg_core.models.asg import AsgModel
from asg_core.models.checkpoint import load_model
from asg_core.models.config import ImageEncoderConfig
from asg_core.models.image_encoder import ImageEncoder, build_image_encoder
from asg_core.models.transformers_images import load_transformers_encoder
from asg_core.settings import Precision

# Shape suffixes:
#   B = images, S = rows, and columns, of the encoder's input, P = patches, row by row,
#   E = width of the features, T = cells each way, K = pixels of a cell each way

logger = logging.getLogger(__name__)

CALIBRATION_IMAGES = 512
"""Training images, at most, that the batch norms of fresh weights are fitted to."""

_RESIZE_SHARE = 8 / 7
"""Of the input: 256 for 224, as in most published protocols."""

_WHITE = 255.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedImages:
    """Features of a batch of images, 32 bit, on the encoder's device."""

    pooled_BE: Tensor
    patches_BPE: Tensor
    grid: tuple[int, int]
    """Rows and columns of patches."""


class FeatureEncoder(Protocol):
    """What every protocol on frozen features asks of an encoder."""

    @property
    def name(self) -> str:
        """Its name in `evaluation.encoders`."""

    @property
    def resize(self) -> int:
        """Side that a cached square is scaled to, in pixels."""

    @property
    def input_size(self) -> int:
        """Side of the central crop that the encoder sees, in pixels."""

    @property
    def pretrained_on(self) -> tuple[str, ...]:
        """Data sets that the weights are known to have learnt from."""

    def features(self, image_BSS: Tensor) -> EncodedImages:
        """Return the features of uint8 images of the input size, without gradients.

        No images are refused by some encoders; do not ask.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkEncoder:
    """An encoder with weights. `model` is the whole model, where there is one."""

    name: str
    resize: int
    network: ImageEncoder
    is_random: bool = False
    model: AsgModel | None = None
    folder: Path | None = None
    """Of the run: its tokenizer.json lies there."""

    loss_weights: Mapping[str, float] = field(default_factory=dict)
    """Which losses trained the model, by name."""

    pretrained_on: tuple[str, ...] = ()
    device: str = "cpu"
    precision: Precision = "fp32"

    @property
    def input_size(self) -> int:
        """Side of the crop that the network was built for, in pixels."""
        return self.network.size

    def features(self, image_BSS: Tensor) -> EncodedImages:
        """Return the features of uint8 images (B, S, S), without gradients."""
        with torch.inference_mode(), self.arithmetic():
            found = self.network(image_BSS.to(self.device))
        return EncodedImages(
            pooled_BE=found.pooled_BE.float(),
            patches_BPE=found.patches_BPE.float(),
            grid=found.grid,
        )

    def arithmetic(self) -> AbstractContextManager[object]:
        """Return the context of forward passes: 16 bit where the settings say so."""
        return arithmetic(self.device, self.precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelEncoder:
    """Grey values, 0 black .. 1 white, as features: what no training at all gives.

    The image is cut into `thumbnail` x `thumbnail` cells, row by row. The mean of each
    cell is one image feature; the pixels of a cell are the features of its patch.
    """

    name: str
    resize: int
    input_size: int
    thumbnail: int
    pretrained_on: tuple[str, ...] = ()

    def features(self, image_BSS: Tensor) -> EncodedImages:
        """Return the features of uint8 images (B, S, S)."""
        side = self.thumbnail
        cells_BTKTK = image_BSS.unflatten(2, (side, -1)).unflatten(1, (side, -1))
        cells_BTTKK = cells_BTKTK.permute(0, 1, 3, 2, 4).float() / _WHITE
        patches_BPE = cells_BTTKK.flatten(3).flatten(1, 2)
        return EncodedImages(
            pooled_BE=patches_BPE.mean(dim=2),
            patches_BPE=patches_BPE,
            grid=(side, side),
        )


def load_encoder(
    config: EncoderConfig,
    *,
    name: str,
    cache_size: int,
    run_folder: Path | None = None,
    device: str = "cpu",
    precision: Precision = "fp32",
) -> NetworkEncoder | PixelEncoder:
    """Return one encoder, in evaluation mode.

    One of kind `random` is of no use before `calibrate_batch_norms`.

    Args:
        config: Which encoder.
        name: What it is called beside its scores.
        cache_size: Side of the cached squares, in pixels.
        run_folder: Of `config.run`, with model.safetensors and run.json; other kinds do
            not ask for it. Kind `random` needs its architecture in `image_encoder`.
        device: Torch device.
        precision: Arithmetic of forward passes.

    Raises:
        ValueError: If a folder is needed and not given, if it holds something else, or if
            there is nothing to crop.
        FileNotFoundError: If the folder has no finished model.
    """
    if config.kind == "pixels":
        encoder: NetworkEncoder | PixelEncoder = _pixel_encoder(
            config, name=name, cache_size=cache_size
        )
    else:
        loaded = _load_network(config, name=name, run_folder=run_folder)
        whole = loaded.model or loaded.network
        whole.to(device).eval().requires_grad_(requires_grad=False)
        encoder = replace(loaded, device=device, precision=precision)
    crop_of(encoder)
    logger.info(
        "encoder %s: %s, cached squares of %d px scaled to %d px, the central %d px seen",
        name,
        config.kind,
        cache_size,
        encoder.resize,
        encoder.input_size,
    )
    return encoder


def prepare_encoder(
    encoder: EncoderConfig,
    *,
    name: str,
    cache: PixelCache,
    train_ids: Sequence[str],
    run_folder: Path | None,
    config: EvaluationConfig,
) -> NetworkEncoder | PixelEncoder:
    """Return one encoder as it is evaluated on a benchmark.

    Args:
        encoder: Which encoder.
        name: What it is called beside its scores.
        cache: The pixels of the benchmark.
        train_ids: Its training images: batch norms of fresh weights are fitted to them.
        run_folder: As for `load_encoder`.
        config: Device, arithmetic and batch size.
    """
    loaded = load_encoder(
        encoder,
        name=name,
        cache_size=cache.size,
        run_folder=run_folder,
        device=config.device,
        precision=config.precision,
    )
    calibrate_batch_norms(loaded, cache, train_ids, batch_size=config.batch_size)
    return loaded


def crop_of(encoder: FeatureEncoder) -> Crop:
    """Return the crop from a cached square to what an encoder sees.

    Raises:
        ValueError: If there is nothing to crop.
    """
    return centre_crop(encoder.resize, encoder.input_size)


def read_inputs(
    encoder: FeatureEncoder, cache: PixelCache, image_ids: Sequence[str]
) -> Tensor:
    """Return what an encoder sees of images: uint8 (B, S, S), in the order asked for.

    Raises:
        KeyError: If an image is not in the cache.
    """
    return torch.from_numpy(crop_of(encoder).apply(cache.read(image_ids)))


def calibrate_batch_norms(
    encoder: FeatureEncoder,
    cache: PixelCache,
    train_ids: Sequence[str],
    *,
    batch_size: int,
) -> int:
    """Fit the batch norms of fresh weights to training images; return to how many.

    With statistics of 0 and 1 a deep network of random weights blows up or dies out, and
    would be no fair floor. The statistics become the plain means over the batches of
    at most 512 images, drawn with a fixed seed. Any other encoder, and one without batch
    norms, stays as it is: 0.

    Args:
        encoder: What `load_encoder` returned.
        cache: The pixels.
        train_ids: The training part of a benchmark.
        batch_size: Images of a forward pass.
    """
    if not isinstance(encoder, NetworkEncoder) or not encoder.is_random:
        return 0
    norms = [
        module
        for module in encoder.network.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    if not norms:
        return 0
    ordered = sorted(train_ids)
    rng = np.random.default_rng(0)
    drawn = [ordered[k] for k in rng.permutation(len(ordered))[:CALIBRATION_IMAGES]]
    batches = (
        read_inputs(encoder, cache, drawn[start : start + batch_size])
        for start in range(0, len(drawn), batch_size)
    )
    # The whole network is in training mode here: an architecture with dropout draws.
    with torch.random.fork_rng([]), encoder.arithmetic():
        torch.manual_seed(0)
        update_bn(batches, encoder.network, device=torch.device(encoder.device))
    logger.info(
        "encoder %s: %d batch norms fitted to %d training images",
        encoder.name,
        len(norms),
        len(drawn),
    )
    return len(drawn)


def _pixel_encoder(
    config: EncoderConfig, *, name: str, cache_size: int
) -> PixelEncoder:
    resize = config.resize or cache_size
    if resize < config.thumbnail:
        raise ValueError(
            f"encoders.{name}: expected at least one pixel in each of {config.thumbnail} "
            f"x {config.thumbnail} cells, found images of {resize} px; lower thumbnail"
        )
    return PixelEncoder(
        name=name,
        resize=resize,
        input_size=resize // config.thumbnail * config.thumbnail,
        thumbnail=config.thumbnail,
        pretrained_on=config.pretrained_on,
    )


def _load_network(
    config: EncoderConfig, *, name: str, run_folder: Path | None
) -> NetworkEncoder:
    if config.image_encoder is not None:
        return _timm_encoder(config, config.image_encoder, name=name)
    if config.kind == "transformers" and config.path is not None:
        return _transformers_encoder(config, config.path, name=name)
    folder = config.path if config.kind == "checkpoint" else run_folder
    if config.kind == "random" or folder is None:
        needed = "its architecture" if config.kind == "random" else "the run's folder"
        raise ValueError(
            f"encoders.{name}: expected {needed} for kind '{config.kind}' of the run "
            f"'{config.run}', found none; give "
            + ("image_encoder" if config.kind == "random" else "run_folder")
        )
    run = read_run(folder, kind=PRETRAINED)
    resize = config.resize or _resize_of(run, folder=folder)
    model = load_model(folder)
    return NetworkEncoder(
        name=name,
        resize=resize,
        network=model.image_encoder,
        model=model,
        folder=folder,
        loss_weights=_loss_weights(run),
        pretrained_on=config.pretrained_on,
    )


def _timm_encoder(
    config: EncoderConfig, image_encoder: ImageEncoderConfig, *, name: str
) -> NetworkEncoder:
    is_random = config.kind == "random"
    return NetworkEncoder(
        name=name,
        resize=config.resize or round(image_encoder.size * _RESIZE_SHARE),
        network=_fresh_network(image_encoder, seed=config.seed)
        if is_random
        else build_image_encoder(
            image_encoder, where=f"evaluation.encoders.{name}.image_encoder"
        ),
        is_random=is_random,
        pretrained_on=config.pretrained_on,
    )


def _transformers_encoder(
    config: EncoderConfig, folder: Path, *, name: str
) -> NetworkEncoder:
    network = load_transformers_encoder(
        folder,
        where=f"evaluation.encoders.{name}",
        size=config.size,
        mean=config.mean,
        std=config.std,
    )
    return NetworkEncoder(
        name=name,
        resize=config.resize or round(network.size * _RESIZE_SHARE),
        network=network,
        pretrained_on=config.pretrained_on,
    )


def _fresh_network(architecture: ImageEncoderConfig, *, seed: int) -> ImageEncoder:
    """Build an architecture with random weights; torch's generator stays as it was."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return build_image_encoder(architecture.architecture)


def _resize_of(run: Mapping[str, Any], *, folder: Path) -> int:
    try:
        return int(run["settings"]["crop"]["resize"])
    except KeyError as error:
        raise ValueError(
            f"{folder / 'run.json'}: expected settings.crop.resize, found no key {error}; "
            "set `resize` of the encoder, or make the run again"
        ) from error


def _loss_weights(run: Mapping[str, Any]) -> dict[str, float]:
    """Return the weights of the four losses of a run; a loss it does not name has none."""
    losses = run.get("settings", {}).get("losses", {})
    return {name: float(losses.get(name, 0)) for name in LOSSES}
