"""Image files -> 8-bit grey pixels: JPEG, PNG, TIFF and BMP here, DICOM in `dicom`.

Pillow decodes, with its tolerance of truncated files off, as it is by default: half a
radiograph over a grey rest must not pass for a whole one.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from asg_core.images.dicom.read import decode_dicom
from asg_core.images.errors import ImageError, check_not_blank
from asg_core.images.geometry import Frame, Pixels
from asg_core.images.notes import Note
from asg_core.sources.reading.image_kind import (
    RASTER_ERRORS,
    RASTER_FORMATS,
    RASTER_MARKS,
    is_dicom,
    is_git_lfs_pointer,
    message_of,
)
from asg_core.sources.reading.item_files import (
    ItemFileError,
    raise_if_passing,
    read_item,
)

# Shape suffixes: H, W = rows and columns of an image

_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
_EXIF_ORIENTATION = 0x0112
_REDUCTIONS = (8, 4, 2)  # what a JPEG decoder can scale down by while decoding
_OVERSAMPLING = 2  # a reduced image stays at least this many times the target


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedImage:
    """The pixels of one image file, upright, 0 black .. 255 white."""

    pixels_HW: Pixels
    original: Frame  # of the file, whatever the scale of `pixels_HW`
    reduction: int  # original pixels per pixel of `pixels_HW`, each way
    notes: frozenset[Note] = frozenset()  # departures in showing a film


def decode_image(
    path: Path, *, size: int | None = None, where: str | None = None
) -> DecodedImage:
    """Decode an image file to (H, W) 8-bit grey in its original frame.

    Colours become their luma, an alpha channel is dropped, an EXIF orientation is
    applied, 16-bit samples are scaled by the bits in use, DICOM is windowed and, where
    it says so, inverted.

    Args:
        path: JPEG, PNG, TIFF, BMP or DICOM, told apart by content.
        size: A large JPEG is decoded at a fraction of its size which leaves the longer
            side at twice this number of pixels or more, so that what scales the image
            down to it still averages several of them; None decodes in full.
        where: What an error calls the file; by default the path.

    Raises:
        ImageError: If the file cannot be used, with the reason.
        PassingFaultError: If the operating system cannot read it.
    """
    where = where or str(path)
    data = _read_bytes(path, where=where)
    if is_dicom(data, suffix=path.suffix):
        film = decode_dicom(data, where=where)
        return _whole(film.pixels_HW, notes=film.notes)
    image = _open(data, where=where)
    is_turned = _check_header(image, where=where)
    original = Frame(width=image.width, height=image.height)
    if image.format in ("JPEG", "MPO"):  # MPO: a JPEG with an index of further ones
        _check_jpeg_end(data, where=where)
        # "L" lets the decoder skip the colours: luma is what a JPEG stores first.
        reduction = 1 if size is None or is_turned else _reduction(original, size)
        sides = [max(1, side // reduction) for side in image.size]
        image.draft("L", (sides[0], sides[1]))
    _load(image, where=where)
    # Of very thin images Pillow may have chosen another scale than was asked for.
    reduction = -(-max(original.width, original.height) // max(image.size))
    if is_turned:
        image = ImageOps.exif_transpose(image)
        original = Frame(width=image.width, height=image.height)
    pixels_HW = _to_grey(image, where=where)
    check_not_blank(pixels_HW, is_varied=lambda: _is_varied(image), where=where)
    return DecodedImage(pixels_HW=pixels_HW, original=original, reduction=reduction)


def _read_bytes(path: Path, *, where: str) -> bytes:
    try:
        data = read_item(path)
    except ItemFileError as error:
        hint = "; was the data set copied completely?" if error.is_missing else ""
        raise ImageError(
            f"expected an image, {error}{hint}",
            reason="missing_image" if error.is_missing else "unreadable",
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
        return Image.open(BytesIO(data), formats=RASTER_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"expected a radiograph, found an image too large for one: {error}",
            reason="too_large",
            where=where,
        ) from error
    except UnidentifiedImageError as error:
        # The message of this error holds a memory address: not for tables.
        raise _unidentified(data, where=where) from error
    except RASTER_ERRORS as error:
        raise_if_passing(error, where=where)
        raise _broken(None, error, where=where) from error


def _unidentified(data: bytes, *, where: str) -> ImageError:
    if is_git_lfs_pointer(data):
        return ImageError(
            "expected an image, found a pointer of Git LFS; 'git lfs pull' fetches the "
            "file itself",
            reason="not_an_image",
            where=where,
        )
    for start, end in RASTER_MARKS:
        if data.startswith(start):
            return ImageError(
                "expected an image, found one whose header breaks off or is wrong",
                reason="corrupt" if end in data else "truncated",
                where=where,
            )
    return ImageError(
        "expected JPEG, PNG, TIFF, BMP or DICOM, found none of them",
        reason="not_an_image",
        where=where,
    )


def _check_header(image: Image.Image, *, where: str) -> bool:
    """Raise unless the file holds one image; tell whether it is to be turned."""
    try:
        num_frames = getattr(image, "n_frames", 1)
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    except RASTER_ERRORS as error:
        raise_if_passing(error, where=where)
        raise _broken(image, error, where=where) from error
    if num_frames > 1:
        raise ImageError(
            f"expected one image, found {num_frames} in one file",
            reason="multi_frame",
            where=where,
        )
    return bool(orientation != 1)


def _load(image: Image.Image, *, where: str) -> None:
    """Decode the pixels."""
    try:
        image.load()
    except RASTER_ERRORS as error:
        raise_if_passing(error, where=where)
        raise _broken(image, error, where=where) from error


def _reduction(original: Frame, size: int) -> int:
    """Return what a JPEG of this frame may be scaled down by while it is decoded."""
    longer = max(original.width, original.height)
    fitting = [f for f in _REDUCTIONS if longer >= f * _OVERSAMPLING * size]
    return fitting[0] if fitting else 1


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
        image = image.convert("RGBA")  # Pillow warns of a palette with several alphas
    return np.asarray(image.convert("L"))  # drops an alpha channel, does not blend it


def _scale_samples(
    samples_HW: npt.NDArray[np.integer[npt.NBitBase]], *, where: str
) -> Pixels:
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
    return np.asarray(table[samples_HW])


def _is_varied(image: Image.Image) -> bool:
    """Say whether the pixels differ in any band, the alpha channel included."""
    samples = np.asarray(image)
    return bool((samples != samples[:1, :1]).any())


def _whole(pixels_HW: Pixels, *, notes: frozenset[Note]) -> DecodedImage:
    height, width = pixels_HW.shape
    original = Frame(width=width, height=height)
    return DecodedImage(
        pixels_HW=pixels_HW, original=original, reduction=1, notes=notes
    )


def _broken(
    image: Image.Image | None, error: BaseException, *, where: str
) -> ImageError:
    kind = "image" if image is None or image.format is None else image.format
    found = message_of(error)
    is_short = isinstance(error, EOFError) or "truncated" in found.lower()
    return ImageError(
        f"expected a whole {kind}, found: {found}",
        reason="truncated" if is_short else "corrupt",
        where=where,
    )
