"""What a frozen encoder makes of the images of a benchmark, computed once."""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asg_core.evaluation.encoders import EncodedImages, FeatureEncoder, read_inputs
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.schema import TableError

# Shape suffixes:
#   N = images, B = images of a batch, C = rows, and columns, of the encoder's input,
#   P = patches, row by row, E = width of the features

logger = logging.getLogger(__name__)

FORMAT = 1
KIND = "features"
_KEY = "asg"
_LENGTH_BYTES = 8  # of the header's length, little endian: the format of safetensors
_TYPES = {"pooled": ("F32", np.float32), "patches": ("F16", np.float16)}


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


def extract_features(
    encoder: FeatureEncoder,
    image_ids: Sequence[str],
    cache: PixelCache,
    *,
    path: Path,
    batch_size: int,
    with_patches: bool,
) -> None:
    """Write the features of images to one safetensors file, batch after batch.

    The file appears when it is complete, and the same features give the same bytes. Only
    one batch is in memory: the patches of a data set can be larger than that.

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
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    arrays: dict[str, np.memmap[Any, np.dtype[Any]]] = {}
    for start in range(0, len(ordered), batch_size):
        batch_ids = ordered[start : start + batch_size]
        encoded = encoder.features(read_inputs(encoder, cache, batch_ids))
        values = _to_arrays(encoded, encoder=encoder, with_patches=with_patches)
        if not arrays:
            arrays = _create(
                temporary,
                shapes={name: value.shape[1:] for name, value in values.items()},
                about={
                    "format": FORMAT,
                    "kind": KIND,
                    "encoder": encoder.name,
                    "grid": encoded.grid if with_patches else None,
                    "image_ids": ordered,
                },
            )
        for name, value in values.items():
            arrays[name][start : start + len(value)] = value
    for array in arrays.values():
        array.flush()
    temporary.replace(path)
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
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        header_bytes = file.read(min(length, path.stat().st_size))
    try:
        header = json.loads(header_bytes)
        about = json.loads(header["__metadata__"][_KEY])
    except (ValueError, KeyError, TypeError) as error:
        raise TableError(
            f"{path}: expected features that this project wrote, found something else "
            f"({error}). Delete the file and run the workflow again."
        ) from error
    _check(about, path=path, encoder=encoder, image_ids=image_ids)
    start = _LENGTH_BYTES + length
    arrays = {
        name: np.memmap(
            path,
            dtype=_TYPES[name][1],
            mode="r",
            offset=start + entry["data_offsets"][0],
            shape=tuple(entry["shape"]),
        )
        for name, entry in header.items()
        if name in _TYPES
    }
    return Features(
        encoder=encoder,
        image_ids=tuple(about["image_ids"]),
        pooled_NE=np.array(arrays["pooled"]),
        patches_NPE=arrays.get("patches"),
        grid=tuple(about["grid"]) if about["grid"] else None,
    )


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


def _create(
    path: Path, *, shapes: dict[str, tuple[int, ...]], about: dict[str, Any]
) -> dict[str, np.memmap[Any, np.dtype[Any]]]:
    """Write the header of a safetensors file; return its tensors, mapped for writing."""
    header: dict[str, Any] = {"__metadata__": {_KEY: json.dumps(about)}}
    end = 0
    for name, shape in shapes.items():
        whole = (len(about["image_ids"]), *shape)
        start, end = end, end + int(np.prod(whole)) * np.dtype(_TYPES[name][1]).itemsize
        header[name] = {
            "dtype": _TYPES[name][0],
            "shape": whole,
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)
        file.truncate(_LENGTH_BYTES + len(text) + end)
    return {
        name: np.memmap(
            path,
            dtype=_TYPES[name][1],
            mode="r+",
            offset=_LENGTH_BYTES + len(text) + header[name]["data_offsets"][0],
            shape=header[name]["shape"],
        )
        for name in shapes
    }


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
