"""DICOM radiographs -> 8-bit grey pixels.

The order is that of the standard (PS3.4 N.2): stored values, modality LUT or rescale,
VOI LUT or window, presentation. Each step depends on the stored value alone, so all of
them are worked out once for every value that can be stored, and the image is looked up
in the resulting table: the numbers of full-size arithmetic at a fraction of its cost.
"""

import struct
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_modality_lut, get_decoder

from asg_core.images.errors import ImageError, Reason
from asg_core.images.geometry import Pixels

# Shape suffixes: H, W = rows and columns of an image, V = every value that can be stored

_MAGIC_AT, _MAGIC = 128, b"DICM"
_SUFFIXES = (".dcm", ".dicom")
_GREY = ("MONOCHROME1", "MONOCHROME2")
# Without a window, this share of the pixels is black, and the same share white.
_TAIL = 0.005
_LUMA = np.array([0.299, 0.587, 0.114])
# What pydicom and the decoders behind it raise on broken files.
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
    struct.error,
)

Floats = npt.NDArray[np.float64]


def is_dicom(data: bytes, *, suffix: str) -> bool:
    """Tell whether a file is DICOM: by its magic, or, lacking that, by its suffix."""
    magic = data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)]
    return magic == _MAGIC or suffix.lower() in _SUFFIXES


def decode_dicom(data: bytes, *, where: str) -> Pixels:
    """Decode one DICOM radiograph to (H, W), 0 black .. 255 white, as it is displayed.

    The first VOI LUT or window counts. Without one, 8-bit pixels are taken as they are,
    and deeper ones are scaled between their 0.5th and 99.5th percentile. MONOCHROME1 or
    an INVERSE presentation turns the scale round, once. Padding is black.

    Raises:
        ImageError: If the file cannot be used, with the reason.
    """
    dataset = _read(data, where=where)
    _check(dataset, where=where)
    stored = _stored_pixels(dataset, where=where)
    if stored.ndim == 3:
        return np.round(stored[..., :3] @ _LUMA).astype(np.uint8)
    try:
        return _display(stored, dataset)
    except _BROKEN as error:
        raise _error(
            f"expected a usable window or look-up table, found: {_one_line(error)}",
            reason="corrupt",
            where=where,
        ) from error


def _read(data: bytes, *, where: str) -> pydicom.Dataset:
    try:
        dataset = pydicom.dcmread(BytesIO(data), force=True)
    except (InvalidDicomError, *_BROKEN) as error:
        raise _error(
            f"expected DICOM, found: {_one_line(error)}", reason="corrupt", where=where
        ) from error
    if "Rows" not in dataset and "PixelData" not in dataset:
        raise _error(
            "expected a DICOM image, found one without rows of pixels",
            reason="empty" if "SOPClassUID" in dataset else "not_an_image",
            where=where,
        )
    return dataset
