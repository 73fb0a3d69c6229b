"""What a frozen encoder makes of the images of a benchmark, computed once."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.evaluation.encoders import (
    EncodedImages,
    FeatureEncoder,
    prepare_encoder,
    read_inputs,
)
from asg_core.files import replacing
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.schema import TableError

# Shape suffixes:
#   N = images, B = images of a batch, C = rows, and columns, of the encoder's input,
#   P = patches, row by row, E = width of the features

logger = logging.getLogger(__name__)

FORMAT = 1
KIND = "features"
_KEY = "asg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Features of images, before any projection."""

    encoder: str
    image_ids: tuple[str, ...]
    """Sorted."""

    pooled_NE: npt.NDArray[np.float32]
    """One vector of each image."""

    patches_NPE: npt.NDArray[np.float16] | None = None
    """One vector of each patch, row by row; none where no protocol asks for them."""

    grid: tuple[int, int] | None = None
    """Rows and columns of patches; none where there are no patches."""

    def rows(self, image_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the row of each image, in the order asked for.

        Raises:
            ValueError: If an image has no features.
        """
        places = np.searchsorted(
            np.array(self.image_ids), np.array(image_ids, dtype=str)
        )
        for image_id, place in zip(image_ids, places.tolist(), strict=True):
            if place == len(self.image_ids) or self.image_ids[place] != image_id:
                raise ValueError(
                    f"Features of '{self.encoder}': expected features of every image "
                    f"asked for, found none of '{image_id}'; delete the file of features "
                    "and run the workflow again"
                )
        return places.astype(np.int64)


def encode_benchmark(
    benchmark: Benchmark,
    cache: PixelCache,
    *,
    name: str,
    encoder: EncoderConfig,
    run_folder: Path | None,
    path: Path,
    with_patches: bool,
    config: EvaluationConfig,
) -> None:
    """Load an encoder and write its features of every image of a benchmark.

    Args:
        benchmark: Which images, and which of them are for training.
        cache: Their pixels.
        name: Of the encoder.
        encoder: Which encoder.
        run_folder: Of its run, where it is of one.
        path: The file to write.
        with_patches: Whether a protocol asks for features of patches, which only a
            benchmark with masks has a use for.
        config: Device, arithmetic and batch size.
    """
    loaded = prepare_encoder(
        encoder,
        name=name,
        cache=cache,
        train_ids=benchmark.part("train"),
        run_folder=run_folder,
        config=config,
    )
    extract_features(
        loaded,
        benchmark.images["image_id"].to_list(),
        cache,
        path=path,
        batch_size=config.batch_size,
        with_patches=with_patches and benchmark.segmentation_target is not None,
    )


def extract_features(
    encoder: FeatureEncoder,
    image_ids: Sequence[str],
    cache: PixelCache,
    *,
    path: Path,
    batch_size: int,
    with_patches: bool,
) -> None:
    """Write the features of images to one safetensors file.

    The file appears when it is complete, and the same features give the same bytes. Only
    one batch is in memory: the patches of a data set can be larger than that. They gather
    on the disk beside the file, which for a moment takes its size twice.

    Args:
        encoder: Frozen.
        image_ids: In any order, each once; they are written in ascending order.
        cache: The pixels.
        path: The file to write.
        batch_size: Images of a forward pass.
        with_patches: Whether 16-bit features of the patches are written too.

    Raises:
        ValueError: If there are no images, or features are not finite.
        KeyError: If an image is not in the cache.
    """
    if not image_ids:
        raise ValueError("extract_features: expected at least one image, found none")
    ordered = sorted(image_ids)
    arrays: dict[str, npt.NDArray[Any]] = {}
    grid: tuple[int, int] | None = None
    with replacing(path) as temporary:
        for start in range(0, len(ordered), batch_size):
            batch_ids = ordered[start : start + batch_size]
            encoded = encoder.features(read_inputs(encoder, cache, batch_ids))
            grid = encoded.grid if with_patches else None
            values = _to_arrays(encoded, encoder=encoder, with_patches=with_patches)
            arrays = arrays or _stage(values, num=len(ordered), folder=path.parent)
            for name, value in values.items():
                arrays[name][start : start + len(value)] = value
        about = {
            "format": FORMAT,
            "kind": KIND,
            "encoder": encoder.name,
            "grid": grid,
            "image_ids": ordered,
        }
        save_file(arrays, temporary, metadata={_KEY: json.dumps(about)})
    logger.info(
        "%s: features of %d images from %s: %s",
        path.name,
        len(ordered),
        encoder.name,
        {name: array.shape for name, array in arrays.items()},
    )


def read_features(path: Path, *, encoder: str, image_ids: Sequence[str]) -> Features:
    """Read what `extract_features` wrote; patches stay on the disk until they are used.

    Args:
        path: The file.
        encoder: The encoder that it must be of.
        image_ids: The images that it must be of, in any order.

    Raises:
        TableError: If the file is damaged, or of another kind, format, encoder or set of
            images.
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected features of '{encoder}', found no file. Run the workflow; "
            "it makes them."
        )
    try:
        about, arrays = _open(path)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise TableError(
            f"{path}: expected features that this project wrote, found something else "
            f"({error}). Delete the file and run the workflow again."
        ) from error
    _check(about, path=path, encoder=encoder, image_ids=image_ids)
    return Features(
        encoder=encoder,
        image_ids=tuple(about["image_ids"]),
        pooled_NE=arrays["pooled"].copy(),
        patches_NPE=arrays.get("patches"),
        grid=tuple(about["grid"]) if about["grid"] else None,
    )


