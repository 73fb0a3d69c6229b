"""What the stored values of a DICOM radiograph look like on a screen.

The order is that of the standard (PS3.4 N.2): stored values, modality LUT or rescale,
VOI LUT or window, presentation. Each step depends on the stored value alone, so all of
them are worked out once for every value that can be stored, and the image is looked up
in the resulting table: the numbers of full-size arithmetic at a fraction of its cost.

pydicom has functions for these steps, but its window answers in a range that has to be
guessed back, and its VOI LUT wraps where entries have 8 bits and inputs more.
"""

import numpy as np
import numpy.typing as npt
import pydicom

from asg_core.images.geometry import Pixels

# Shape suffixes:
#   H, W = rows and columns of an image, V = every value that can be stored,
#   E = entries of a look-up table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TAIL = 0.005  # without a window, this share of the pixels is black, the same white


def display(
    stored_HW: npt.NDArray[np.integer[npt.NBitBase]], dataset: pydicom.Dataset
) -> Pixels:
    """Return the pixels (H, W) as a viewer shows them, 0 black .. 255 white.

    The first VOI LUT, else the first window counts. Without a usable one, pixels of up
    to 8 stored bits are taken as they are, and deeper ones are stretched between their
    0.5th and 99.5th percentile. MONOCHROME1 or an INVERSE presentation turns the scale
    round, once. Padding is black and counts in no percentile.
    """
    native = stored_HW.dtype.newbyteorder("=")
    unsigned = np.dtype(f"u{native.itemsize}")
    index_HW = stored_HW.astype(native).view(unsigned)
    num_values = 1 << (8 * native.itemsize)
    values_V = np.arange(num_values).astype(unsigned).view(native).astype(np.int64)

    is_padding_V = _padding(values_V, dataset)
    modality_V = _modality(values_V, dataset)
    grey_V = _voi(modality_V, dataset)
    if grey_V is None:
        counts_V = np.bincount(index_HW.ravel(), minlength=num_values)
        counts_V[is_padding_V] = 0
        low, high = _limits(values_V, modality_V, counts_V, dataset)
        grey_V = np.clip((modality_V - low) / max(high - low, 1e-9), 0.0, 1.0)
    if _is_inverse(dataset):
        grey_V = 1.0 - grey_V
    grey_V[is_padding_V] = 0.0
    table_V = np.round(grey_V * 255).astype(np.uint8)
    return np.asarray(table_V[index_HW])


def _padding(values_V: Ints, dataset: pydicom.Dataset) -> npt.NDArray[np.bool_]:
    """Return True for stored values that mark pixels outside the exposed field."""
    first = dataset.get("PixelPaddingValue")
    if first is None:
        return np.zeros(len(values_V), dtype=np.bool_)
    last = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(first), int(first if last is None else last)))
    return (values_V >= low) & (values_V <= high)


def _modality(values_V: Ints, dataset: pydicom.Dataset) -> Floats:
    if dataset.get("ModalityLUTSequence"):
        entries_V, _ = _look_up(values_V, dataset.ModalityLUTSequence[0], dataset)
        return entries_V.astype(np.float64)
    slope = float(dataset.get("RescaleSlope") or 1.0)
    return values_V * slope + float(dataset.get("RescaleIntercept") or 0.0)


def _voi(modality_V: Floats, dataset: pydicom.Dataset) -> Floats | None:
    """Return grey in [0, 1] by VOI LUT or window; None where there is neither."""
    if dataset.get("VOILUTSequence"):
        inputs_V = np.rint(modality_V).astype(np.int64)
        entries_V, white = _look_up(inputs_V, dataset.VOILUTSequence[0], dataset)
        return entries_V / white
    centre = _first_number(dataset.get("WindowCenter"))
    width = _first_number(dataset.get("WindowWidth"))
    # Widths of 0 stand in real files where nobody chose a window.
    if centre is None or width is None or width <= 0:
        return None
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    return _window(modality_V, centre=centre, width=width, function=function)


