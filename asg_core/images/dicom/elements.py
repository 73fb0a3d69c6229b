"""The elements of a DICOM file that say how its pixels look, as plain numbers.

An element is parsed when it is first asked for, so any access may raise. All accesses are
here: an optional element that cannot be used becomes a note, and what works with the
numbers later meets no exception of a file.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.multival import MultiValue

from asg_core.images.notes import Note
from asg_core.sources.reading.image_kind import DICOM_ERRORS

# Shape suffix: E = entries of a look-up table

Ints = npt.NDArray[np.int64]

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
"""The window functions of PS3.3 C.11.2.1.2-3; the first is the default."""

_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
_OVERLAY_BIT, _OVERLAY_DATA = 0x0102, 0x3000


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpTable:
    """A modality or VOI LUT whose entries are all there."""

    first: int
    """The input that the first entry is for."""

    bits: int
    """How many bits an entry has, as the table declares it."""

    entries_E: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """How stored values become grey; what cannot be used is left out, with a note."""

    bits_stored: int
    is_signed: bool
    is_inverse: bool
    padding: tuple[int, int] | None = None
    """The lowest and highest value of pixels outside the exposed field."""

    overlay_bits: int = 0
    """The bits of the pixels that hold overlays, as a mask."""

    modality_lut: LookUpTable | None = None
    slope: float = 1.0
    intercept: float = 0.0
    voi_luts: tuple[LookUpTable, ...] = ()
    windows: tuple[tuple[float, float], ...] = ()
    """Centre and width, in the order of the file; the width is positive."""

    function: str = FUNCTIONS[0]
    notes: frozenset[Note] = frozenset()


def read_elements(dataset: pydicom.Dataset) -> Elements:
    """Read the elements of the pixel, LUT and overlay modules.

    Raises:
        Exception: One of `DICOM_ERRORS`, if an element that every image has cannot be
            read.
    """
    notes: set[Note] = set()
    slope, intercept = _rescale(dataset, notes)
    modality_luts = _tables(
        dataset, "ModalityLUTSequence", note="modality_lut_unusable", notes=notes
    )
    voi_luts = _tables(dataset, "VOILUTSequence", note="voi_lut_unusable", notes=notes)
    return Elements(
        bits_stored=int(dataset.BitsStored),
        is_signed=bool(int(dataset.PixelRepresentation)),
        is_inverse=_is_inverse(dataset),
        padding=_padding(dataset, notes),
        overlay_bits=_overlay_bits(dataset),
        modality_lut=next(iter(modality_luts), None),
        slope=slope,
        intercept=intercept,
        voi_luts=tuple(voi_luts),
        windows=_windows(dataset, notes),
        function=_function(dataset, notes),
        notes=frozenset(notes),
    )


def _rescale(dataset: pydicom.Dataset, notes: set[Note]) -> tuple[float, float]:
    slopes = _numbers(dataset, "RescaleSlope") or [1.0]
    intercepts = _numbers(dataset, "RescaleIntercept") or [0.0]
    slope, intercept = slopes[0], intercepts[0]
    if math.isfinite(slope) and math.isfinite(intercept):
        return slope, intercept
    notes.add("rescale_unusable")
    return 1.0, 0.0


def _windows(
    dataset: pydicom.Dataset, notes: set[Note]
) -> tuple[tuple[float, float], ...]:
    centres = _numbers(dataset, "WindowCenter")
    widths = _numbers(dataset, "WindowWidth")
    # Widths of 0 stand in real files where nobody chose a window.
    is_usable = [
        math.isfinite(centre) and math.isfinite(width) and width > 0
        for centre, width in zip(centres, widths, strict=False)
    ]
    if (centres or widths) and not any(is_usable[:1]):
        notes.add("window_unusable")
    pairs = zip(centres, widths, is_usable, strict=False)
    return tuple((centre, width) for centre, width, usable in pairs if usable)


def _padding(dataset: pydicom.Dataset, notes: set[Note]) -> tuple[int, int] | None:
    ends = _numbers(dataset, "PixelPaddingValue")[:1]
    if not ends:
        return None
    ends += _numbers(dataset, "PixelPaddingRangeLimit")[:1]
    if not all(math.isfinite(end) for end in ends):
        notes.add("padding_unusable")
        return None
    return int(min(ends)), int(max(ends))


def _function(dataset: pydicom.Dataset, notes: set[Note]) -> str:
    named = _first_text(dataset, "VOILUTFunction") or FUNCTIONS[0]
    if named in FUNCTIONS:
        return named
    notes.add("window_function_unknown")
    return FUNCTIONS[0]


def _is_inverse(dataset: pydicom.Dataset) -> bool:
    # MONOCHROME1 and INVERSE say the same thing, often both in one file.
    kind = str(dataset.PhotometricInterpretation)
    shape = _first_text(dataset, "PresentationLUTShape")
    return kind == "MONOCHROME1" or shape == "INVERSE"


def _overlay_bits(dataset: pydicom.Dataset) -> int:
    """Return the bits in which a pixel holds overlays: those with a place and no data."""
    bits = 0
    for group in _OVERLAY_GROUPS:
        if (group, _OVERLAY_DATA) in dataset:
            continue
        place = next(iter(_numbers(dataset, (group, _OVERLAY_BIT))), 0)
        if 0 < place < 16:
            bits |= 1 << int(place)
    return bits


def _tables(
    dataset: pydicom.Dataset, keyword: str, *, note: Note, notes: set[Note]
) -> list[LookUpTable]:
    """Return the tables of a sequence that can be used; a note if there are others."""
    tables: list[LookUpTable] = []
    try:
        items = list(dataset.get(keyword) or ())
    except DICOM_ERRORS:
        notes.add(note)
        return tables
    for item in items:
        try:
            descriptor, data = item.LUTDescriptor, item.LUTData
        except DICOM_ERRORS:
            notes.add(note)
            continue
        table = _table(
            descriptor, data, is_big_endian=dataset.original_encoding[1] is False
        )
        if table is None:
            notes.add(note)
        else:
            tables.append(table)
    return tables


def _table(
    descriptor: Iterable[object], data: object, *, is_big_endian: bool
) -> LookUpTable | None:
    """Return a table; None if it has not the entries that it says it has."""
    try:
        num_entries, first, bits = (int(str(number)) for number in descriptor)
        entries_E = _entries(
            data, num_entries=num_entries or 1 << 16, is_big_endian=is_big_endian
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return LookUpTable(first=first, bits=bits, entries_E=entries_E)


def _entries(data: object, *, num_entries: int, is_big_endian: bool) -> Ints:
    if isinstance(data, bytes):
        is_packed = len(data) < 2 * num_entries  # entries of 8 bits, two to a word
        order = ">" if is_big_endian else "<"
        data = np.frombuffer(data, dtype="u1" if is_packed else f"{order}u2")
    entries_E = np.atleast_1d(np.asarray(data, dtype=np.int64))[:num_entries]
    if len(entries_E) < num_entries or entries_E.min() < 0:
        raise ValueError(
            f"expected {num_entries} entries of a look-up table, found {len(entries_E)}"
        )
    return entries_E


def _numbers(dataset: pydicom.Dataset, key: str | tuple[int, int]) -> list[float]:
    """Return the numbers of an element, [] if there is none; NaN where it holds others."""
    try:
        value = dataset[key].value if key in dataset else None
    except DICOM_ERRORS:
        return [math.nan]
    if value is None or (isinstance(value, str | bytes) and not value.strip()):
        return []
    values = value if isinstance(value, MultiValue | list | tuple) else [value]
    return [_number(one) for one in values]


def _number(value: object) -> float:
    try:
        return float(str(value))
    except (ValueError, OverflowError):
        return math.nan


def _first_text(dataset: pydicom.Dataset, keyword: str) -> str:
    try:
        value = dataset.get(keyword)
    except DICOM_ERRORS:
        return ""
    if isinstance(value, MultiValue | list | tuple):
        value = next(iter(value), None)
    return "" if value is None else str(value).strip()