def _open(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return what a file says of itself, and its tensors, whose bytes stay on the disk.

    Torch's tensors are views of the mapped file; NumPy's of this library are copies.
    """
    with safe_open(path, framework="pt") as file:
        about: dict[str, Any] = json.loads(file.metadata()[_KEY])
        return about, {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118 - no mapping


def _to_arrays(
    encoded: EncodedImages, *, encoder: FeatureEncoder, with_patches: bool
) -> dict[str, npt.NDArray[Any]]:
    """Return the features of a batch as they are stored, checked for overflow."""
    values: dict[str, npt.NDArray[Any]] = {"pooled": encoded.pooled_BE.cpu().numpy()}
    if with_patches:
        values["patches"] = encoded.patches_BPE.half().cpu().numpy()
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise ValueError(
                f"extract_features: expected finite features from '{encoder.name}', found "
                f"some of '{name}' that are not numbers or too large for "
                f"{8 * value.itemsize} bits"
            )
    return values


def _stage(
    values: Mapping[str, npt.NDArray[Any]], *, num: int, folder: Path
) -> dict[str, npt.NDArray[Any]]:
    """Return room for `num` images in nameless files, which go when they are let go.

    The writer of safetensors reads every tensor from its place in memory, and a mapped
    file is such a place: with 4,000 images of 196 patches (1.2 GB) the process has 454 MB
    of its own at most, and 453 MB with 500.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, value in values.items():
        with TemporaryFile(dir=folder) as file:
            arrays[name] = np.memmap(
                file, dtype=value.dtype, mode="w+", shape=(num, *value.shape[1:])
            )
    return arrays


def _check(
    about: dict[str, Any], *, path: Path, encoder: str, image_ids: Sequence[str]
) -> None:
    found = (about.get("kind"), about.get("format"), about.get("encoder"))
    if found != (KIND, FORMAT, encoder):
        raise TableError(
            f"{path}: expected {KIND} in format {FORMAT} of the encoder '{encoder}', found "
            f"{found[0]} in format {found[1]} of '{found[2]}'. Delete the file and run "
            "the workflow again."
        )
    if about["image_ids"] != sorted(image_ids):
        raise TableError(
            f"{path}: expected the features of {len(image_ids)} images of the benchmark, "
            f"found those of {len(about['image_ids'])}, which are not the same. Delete "
            "the file and run the workflow again."
        )
