"""Files of the corpus that are damaged on purpose, so that every reader meets them.

Damage is spread over the patients: one kind after another, at equal distances. It hits
a patient's first study and that study's first image, which is always frontal. The truth
tables keep what the files no longer say.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache


class Damage(StrEnum):
    """One way in which a distributed file is not what it should be."""

    TRUNCATED_IMAGE = "truncated_image"
    """The JPEG file stops half way."""

    EMPTY_REPORT = "empty_report"
    """The report file has no characters."""

    MISSING_IMAGE = "missing_image"
    """The metadata list an image that is not on disk."""

    DUPLICATE_IMAGE_ID = "duplicate_image_id"
    """The metadata list an image twice."""

    BOX_OUTSIDE_IMAGE = "box_outside_image"
    """A scene graph has a box with no pixel inside the image."""

    BOX_WITHOUT_AREA = "box_without_area"
    """A scene graph has a box of zero width."""

    MISSING_SCENE_GRAPH = "missing_scene_graph"
    """An image that the splits list has no scene graph."""

    SWAPPED_SIDES = "swapped_sides"
    """A scene graph calls right what is left, and the reverse."""


_KINDS = tuple(Damage)


@cache
def damaged_patients(*, num_broken: int, num_patients: int) -> Mapping[int, Damage]:
    """Return the kind of damage by patient index; at most one item a patient.

    Item k belongs to patient floor((k + 1/2) * patients / broken).
    """
    return {
        (2 * item + 1) * num_patients // (2 * num_broken): _KINDS[item % len(_KINDS)]
        for item in range(num_broken)
    }


def truncated(content: bytes) -> bytes:
    """Return the first half of a file."""
    return content[: len(content) // 2]
