"""DICOM radiographs -> 8-bit grey pixels.

Reading and decompressing is done here; what a stored value looks like is decided in
`display`.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from asg_core.images.dicom.display import display
from asg_core.images.dicom.elements import Elements, read_elements
from asg_core.images.errors import ImageError, Reason, check_not_blank
from asg_core.images.geometry import Pixels
from asg_core.images.notes import Note
from asg_core.sources.reading.image_kind import DICOM_ERRORS, message_of
from asg_core.sources.reading.item_files import raise_if_passing

# Shape suffixes: H, W = rows and columns of an image

Stored = npt.NDArray[np.integer[npt.NBitBase]]

_MAGIC_AT, _MAGIC = 128, b"DICM"
_MAX_PIXELS = 1 << 27  # four times the largest detectors; a wrong header asks for more
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One DICOM image as it is displayed."""

    pixels_HW: Pixels
    notes: frozenset[Note] = frozenset()


def decode_dicom(data: bytes, *, where: str) -> Film:
    """Decode one DICOM radiograph to (H, W), 0 black .. 255 white, as it is displayed.

    Grey images are displayed as `display.display` says; colours become luma.

    Raises:
        ImageError: If the file cannot be used, with the reason.
    """
    try:
        stored, elements = _read(data, where=where)
    except ImageError:
        raise
    except DICOM_ERRORS as error:
        raise_if_passing(error, where=where)
        found = message_of(error)
        raise ImageError(
            f"expected DICOM with usable elements, found: {found}",
            reason="truncated" if _says_short(found) else "corrupt",
            where=where,
        ) from error
    notes: frozenset[Note] = frozenset()
    if elements is None:
        pixels_HW: Pixels = np.round(stored @ _LUMA).astype(np.uint8)
    else:
        pixels_HW, notes = display(stored, elements)
    check_not_blank(pixels_HW, is_varied=lambda: _is_varied(stored), where=where)
    return Film(pixels_HW=pixels_HW, notes=notes)


def _read(data: bytes, *, where: str) -> tuple[Stored, Elements | None]:
    """Return the pixels as they are stored, and what says how they look.

    Colours, which pydicom has converted to RGB, have a third axis and need no elements.
    """
    # force: files without the 128-byte preamble are common outside archives.
    dataset = pydicom.dcmread(BytesIO(data), force=True)
    _check_pixels(dataset, data=data, where=where)
    rows, columns = _check_kind(dataset, where=where)
    _check_decoder(dataset, where=where)
    # Which bits are the film's is decided in `values`, from all that are there.
    dataset.pixel_array_options(correct_unused_bits=False)
    stored = np.asarray(dataset.pixel_array)
    if stored.shape not in {(rows, columns), (rows, columns, 3)}:
        raise ImageError(
            f"expected one image of {rows} rows and {columns} columns, found pixels "
            f"of the shape {stored.shape}",
            reason="corrupt",
            where=where,
        )
    return stored, None if stored.ndim == 3 else read_elements(dataset)


def _is_varied(stored: Stored) -> bool:
    return bool((stored != stored[0, 0]).any())


def _check_pixels(dataset: pydicom.Dataset, *, data: bytes, where: str) -> None:
    """Raise unless there is pixel data."""
    if "PixelData" in dataset:
        return
    sentence = "expected DICOM, as the name says, found something else"
    reason: Reason = "not_an_image"
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        sentence = "expected whole-numbered pixels, found floating-point ones"
        reason = "unsupported"
    elif "Rows" in dataset:
        sentence = "expected pixels after the DICOM header, found the end of the file"
        reason = "truncated"
    elif data.startswith(_MAGIC, _MAGIC_AT) and "SOPClassUID" not in dataset:
        # pydicom drops all elements when the end of compressed pixels is missing.
        sentence = "expected whole DICOM, found a file that breaks off"
        reason = "truncated"
    elif "SOPClassUID" in dataset:
        sentence = "expected a DICOM image, found a DICOM file without pixels"
        reason = "empty"
    raise ImageError(sentence, reason=reason, where=where)


def _check_kind(dataset: pydicom.Dataset, *, where: str) -> tuple[int, int]:
    """Raise unless this is one image that has a grey value for each pixel.

    Returns:
        Its rows and columns, as the header has them.
    """
    num_frames = _whole(dataset, "NumberOfFrames", where=where) or 1
    if num_frames > 1:
        raise ImageError(
            f"expected one image, found {num_frames} frames in one file",
            reason="multi_frame",
            where=where,
        )
    rows, columns = (_whole(dataset, name, where=where) for name in ("Rows", "Columns"))
    num_pixels = rows * columns
    if num_pixels > _MAX_PIXELS:
        raise ImageError(
            f"expected a radiograph, found an image of {num_pixels} pixels",
            reason="too_large",
            where=where,
        )
    kind = str(dataset.get("PhotometricInterpretation", ""))
    bits = _whole(dataset, "BitsAllocated", where=where)
    samples = _whole(dataset, "SamplesPerPixel", where=where)
    is_grey = kind in _GREY and bits in (8, 16) and samples == 1
    if not is_grey and not (kind in _COLOURS and bits == 8 and samples == 3):
        raise ImageError(
            "expected grey pixels of 8 or 16 allocated bits, or colours of 8, found "
            f"'{kind}' of {bits} bits and {samples} samples",
            reason="unsupported",
            where=where,
        )
    return rows, columns


def _check_decoder(dataset: pydicom.Dataset, *, where: str) -> None:
    """Raise unless an installed package decodes the pixels' compression."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        # No file header; then only the plain encodings are allowed (PS3.5).
        is_implicit, is_little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian if is_implicit else explicit
        )
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        is_available = get_decoder(syntax).is_available
    except NotImplementedError:
        is_available = False
    if not is_available:
        raise ImageError(
            f"expected a compression that an installed package decodes, found "
            f"'{syntax.name}'; install its pydicom plug-in, or convert the file",
            reason="no_decoder",
            where=where,
        )


def _whole(dataset: pydicom.Dataset, keyword: str, *, where: str) -> int:
    """Return the number of an element that holds one; 0 if it is empty or not there."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return 0
    if not isinstance(value, int):
        raise ImageError(
            f"expected one whole number in {keyword}, found '{value}'",
            reason="corrupt",
            where=where,
        )
    return int(value)


def _says_short(found: str) -> bool:
    return "less than expected" in found or "truncated" in found.lower()
