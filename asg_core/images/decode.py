"""Image files -> 8-bit grey pixels: JPEG, PNG, TIFF and BMP here, DICOM in `dicom`.

Pillow decodes, with its tolerance of truncated files off, as it is by default: half a
radiograph over a grey rest must not pass for a whole one.
"""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from asg_core.images.dicom import decode_dicom, is_dicom
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Frame, Pixels

# Shape suffixes: H, W = rows and columns of an image

_FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "BMP")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"BM")
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
_EXIF_ORIENTATION = 0x0112
_REDUCTIONS = (8, 4, 2)  # what a JPEG decoder can scale down by while decoding
_OVERSAMPLING = 2  # a reduced image stays at least this many times the target
# What Pillow's decoders raise on broken files.
_BROKEN = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedImage:
    """The pixels of one image file, upright, 0 black .. 255 white."""

    pixels_HW: Pixels
    original: Frame  # of the file, whatever the scale of `pixels_HW`
    reduction: int  # original pixels per pixel of `pixels_HW`, each way


def decode_image(path: Path, *, where: str | None = None) -> Pixels:
    """Decode an image file to (H, W) 8-bit grey in its original frame.

    Colours become their luma, an alpha channel is dropped, an EXIF orientation is
    applied, 16-bit samples are scaled by the bits in use, DICOM is windowed and, where
    it says so, inverted.

    Args:
        path: JPEG, PNG, TIFF, BMP or DICOM, told apart by content.
        where: What an error calls the file; by default the path.

    Raises:
        ImageError: If the file cannot be used, with the reason.
    """
    return _decode(path, size=None, where=where or str(path)).pixels_HW


def decode_for_size(path: Path, *, size: int, where: str | None = None) -> DecodedImage:
    """Decode as `decode_image` does, but a large JPEG at a fraction of its size.

    The fraction leaves the longer side at 2 x `size` or more, so what scales the pixels
    down to `size` still averages several of them.

    Raises:
        ImageError: If the file cannot be used, with the reason.
    """
    return _decode(path, size=size, where=where or str(path))


def _decode(path: Path, *, size: int | None, where: str) -> DecodedImage:
    data = _read_bytes(path, where=where)
    if is_dicom(data, suffix=path.suffix):
        return _whole(decode_dicom(data, where=where))
    image = _open(data, where=where)
    try:
        return _pixels(image, data=data, size=size, where=where)
    except _BROKEN as error:
        if isinstance(error, ImageError):
            raise
        raise _broken(image.format or "image", error, where=where) from error


def _read_bytes(path: Path, *, where: str) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(
            "expected an image, found no file; was the data set copied completely?",
            reason="missing_image",
            where=where,
        ) from error
    except OSError as error:
        raise ImageError(
            f"expected an image, found what cannot be read: {error.strerror}",
            reason="unreadable",
            where=where,
        ) from error
    if not data:
        raise ImageError(
            "expected an image, found a file of 0 bytes", reason="empty", where=where
        )
    return data


def _open(data: bytes, *, where: str) -> Image.Image:
    """Read the header of an image."""
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"expected a radiograph, found an image too large for one: {error}",
            reason="too_large",
            where=where,
        ) from error
    except UnidentifiedImageError as error:
        # The message of this error holds a memory address: not for tables.
        if data.startswith(_SIGNATURES):
            raise ImageError(
                "expected an image, found a header that breaks off or makes no sense",
                reason="truncated",
                where=where,
            ) from error
        raise ImageError(
            "expected JPEG, PNG, TIFF, BMP or DICOM, found none of them",
            reason="not_an_image",
            where=where,
        ) from error
    except _BROKEN as error:
        raise _broken("image", error, where=where) from error


def _pixels(
    image: Image.Image, *, data: bytes, size: int | None, where: str
) -> DecodedImage:
    num_frames = getattr(image, "n_frames", 1)
    if num_frames > 1:
        raise ImageError(
            f"expected one image, found {num_frames} in one file",
            reason="multi_frame",
            where=where,
        )
    is_turned = image.getexif().get(_EXIF_ORIENTATION, 1) != 1
    if image.format in ("JPEG", "MPO"):
        _check_jpeg_end(data, where=where)
        if not is_turned:
            return _decode_jpeg(image, size=size)
    if is_turned:
        image = ImageOps.exif_transpose(image)
    return _whole(_to_grey(image, where=where))


def _check_jpeg_end(data: bytes, *, where: str) -> None:
    # A file whose tail is missing decodes with an error; one whose tail is zeros, as an
    # interrupted copy leaves it, need not: zeros are valid codes. The end marker is
    # looked for behind the last scan, since an EXIF thumbnail brings its own.
    if data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        raise ImageError(
            "expected a whole JPEG, found no end marker after the last scan",
            reason="truncated",
            where=where,
        )


def _decode_jpeg(image: Image.Image, *, size: int | None) -> DecodedImage:
    original = Frame(width=image.width, height=image.height)
    longer = max(image.size)
    fitting = [
        factor
        for factor in _REDUCTIONS
        if size is not None and longer >= factor * _OVERSAMPLING * size
    ]
    reduction = fitting[0] if fitting else 1
    # "L" lets the decoder skip the colours: luma is what a JPEG stores first.
    image.draft("L", (image.width // reduction, image.height // reduction))
    # The decoder may have chosen another scale than asked for, for very thin images.
    pixels_HW = np.asarray(image if image.mode == "L" else image.convert("L"))
    return DecodedImage(
        pixels_HW=pixels_HW,
        original=original,
        reduction=-(-original.width // pixels_HW.shape[1]),
    )


def _to_grey(image: Image.Image, *, where: str) -> Pixels:
    if image.mode == "L":
        return np.asarray(image)
    if image.mode.startswith("I"):
        return _scale_samples(np.asarray(image), where=where)
    if image.mode == "F":
        raise ImageError(
            "expected whole-numbered pixels, found floating-point ones",
            reason="unsupported",
            where=where,
        )
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        image = image.convert("RGB")  # drops the alpha channel, does not blend it
    return np.asarray(image.convert("L"))


def _scale_samples(samples_HW: npt.NDArray[np.integer], *, where: str) -> Pixels:
    """Scale samples of up to 16 bits to 8, by the bits that the largest one needs.

    The full range would be the letter of the format, but films of 10 to 15 bits are
    stored in 16 everywhere, would come out black, and nothing in the file says so.
    """
    lowest, highest = int(samples_HW.min()), int(samples_HW.max())
    if lowest < 0 or highest > 65535:
        raise ImageError(
            f"expected samples of at most 16 bits, found values {lowest} .. {highest}",
            reason="unsupported",
            where=where,
        )
    white = (1 << max(8, highest.bit_length())) - 1
    table = np.round(np.arange(white + 1) * (255 / white)).astype(np.uint8)
    return table[samples_HW]


def _whole(pixels_HW: Pixels) -> DecodedImage:
    height, width = pixels_HW.shape
    original = Frame(width=width, height=height)
    return DecodedImage(pixels_HW=pixels_HW, original=original, reduction=1)


def _broken(kind: str, error: BaseException, *, where: str) -> ImageError:
    found = str(error)
    is_short = isinstance(error, EOFError) or "truncated" in found.lower()
    return ImageError(
        f"expected a whole {kind}, found: {found}",
        reason="truncated" if is_short else "corrupt",
        where=where,
    )
