"""What the stored values of a DICOM radiograph look like on a screen.

The order is that of the standard (PS3.4 N.2): stored values, modality LUT or rescale,
VOI LUT or window, presentation. Each step depends on the stored value alone, so all of
them are worked out once for every value that can be stored, and the image is looked up
in the resulting table: the numbers of full-size arithmetic at a fraction of its cost.

pydicom has functions for these steps, but its window answers in a range that has to be
guessed back, and its VOI LUT wraps where entries have 8 bits and inputs more.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from asg_core.images.dicom.elements import Elements, Ints, LookUpTable
from asg_core.images.dicom.values import StoredValues, read_values
from asg_core.images.geometry import Pixels
from asg_core.images.notes import Note

# Shape suffixes:
#   H, W = rows and columns of an image, V = every value that can be stored,
#   E = entries of a look-up table

Floats = npt.NDArray[np.float64]

_TAIL = 0.005  # without a window, this share of the pixels is black, the same white
_GLANCE = 256  # rows and columns that a first look at the contrast takes, at most


def display(
    stored_HW: npt.NDArray[np.integer[npt.NBitBase]], elements: Elements
) -> tuple[Pixels, frozenset[Note]]:
    """Return the pixels (H, W) as a viewer shows them, 0 black .. 255 white, and notes.

    The first VOI LUT, else the first window counts. One that shows the film as one grey
    is left out, with a note. Without a usable one, pixels of up to 8 stored bits are taken
    as they are, and deeper ones are stretched between their 0.5th and 99.5th percentile.
    MONOCHROME1 or an INVERSE presentation turns the scale round, once. Padding is black
    and counts in no percentile.
    """
    stored = read_values(stored_HW, elements)
    notes = set(elements.notes | stored.notes)
    grey_V = _grey(stored, elements, notes)
    if elements.is_inverse:
        grey_V = 1.0 - grey_V
    grey_V[stored.is_padding_V] = 0.0
    table_V = np.round(grey_V * 255).astype(np.uint8)
    return np.asarray(table_V[stored.index_HW]), frozenset(notes)


def _grey(stored: StoredValues, elements: Elements, notes: set[Note]) -> Floats:
    """Return grey in [0, 1] of each value that can be stored."""
    modality_V = _modality(stored, elements, notes)
    for grey_V, note in _choices(modality_V, elements, notes):
        if _shows(np.round(grey_V * 255), modality_V, stored):
            return grey_V
        notes.add(note)
    low, high = _limits(stored, modality_V, elements)
    return np.clip((modality_V - low) / (high - low or 1.0), 0.0, 1.0)


def _modality(stored: StoredValues, elements: Elements, notes: set[Note]) -> Floats:
    """Return what the values mean: by modality LUT, else rescale, else as they are."""
    plain_V = stored.values_V.astype(np.float64)
    if elements.modality_lut is not None:
        modality_V = _look_up(stored.values_V, elements.modality_lut)
        if _shows(modality_V, plain_V, stored):
            return modality_V
        notes.add("modality_lut_unusable")
    with np.errstate(over="ignore", invalid="ignore"):
        modality_V = stored.values_V * elements.slope + elements.intercept
    # A slope of 0, or one too small for the intercept, makes all values the same.
    if np.isfinite(modality_V).all() and modality_V[0] != modality_V[1]:
        return modality_V
    notes.add("rescale_unusable")
    return plain_V


def _choices(
    modality_V: Floats, elements: Elements, notes: set[Note]
) -> Iterator[tuple[Floats, Note]]:
    """Yield grey by each VOI LUT, then by each window, and the note of leaving it out."""
    for table in elements.voi_luts:
        bits = int(table.entries_E.max()).bit_length()
        # Some files declare fewer bits than their entries have, and some more. A table
        # whose last bit is unused is a dark one.
        if bits == 0 or table.bits in (bits, bits + 1):
            bits = table.bits
        else:
            notes.add("voi_lut_bits_wrong")
        yield (
            _look_up(modality_V, table) / ((1 << max(bits, 1)) - 1),
            "voi_lut_unusable",
        )
    for centre, width in elements.windows:
        yield (
            _window(modality_V, centre=centre, width=width, function=elements.function),
            "window_unusable",
        )


def _window(inputs_V: Floats, *, centre: float, width: float, function: str) -> Floats:
    """Return grey in [0, 1] by the three window functions of PS3.3 C.11.2.1.2-3."""
    with np.errstate(over="ignore"):
        if function == "SIGMOID":
            slope_V = np.clip(-4.0 * (inputs_V - centre) / width, -700.0, 700.0)
            return np.asarray(1.0 / (1.0 + np.exp(slope_V)))
        if function == "LINEAR_EXACT":
            return np.clip((inputs_V - centre) / width + 0.5, 0.0, 1.0)
        if width <= 1:
            return np.asarray(inputs_V > centre - 0.5, dtype=np.float64)
        return np.clip((inputs_V - (centre - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)


def _look_up(inputs_V: Ints | Floats, table: LookUpTable) -> Floats:
    """Return the entries that `inputs_V` map to.

    Inputs below the first mapped value get the first entry, those past the end the last.
    """
    last = len(table.entries_E) - 1
    places_V = np.clip(np.rint(inputs_V) - table.first, 0, last).astype(np.int64)
    return table.entries_E[places_V].astype(np.float64)


def _shows(output_V: Floats, input_V: Floats, stored: StoredValues) -> bool:
    """Say whether a step leaves more than one level of a film that has more than one.

    The tails do not count: a burnt-in letter is white under any window.
    """
    # Nearly always a few pixels are enough to see that there is something to see.
    glance = -(-max(stored.index_HW.shape) // _GLANCE)
    if _is_varied(output_V, _between(input_V, _counts(stored, step=glance))):
        return True
    order_V = _between(input_V, _counts(stored, step=1))
    return _is_varied(output_V, order_V) or not _is_varied(input_V, order_V)


def _is_varied(levels_V: Floats, places: Ints) -> bool:
    return len(places) > 0 and bool(np.ptp(levels_V[places]) > 0)


def _counts(stored: StoredValues, *, step: int) -> Ints:
    """Return how many pixels have each value, of every `step`-th row and column."""
    index = stored.index_HW[::step, ::step].ravel()
    counts_V = np.bincount(index, minlength=len(stored.values_V))
    counts_V[stored.is_padding_V] = 0
    return counts_V


def _between(modality_V: Floats, counts_V: Ints) -> Ints:
    """Return the places of the values that occur, ascending, without the tails.

    Where the tails leave one value, they stay.
    """
    order_V = np.argsort(modality_V, kind="stable")
    order_V = order_V[counts_V[order_V] > 0]
    if len(order_V) == 0:
        return order_V
    shares_V = np.cumsum(counts_V[order_V]) / counts_V.sum()
    first = np.searchsorted(shares_V, _TAIL, side="right")
    last = np.searchsorted(shares_V, 1 - _TAIL)
    if modality_V[order_V[first]] == modality_V[order_V[last]]:
        return order_V  # nearly everything has one value
    return order_V[first : last + 1]


def _limits(
    stored: StoredValues, modality_V: Floats, elements: Elements
) -> tuple[float, float]:
    """Return what is black and what is white where no window says it."""
    bits = stored.bits
    if bits <= 8:
        # Ready for display: RSNA and SIIM are 8-bit films without a window, and a
        # stretch would make them differ from the NIH PNGs that they were made from.
        low = -(1 << (bits - 1)) if elements.is_signed else 0
        is_stored_V = (stored.values_V >= low) & (stored.values_V < low + (1 << bits))
        ends = modality_V[is_stored_V]
        return float(ends.min()), float(ends.max())
    order_V = _between(modality_V, _counts(stored, step=1))
    if len(order_V) == 0:  # nothing but padding
        return 0.0, 1.0
    return float(modality_V[order_V[0]]), float(modality_V[order_V[-1]])
