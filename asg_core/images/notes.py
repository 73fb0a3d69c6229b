"""What was departed from in showing a film that is otherwise good."""

from collections.abc import Mapping
from typing import Literal

Note = Literal[
    "modality_lut_unusable",
    "rescale_unusable",
    "voi_lut_unusable",
    "voi_lut_bits_wrong",
    "window_unusable",
    "window_function_unknown",
    "padding_unusable",
    "bits_stored_too_few",
    "high_bits_masked",
]

NOTES: Mapping[Note, str] = {
    "modality_lut_unusable": "a modality LUT that cannot be used was left out",
    "rescale_unusable": "a rescale that cannot be used was left out",
    "voi_lut_unusable": "a VOI LUT that cannot be used, or shows one grey, was left out",
    "voi_lut_bits_wrong": "a VOI LUT was scaled by its entries and not by its bits",
    "window_unusable": "a window that cannot be used, or shows one grey, was left out",
    "window_function_unknown": "an unknown window function was taken as LINEAR",
    "padding_unusable": "a padding value that cannot be used was left out",
    "bits_stored_too_few": "pixels have more bits than BitsStored; all of them count",
    "high_bits_masked": "bits of an overlay, or above BitsStored, were masked",
}
"""What a note says, as a clause."""
