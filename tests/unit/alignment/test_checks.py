"""Which boxes and claims cannot be true."""

import pytest

from asg_core.alignment.checks import check_boxes, check_triplets
from asg_core.tables.catalog import IMAGES, REGION_BOXES, SENTENCES, TRIPLETS

WIDTH, HEIGHT = 300, 100


def check(*corners: float) -> tuple[list[list[float]], list[str]]:
    """Check one box of an image that is three times as wide as it is high."""
    box = {"image_id": "i1", "region": "spine", "score": 1.0, "origin": "test"}
    image = {"image_id": "i1", "study_id": "s1", "path": "p", "view": "PA"}
    boxes, rejects = check_boxes(
        REGION_BOXES.frame([box | {"box_xyxy": corners}]),
        images=IMAGES.frame([image | {"width": WIDTH, "height": HEIGHT}]),
    )
    found = boxes.select("x0", "y0", "x1", "y1").rows()
    return [list(row) for row in found], rejects["reason"].to_list()


@pytest.mark.parametrize(
    ("corners", "kept"),
    [
        ((10, 20, 250, 90), [10, 20, 250, 90]),
        ((0, 0, 300, 100), [0, 0, 300, 100]),
        ((-0.5, -0.5, 300.5, 100.5), [0, 0, 300, 100]),
        ((280, 10, 300.25, 20), [280, 10, 300, 20]),
    ],
)
def test_a_box_in_its_image_is_kept_and_cut(
    corners: tuple[float, ...], kept: list[float]
) -> None:
    assert check(*corners) == ([kept], [])


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        ((-0.75, 10, 50, 20), "box_outside_image"),
        ((10, -0.75, 50, 20), "box_outside_image"),
        ((280, 10, 300.75, 20), "box_outside_image"),
        ((10, 20, 50, 100.75), "box_outside_image"),
        ((10, 20, 50, 150), "box_outside_image"),
        # Slivers within the tolerance, of which nothing is inside.
        ((-0.5, 10, 0, 20), "box_outside_image"),
        ((10, -0.5, 50, 0), "box_outside_image"),
        ((300, 10, 300.5, 20), "box_outside_image"),
        ((10, 100, 50, 100.5), "box_outside_image"),
        ((50, 10, 50, 20), "box_without_area"),
        ((10, 20, 50, 20), "box_without_area"),
        ((60, 10, 50, 20), "box_without_area"),
        ((10, 10, float("inf"), 20), "box_not_finite"),
        ((float("nan"), 10, 20, 20), "box_not_finite"),
    ],
)
def test_a_box_that_cannot_be_is_rejected(
    corners: tuple[float, ...], reason: str
) -> None:
    assert check(*corners) == ([], [reason])


@pytest.mark.parametrize(
    ("start", "end", "reasons"),
    [
        (10, 20, []),
        (12, 15, []),
        (9, 15, ["outside_sentence"]),
        (15, 21, ["outside_sentence"]),
    ],
)
def test_a_claim_lies_in_its_sentence(start: int, end: int, reasons: list[str]) -> None:
    sentence = {"study_id": "s1", "sentence_index": 0, "section": "findings"}
    sentence |= {"start": 10, "end": 20, "text": "x" * 10}
    claim = {"study_id": "s1", "sentence_index": 0, "region": "spine", "parser": "test"}
    claim |= {"finding": "edema", "existence": "present", "context": "current"}
    triplets = TRIPLETS.frame([claim | {"finding_start": start, "finding_end": end}])

    sound, rejects = check_triplets(triplets, sentences=SENTENCES.frame([sentence]))

    assert rejects["reason"].to_list() == reasons
    assert sound.equals(triplets if not reasons else TRIPLETS.empty())
