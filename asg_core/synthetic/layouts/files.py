"""Pixels, masks, lines and names in the form in which label files and images are written."""

import csv
import io
import uuid
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

JPEG_QUALITY = 95


def union_mask(
    masks: Mapping[str, Mask], findings: Iterable[str], *, like: Pixels
) -> Mask:
    """Return where any of `findings` is drawn: False everywhere when none is."""
    union = np.zeros(like.shape, bool)
    for finding in findings:
        if finding in masks:
            union |= masks[finding]
    return union


def components(mask: Mask, *, min_area: int) -> list[Mask]:
    """Return the connected parts of at least `min_area` pixels, top to bottom."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    return [
        labels == label
        for label in range(1, count)
        if stats[label, cv2.CC_STAT_AREA] >= min_area
    ]


def extent_of(mask: Mask) -> tuple[int, int, int, int]:
    """Return x, y, width and height of the box around a mask that is not empty."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return int(x), int(y), int(width), int(height)


def encode_jpeg(pixels: Pixels) -> bytes:
    """Return `pixels` as a gray baseline JPEG."""
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def encode_png(pixels: Pixels) -> bytes:
    """Return `pixels` (H, W) or (H, W, 4) as PNG."""
    _, encoded = cv2.imencode(".png", pixels)
    return encoded.tobytes()


def write_file(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def csv_line(values: Iterable[object]) -> str:
    """Return one line of comma-separated values, quoted where necessary."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        ["" if value is None else value for value in values]
    )
    return line.getvalue()


def hex_of(*parts: object, num_bytes: int) -> str:
    """Return a name of 2 x `num_bytes` hexadecimal digits that follows from `parts`."""
    text = "/".join(str(part) for part in parts)
    return blake2b(text.encode(), digest_size=num_bytes).hexdigest()


def uuid_of(*parts: object) -> uuid.UUID:
    """Return a random-looking UUID that follows from `parts`."""
    return uuid.UUID(hex=hex_of(*parts, num_bytes=16), version=4)
