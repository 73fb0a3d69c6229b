"""Checking the boxes that a dataset gives for one image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from asg_core.sources.reading.item_files import Problem
from asg_core.sources.rejects import RejectLog
from asg_core.terms.regions import REGIONS

Corners = tuple[float, float, float, float]

_PAIRS = tuple(
    (region, other)
    for region in REGIONS
    if region.startswith("right ")
    and (other := "left " + region.removeprefix("right ")) in REGIONS
)
"""(right, left) regions; "right atrium" has no counterpart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBox:
    """One box as a dataset gives it."""

    region: str
    """A name of `asg_core.terms.regions.REGIONS`."""

    corners: Corners
    """x0, y0, x1, y1 in pixels of the original frame; NaN where it is no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBoxes:
    """The boxes of one image that can be used, in the order of `REGIONS`."""

    boxes: dict[str, Corners]
    num_clipped: int
    """How many of them reached over the edge of the image and were cut there."""


def check_boxes(
    given: Sequence[GivenBox],
    *,
    image_id: str,
    width: int,
    height: int,
    rejects: RejectLog,
) -> CheckedBoxes:
    """Return at most one usable box per region of one image, clipped to the image.

    In this order: a box whose corners are not numbers is rejected (`invalid_box`), then
    one without area (`empty_box`), then one without a pixel inside the image
    (`box_outside_image`). Of the boxes left, the first one of a region is kept and the
    others are rejected (`duplicate_region`). Then left and right are compared: the
    patient's right is on the image's left, so where the centre of a right region does not
    lie left of the centre of its counterpart, both are rejected (`sides_swapped`), because
    nothing says which of the two is wrong.

    Args:
        given: The boxes, in the order of the dataset.
        image_id: The image; rejects are named "image/region".
        width: The width of the original frame, in pixels.
        height: The height of the original frame, in pixels.
        rejects: Receives what is rejected.
    """
    kept: dict[str, Corners] = {}
    clipped: set[str] = set()
    for box in given:
        inside = _clip(box.corners, width=width, height=height)
        problem = _problem(box.corners, inside=inside, width=width, height=height)
        if problem is None and box.region in kept:
            first = list(kept[box.region])
            problem = (
                "duplicate_region",
                f"expected one box, found another than {first}",
            )
        if problem is not None:
            item_id = f"{image_id}/{box.region}"
            rejects.add_problem(item_id, problem, where=item_id)
            continue
        kept[box.region] = inside
        if inside != box.corners:
            clipped.add(box.region)
    _drop_swapped(kept, image_id=image_id, rejects=rejects)
    ordered = {region: kept[region] for region in REGIONS if region in kept}
    return CheckedBoxes(boxes=ordered, num_clipped=len(clipped & set(ordered)))


def as_corners(values: Sequence[object]) -> Corners:
    """Return four values as the corners of a box, NaN for one that is no number."""
    x0, y0, x1, y1 = (_as_number(value) for value in values)
    return x0, y0, x1, y1


def _as_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return float("nan")
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def _clip(corners: Corners, *, width: int, height: int) -> Corners:
    x0, y0, x1, y1 = corners
    return (
        min(max(x0, 0), width),
        min(max(y0, 0), height),
        min(max(x1, 0), width),
        min(max(y1, 0), height),
    )


def _problem(
    corners: Corners, *, inside: Corners, width: int, height: int
) -> Problem | None:
    if not all(math.isfinite(corner) for corner in corners):
        return "invalid_box", f"expected four finite numbers, found {list(corners)}"
    if not _has_area(corners):
        return "empty_box", f"expected x0 < x1 and y0 < y1, found {list(corners)}"
    if not _has_area(inside):
        return "box_outside_image", (
            f"expected a box in the image of {width} x {height} pixels, found "
            f"{list(corners)}"
        )
    return None


def _has_area(corners: Corners) -> bool:
    x0, y0, x1, y1 = corners
    return x0 < x1 and y0 < y1


def _drop_swapped(
    boxes: dict[str, Corners], *, image_id: str, rejects: RejectLog
) -> None:
    """Remove both boxes of each pair that does not lie right on the left."""
    for right, left in _PAIRS:
        if right not in boxes or left not in boxes:
            continue
        right_x, left_x = _centre_x(boxes[right]), _centre_x(boxes[left])
        if right_x < left_x:
            continue
        detail = (
            f"expected the {right} on the image's left of the {left}, found their centres "
            f"at x = {right_x:g} and {left_x:g}"
        )
        for region in (right, left):
            del boxes[region]
            item_id = f"{image_id}/{region}"
            rejects.add_problem(item_id, ("sides_swapped", detail), where=item_id)


def _centre_x(corners: Corners) -> float:
    return (corners[0] + corners[2]) / 2
