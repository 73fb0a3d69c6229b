"""The width and height of an image file, from its header alone."""

import struct
from pathlib import Path

from PIL import Image
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

_DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
_ORIENTATION = 0x0112
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height


class UnreadableImageError(ValueError):
    """The header of a file is not that of an image."""


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of the original frame, in pixels.

    The original frame is the stored image after its EXIF orientation. Pixels are not
    decoded: a file whose header is sound can still turn out to be cut off.

    Raises:
        UnreadableImageError: If the header cannot be read.
    """
    is_dicom = path.suffix.lower() in _DICOM_SUFFIXES
    size = _dicom_size(path) if is_dicom else _raster_size(path)
    if min(size) < 1:
        raise UnreadableImageError(f"the header says {size[0]} x {size[1]} pixels")
    return size


def _raster_size(path: Path) -> tuple[int, int]:
    try:
        return _oriented_size(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(str(error)) from error


def _oriented_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        width, height = image.size
        # A PNG that has no EXIF block would be decoded in the search for one.
        has_exif = image.format != "PNG" or "exif" in image.info
        turned = has_exif and image.getexif().get(_ORIENTATION) in _TURNED
        return (height, width) if turned else (width, height)


def _dicom_size(path: Path) -> tuple[int, int]:
    try:
        header = dcmread(
            path, stop_before_pixels=True, specific_tags=["Rows", "Columns"]
        )
    except (InvalidDicomError, OSError, ValueError, EOFError, struct.error) as error:
        raise UnreadableImageError(str(error)) from error
    rows, columns = header.get("Rows"), header.get("Columns")
    if rows is None or columns is None:
        raise UnreadableImageError("the header names no Rows or no Columns")
    return int(columns), int(rows)
