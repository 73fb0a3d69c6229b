"""What kind of image a file holds, told by its first bytes and at need by its name.

The reader of sizes and the decoder both ask here, so that they agree.
"""

import re
import struct
import zlib

from PIL import Image
from pydicom.errors import BytesLengthException

HEAD_BYTES = 132
"""So many bytes of a file are looked at."""

RASTER_FORMATS = ("JPEG", "PNG", "TIFF", "BMP")
"""What Pillow may open. It knows many more, and none of them holds radiographs."""

# How files of these formats begin, and what stands at their end.
RASTER_MARKS = (
    (b"\xff\xd8\xff", b"\xff\xd9"),
    (b"\x89PNG\r\n\x1a\n", b"IEND"),
    (b"II*\0", b""),
    (b"MM\0*", b""),
    (b"BM", b""),
)

# What the libraries raise on bad content: found by changing sound files at random, tens
# of thousands of times (the property test of decoding does it with fewer). Memory
# that runs out is not among them, nor are OSErrors with a number (`is_passing`).
RASTER_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,  # a TIFF without dimensions
    Image.DecompressionBombError,
    struct.error,
    zlib.error,
)
DICOM_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    AttributeError,
    LookupError,
    TypeError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    BytesLengthException,
    struct.error,
    zlib.error,  # deflated data sets
)

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_MAGIC_AT, _MAGIC = 128, b"DICM"
_SUFFIXES = (".dcm", ".dicom", ".ima")
_GIT_LFS = b"version https://git-lfs.github.com/spec/"

# Files without the preamble begin with an element of group 2 or 8, of which none of the
# first has a long value.
_FIRST_GROUPS = (0x0002, 0x0008)
_LAST_GROUP = 0x0028  # of those that a file can begin with, and of no text
_LAST_ELEMENT, _MAX_LENGTH = 0x0070, 1024
_VRS = frozenset({b"CS", b"UI", b"DA", b"TM", b"DT", b"LO", b"SH", b"UL", b"OB", b"PN"})


def is_dicom(head: bytes, *, suffix: str) -> bool:
    """Say whether a file is to be read as DICOM.

    With the preamble its magic says so. A file without it is DICOM if it begins with an
    element, or if its name says so and the content does not say otherwise.

    Args:
        head: The first `HEAD_BYTES` of the file, or more.
        suffix: The ending of its name, with the dot.
    """
    if head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC:
        return True
    if is_git_lfs_pointer(head) or any(
        head.startswith(mark) for mark, _ in RASTER_MARKS
    ):
        return False
    if suffix.lower() in _SUFFIXES:
        return any(group <= _LAST_GROUP for group, *_ in _first_tags(head))
    return _begins_with_element(head)


def message_of(error: BaseException) -> str:
    """Return what a library says of bad content, on one line.

    Addresses in memory are left out: the rejects of two runs are the same bytes.
    """
    return _ADDRESS.sub("", " ".join(str(error).split()))


def is_git_lfs_pointer(head: bytes) -> bool:
    """Say whether a file stands for one that Git LFS did not fetch."""
    return head.startswith(_GIT_LFS)


def _first_tags(head: bytes) -> list[tuple[int, int, str]]:
    """Return group, element and byte order of the first element, read both ways."""
    if len(head) < 8:
        return []
    first: list[tuple[int, int, str]] = []
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", head[:4])
        first.append((group, element, order))
    return first


def _begins_with_element(head: bytes) -> bool:
    for group, element, order in _first_tags(head):
        if group not in _FIRST_GROUPS or element > _LAST_ELEMENT:
            continue
        if head[4:6] in _VRS:
            return True
        # Implicit VR is little endian.
        return order == "<" and int.from_bytes(head[4:8], "little") <= _MAX_LENGTH
    return False
