"""The boxes of one image: what is kept, what is cut, what is rejected."""

import math

import pytest

from asg_core.sources.annotations.boxes import (
    CheckedBoxes,
    Corners,
    GivenBox,
    as_corners,
    check_boxes,
)
from asg_core.sources.rejects import RejectLog

WIDTH, HEIGHT = 300, 100


def check(*given: tuple[str, Corners]) -> tuple[CheckedBoxes, dict[str, int]]:
    """Check boxes of an image that is three times as wide as it is high."""
    rejects = RejectLog("read_annotations")
    boxes = [GivenBox(region=region, corners=corners) for region, corners in given]
    checked = check_boxes(
        boxes, image_id="a", width=WIDTH, height=HEIGHT, rejects=rejects
    )
    return checked, rejects.counts()


def test_a_box_is_cut_at_the_edges_of_an_image_that_is_not_square() -> None:
    checked, reasons = check(
        ("trachea", (250, 10, 320, 90)),
        ("spine", (-5, -6, 140, 120)),
        ("carina", (150, 20, 300, 100)),
    )

    assert checked.boxes == {
        "trachea": (250, 10, 300, 90),
        "spine": (0, 0, 140, 100),
        "carina": (150, 20, 300, 100),
    }
    assert checked.num_clipped == 2
    assert reasons == {}


@pytest.mark.parametrize(
    "corners", [(10, 100, 40, 150), (300, 10, 320, 90), (150, -40, 200, 0)]
)
def test_a_box_beyond_an_edge_is_outside(corners: Corners) -> None:
    checked, reasons = check(("trachea", corners))

    assert checked.boxes == {}
    assert reasons == {"box_outside_image": 1}


@pytest.mark.parametrize("corners", [(40, 10, 10, 90), (10, 90, 40, 10), (5, 5, 5, 9)])
def test_corners_in_the_wrong_order_are_no_box(corners: Corners) -> None:
    assert check(("trachea", corners))[1] == {"empty_box": 1}


def test_the_first_sound_box_of_a_region_counts() -> None:
    checked, reasons = check(
        ("trachea", (math.nan, 0, 1, 1)),
        ("trachea", (10, 10, 20, 20)),
        ("trachea", (10, 10, 30, 30)),
    )

    assert checked.boxes == {"trachea": (10, 10, 20, 20)}
    assert reasons == {"duplicate_region": 1, "invalid_box": 1}


def test_boxes_come_in_the_order_of_the_vocabulary() -> None:
    checked, _ = check(("spine", (0, 0, 9, 9)), ("trachea", (0, 0, 9, 9)))

    assert list(checked.boxes) == ["trachea", "spine"]


def test_sides_are_told_by_the_centres_and_not_by_an_edge() -> None:
    # The right lung begins left of the left one, and its centre lies right of the other's.
    wide, narrow = (10.0, 0.0, 290.0, 90.0), (20.0, 0.0, 60.0, 90.0)

    swapped, reasons = check(("right lung", wide), ("left lung", narrow))
    kept, _ = check(("right lung", narrow), ("left lung", wide))

    assert swapped.boxes == {}
    assert reasons == {"sides_swapped": 2}
    assert list(kept.boxes) == ["right lung", "left lung"]


def test_sides_in_the_same_place_are_swapped_too() -> None:
    box = (60.0, 10.0, 90.0, 90.0)

    checked, reasons = check(("right lung", box), ("left lung", box))

    assert checked.boxes == {}
    assert reasons == {"sides_swapped": 2}


def test_a_cut_box_that_is_rejected_later_is_not_counted_as_cut() -> None:
    checked, _ = check(
        ("right lung", (200, 10, 320, 90)),
        ("left lung", (10, 10, 90, 90)),
        ("spine", (100, 0, 150, 101)),
    )

    assert list(checked.boxes) == ["spine"]
    assert checked.num_clipped == 1


def test_corners_are_numbers_or_nan() -> None:
    corners = as_corners([1, "2.5", True, "wide"])

    assert corners[:2] == (1.0, 2.5)
    assert all(math.isnan(corner) for corner in corners[2:])
    assert all(math.isnan(corner) for corner in as_corners([None, [], {}, 10**400]))
