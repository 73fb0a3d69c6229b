"""The width and height of an image file, from its header alone."""

from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile
from pydicom import dcmread

from asg_core.sources.reading.image_kind import (
    DICOM_ERRORS,
    HEAD_BYTES,
    RASTER_ERRORS,
    RASTER_FORMATS,
    is_dicom,
    is_git_lfs_pointer,
    message_of,
)
from asg_core.sources.reading.item_files import (
    ItemFileError,
    open_item,
    raise_if_passing,
)

_ORIENTATION = 0x0112
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
# Where Pillow finds an orientation: an EXIF chunk, one written as text, and XMP.
_TURNING = frozenset({"exif", "Raw profile type exif", "XML:com.adobe.xmp"})


class UnreadableImageError(ValueError):
    """The header of a file is not that of an image."""


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of the original frame, in pixels.

    The original frame is the stored image after its EXIF orientation. Pixels are not
    decoded: a file whose header is sound can still turn out to be cut off.

    Raises:
        UnreadableImageError: If the header cannot be read.
        PassingFaultError: If the operating system cannot read the file.
    """
    try:
        with open_item(path) as file:
            size = _size(file, path=path)
    except ItemFileError as error:
        raise UnreadableImageError(str(error)) from error
    if min(size) < 1:
        raise UnreadableImageError(f"the header says {size[0]} x {size[1]} pixels")
    return size


def _size(file: BinaryIO, *, path: Path) -> tuple[int, int]:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise UnreadableImageError("found a file of 0 bytes")
    if is_git_lfs_pointer(head):
        raise UnreadableImageError(
            "found a pointer of Git LFS; 'git lfs pull' fetches the file itself"
        )
    read, errors = _raster_size, RASTER_ERRORS
    if is_dicom(head, suffix=path.suffix):
        read, errors = _dicom_size, DICOM_ERRORS
    try:
        return read(file)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        # The message of this error holds a path.
        raise UnreadableImageError(
            "found none of JPEG, PNG, TIFF, BMP and DICOM, or one whose header breaks off"
        ) from error
    except errors as error:
        raise_if_passing(error, where=str(path))
        raise UnreadableImageError(message_of(error)) from error


def _raster_size(file: BinaryIO) -> tuple[int, int]:
    with Image.open(file, formats=RASTER_FORMATS) as image:
        width, height = image.size
        if isinstance(image, TiffImageFile):
            # As stored: some versions of Pillow have turned the size here, others not yet.
            width, height = image.tag_v2[IMAGEWIDTH], image.tag_v2[IMAGELENGTH]
        # A PNG that says nothing of how it is turned would be decoded in the search for it.
        has_exif = image.format != "PNG" or not _TURNING.isdisjoint(image.info)
        turned = has_exif and image.getexif().get(_ORIENTATION) in _TURNED
        return (height, width) if turned else (width, height)


def _dicom_size(file: BinaryIO) -> tuple[int, int]:
    # force: files without the preamble are common outside archives.
    header = dcmread(
        file, stop_before_pixels=True, specific_tags=["Rows", "Columns"], force=True
    )
    rows, columns = header.get("Rows"), header.get("Columns")
    if rows is None or columns is None:
        raise UnreadableImageError("the header names no Rows or no Columns")
    return int(columns), int(rows)
