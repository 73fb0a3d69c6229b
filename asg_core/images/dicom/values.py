"""Which bits of the stored pixels of a DICOM film are the film.

`BitsStored` says it. Pixels that need more bits are one of two things: bits above hold an
overlay or rubbish, as older files do, or the number is wrong. The neighbours say which: a
film is smooth, so with the right bits it has few jumps.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asg_core.images.dicom.elements import Elements, Ints
from asg_core.images.notes import Note

# Shape suffixes:
#   H, W = rows and columns of an image, V = every value that can be stored

_NONE: frozenset[Note] = frozenset()
_RAISED: frozenset[Note] = frozenset({"bits_stored_too_few"})
_MASKED: frozenset[Note] = frozenset({"high_bits_masked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValues:
    """The pixels of a film as places in a table of every value that can be stored."""

    index_HW: npt.NDArray[np.unsignedinteger[npt.NBitBase]]
    """The bits of each pixel, read as a whole number."""

    values_V: Ints
    """What each index stands for, without the bits that are not the film's."""

    is_padding_V: npt.NDArray[np.bool_]
    bits: int
    """How many bits a value has."""

    notes: frozenset[Note]


def read_values(
    stored_HW: npt.NDArray[np.integer[npt.NBitBase]], elements: Elements
) -> StoredValues:
    """Return the pixels with the bits that are the film's."""
    native = stored_HW.dtype.newbyteorder("=")
    unsigned = np.dtype(f"u{native.itemsize}")
    index_HW = stored_HW.astype(native, copy=False).view(unsigned)
    patterns_V = np.arange(1 << (8 * native.itemsize)).astype(unsigned)
    raw_V: Ints = patterns_V.view(native).astype(np.int64)
    is_padding_V = _is_padding(raw_V, elements)
    lowest, highest = int(stored_HW.min()), int(stored_HW.max())
    bits, notes = elements.bits_stored, _NONE
    values_V = raw_V
    low, high = _range(bits, is_signed=elements.is_signed)
    if lowest < low or highest > high or elements.overlay_bits:
        is_used_V = np.bincount(index_HW.ravel(), minlength=len(raw_V)) > 0
        is_used_V &= ~is_padding_V  # padding is often a value out of range
        values_V, bits, notes = _choose_bits(
            index_HW, raw_V=raw_V, is_used_V=is_used_V, elements=elements
        )
    return StoredValues(
        index_HW=index_HW,
        values_V=values_V,
        is_padding_V=is_padding_V | _is_padding(values_V, elements),
        bits=bits,
        notes=notes,
    )


def _range(bits: int, *, is_signed: bool) -> tuple[int, int]:
    if is_signed:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _is_padding(values_V: Ints, elements: Elements) -> npt.NDArray[np.bool_]:
    if elements.padding is None:
        return np.zeros(len(values_V), dtype=np.bool_)
    low, high = elements.padding
    return (values_V >= low) & (values_V <= high)


def _choose_bits(
    index_HW: npt.NDArray[np.unsignedinteger[npt.NBitBase]],
    *,
    raw_V: Ints,
    is_used_V: npt.NDArray[np.bool_],
    elements: Elements,
) -> tuple[Ints, int, frozenset[Note]]:
    """Return the values, their bits, and a note, of pixels that have bits too many."""
    bits, notes = elements.bits_stored, _NONE
    values_V = _masked(raw_V, bits=bits, is_signed=elements.is_signed)
    if np.array_equal(values_V[is_used_V], raw_V[is_used_V]):
        values_V = raw_V  # padding alone is out of range, and stays what it is
    elif _is_smoother(index_HW, raw_V, than_V=values_V, is_used_V=is_used_V):
        values_V, notes = raw_V, _RAISED
        bits = _needed_bits(raw_V[is_used_V], is_signed=elements.is_signed)
    else:
        notes = _MASKED
    plain_V = values_V & ~elements.overlay_bits
    if not np.array_equal(plain_V[is_used_V], values_V[is_used_V]) and _is_smoother(
        index_HW, plain_V, than_V=values_V, is_used_V=is_used_V
    ):
        values_V, notes = plain_V, notes | _MASKED
    return values_V, bits, notes


def _masked(raw_V: Ints, *, bits: int, is_signed: bool) -> Ints:
    """Return the lowest `bits` of each value, with its sign."""
    masked_V = raw_V & ((1 << bits) - 1)
    if is_signed:
        masked_V -= (masked_V >> (bits - 1)) << bits
    return masked_V


def _needed_bits(values_V: Ints, *, is_signed: bool) -> int:
    largest = max(int(values_V.max()), -1 - int(values_V.min()))
    return largest.bit_length() + is_signed


def _is_smoother(
    index_HW: npt.NDArray[np.unsignedinteger[npt.NBitBase]],
    values_V: Ints,
    *,
    than_V: Ints,
    is_used_V: npt.NDArray[np.bool_],
) -> bool:
    """Say whether neighbours are closer under `values_V` than under `than_V`.

    Neighbours whose difference is the same under both have no voice, and padding has
    none. Every other pair has one, so that a few sharp edges do not outweigh a film.
    """
    num_closer = 0
    for one, other in (
        (index_HW[:, :-1], index_HW[:, 1:]),
        (index_HW[:-1], index_HW[1:]),
    ):
        step = np.abs(values_V[one] - values_V[other])
        other_step = np.abs(than_V[one] - than_V[other])
        closer = np.sign(other_step - step)
        closer[~(is_used_V[one] & is_used_V[other])] = 0
        num_closer += int(closer.sum())
    return num_closer > 0