def _window(inputs_V: Floats, *, centre: float, width: float, function: str) -> Floats:
    """Return grey in [0, 1] by the three window functions of PS3.3 C.11.2.1.2-3."""
    if function == "SIGMOID":
        slope_V = np.clip(-4.0 * (inputs_V - centre) / width, -700.0, 700.0)
        return np.asarray(1.0 / (1.0 + np.exp(slope_V)))
    if function == "LINEAR_EXACT":
        return np.clip((inputs_V - centre) / width + 0.5, 0.0, 1.0)
    if function != "LINEAR":
        raise ValueError(f"the VOI LUT function '{function}', which is not defined")
    if width <= 1:
        return np.asarray(inputs_V > centre - 0.5, dtype=np.float64)
    return np.clip((inputs_V - (centre - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)


def _look_up(
    inputs_V: Ints, item: pydicom.Dataset, dataset: pydicom.Dataset
) -> tuple[Ints, int]:
    """Return the entries that `inputs_V` map to, and the value of white.

    Inputs below the first mapped value get the first entry, those past the end the last.
    """
    num_entries, first, bits = (int(number) for number in item.LUTDescriptor)
    entries_E = _entries(item, dataset, num_entries=num_entries or 1 << 16)
    entries_V = entries_E[np.clip(inputs_V - first, 0, len(entries_E) - 1)]
    # Some files declare fewer bits than their entries have.
    white = (1 << max(bits, int(entries_E.max()).bit_length())) - 1
    return entries_V, white


def _entries(
    item: pydicom.Dataset, dataset: pydicom.Dataset, *, num_entries: int
) -> Ints:
    data = item.LUTData
    if isinstance(data, bytes):
        order = ">" if dataset.original_encoding[1] is False else "<"
        is_packed = len(data) < 2 * num_entries  # entries of 8 bits, two to a word
        data = np.frombuffer(data, dtype="u1" if is_packed else f"{order}u2")
    entries_E = np.atleast_1d(np.asarray(data, dtype=np.int64))[:num_entries]
    if len(entries_E) < num_entries:
        raise ValueError(
            f"a look-up table of {len(entries_E)} entries that says it has "
            f"{num_entries}"
        )
    return entries_E


def _limits(
    values_V: Ints,
    modality_V: Floats,
    counts_V: Ints,
    dataset: pydicom.Dataset,
) -> tuple[float, float]:
    """Return what is black and what is white where no window says it."""
    bits = int(dataset.BitsStored)
    if bits <= 8:
        # Ready for display: RSNA and SIIM are 8-bit films without a window, and a
        # stretch would make them differ from the NIH PNGs that they were made from.
        low = -(1 << (bits - 1)) if dataset.PixelRepresentation else 0
        ends = modality_V[(values_V >= low) & (values_V < low + (1 << bits))]
        return float(ends.min()), float(ends.max())
    order_V = np.argsort(modality_V, kind="stable")
    order_V = order_V[counts_V[order_V] > 0]
    if len(order_V) == 0:  # nothing but padding
        return 0.0, 1.0
    shares_V = np.cumsum(counts_V[order_V]) / counts_V.sum()
    first = order_V[np.searchsorted(shares_V, _TAIL, side="right")]
    last = order_V[np.searchsorted(shares_V, 1 - _TAIL)]
    if modality_V[first] == modality_V[last]:  # nearly everything has one value
        first, last = order_V[0], order_V[-1]
    return float(modality_V[first]), float(modality_V[last])


def _is_inverse(dataset: pydicom.Dataset) -> bool:
    # MONOCHROME1 and INVERSE say the same thing, often both in one file.
    kind = str(dataset.PhotometricInterpretation)
    shape = str(dataset.get("PresentationLUTShape"))
    return kind == "MONOCHROME1" or shape == "INVERSE"


def _first_number(value: object) -> float | None:
    """Return the first of one or several numbers; None if there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, pydicom.multival.MultiValue):
        return float(value[0]) if len(value) else None
    return float(str(value))
