"""DICOM radiographs -> 8-bit grey pixels.

Reading and decompressing is here; what a stored value looks like, in `dicom_display`.
"""

import struct
from io import BytesIO

import numpy as np
import pydicom
from pydicom.errors import BytesLengthException
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from asg_core.images.dicom_display import display
from asg_core.images.errors import ImageError, Reason
from asg_core.images.geometry import Pixels

# Shape suffixes: H, W = rows and columns of an image

_MAGIC_AT, _MAGIC = 128, b"DICM"
_SUFFIXES = (".dcm", ".dicom")
_MAX_PIXELS = 1 << 27  # four times the largest detectors; a wrong header asks for more
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_LUMA = np.array([0.299, 0.587, 0.114])
# What pydicom and the decoders behind it raise on broken files. It parses an element
# when that is first asked for, so any access may raise.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    BytesLengthException,
    struct.error,
)


def is_dicom(data: bytes, *, suffix: str) -> bool:
    """Tell whether a file is DICOM: by its magic, or, lacking that, by its suffix."""
    magic = data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)]
    return magic == _MAGIC or suffix.lower() in _SUFFIXES


def decode_dicom(data: bytes, *, where: str) -> Pixels:
    """Decode one DICOM radiograph to (H, W), 0 black .. 255 white, as it is displayed.

    Grey images are displayed as `dicom_display.display` says; colours become luma.

    Raises:
        ImageError: If the file cannot be used, with the reason.
    """
    try:
        return _decode(data, where=where)
    except ImageError:
        raise
    except _BROKEN as error:
        found = " ".join(str(error).split())
        raise ImageError(
            f"expected DICOM with usable elements, found: {found}",
            reason="truncated" if _says_short(found) else "corrupt",
            where=where,
        ) from error


def _decode(data: bytes, *, where: str) -> Pixels:
    # force: files without the 128-byte preamble are common outside archives.
    dataset = pydicom.dcmread(BytesIO(data), force=True)
    _check_pixels(dataset, data=data, where=where)
    _check_kind(dataset, where=where)
    _check_decoder(dataset, where=where)
    stored = np.asarray(dataset.pixel_array)
    if stored.ndim == 3:  # colours, which pydicom has converted to RGB
        return np.asarray(np.round(stored @ _LUMA), dtype=np.uint8)
    return display(stored, dataset)


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


def _check_kind(dataset: pydicom.Dataset, *, where: str) -> None:
    """Raise unless this is one image of a kind that has a grey value for each pixel."""
    num_frames = int(dataset.get("NumberOfFrames") or 1)
    if num_frames > 1:
        raise ImageError(
            f"expected one image, found {num_frames} frames in one file",
            reason="multi_frame",
            where=where,
        )
    num_pixels = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0)
    if num_pixels > _MAX_PIXELS:
        raise ImageError(
            f"expected a radiograph, found an image of {num_pixels} pixels",
            reason="too_large",
            where=where,
        )
    kind = str(dataset.get("PhotometricInterpretation", ""))
    bits = int(dataset.get("BitsAllocated") or 0)
    if not (kind in _GREY and bits in (8, 16)) and not (kind in _COLOURS and bits == 8):
        raise ImageError(
            "expected grey pixels of 8 or 16 allocated bits, or colours of 8, found "
            f"'{kind}' of {bits} bits",
            reason="unsupported",
            where=where,
        )


def _check_decoder(dataset: pydicom.Dataset, *, where: str) -> None:
    """Raise unless an installed package decodes the pixels' compression."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        # No file header; then only the two plain encodings are allowed (PS3.5).
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian
            if dataset.original_encoding[0]
            else ExplicitVRLittleEndian
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


def _says_short(found: str) -> bool:
    return "less than expected" in found or "truncated" in found.lower()
