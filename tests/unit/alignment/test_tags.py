from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from asg_core.alignment.tags import make_tag_targets
from asg_core.tables.catalog import IMAGES, TAG_TARGETS, TRIPLETS


def claim(
    finding: str, existence: str, context: str = "current", *, at: int = 0
) -> dict[str, Any]:
    return {
        "study_id": "s1",
        "sentence_index": 0,
        "region": "unspecified",
        "finding": finding,
        "existence": existence,
        "context": context,
        "finding_start": at,
        "finding_end": at + 1,
        "parser": "test",
    }


def images(*image_ids: str) -> pl.DataFrame:
    rest = {"path": "p", "view": "PA", "width": 10, "height": 10}
    return IMAGES.frame(
        {"image_id": image_id, "study_id": "s1"} | rest for image_id in image_ids
    )


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (["absent", "present", "uncertain"], "present"),
        (["absent", "uncertain", "absent"], "uncertain"),
        (["absent", "absent"], "absent"),
    ],
)
def test_present_wins_over_uncertain_over_absent(
    claims: list[str], expected: str
) -> None:
    rows = [claim("edema", existence, at=i) for i, existence in enumerate(claims)]

    targets = make_tag_targets(TRIPLETS.frame(rows), images=images("i1"))

    assert targets.rows() == [("i1", "edema", expected)]


def test_a_removal_is_absent_and_history_says_nothing() -> None:
    triplets = TRIPLETS.frame(
        [
            claim("tube", "present", "removal"),
            claim("pneumonia", "present", "history"),
            claim("mass", "present", "comparison"),
        ]
    )

    targets = make_tag_targets(triplets, images=images("i1"))

    assert targets.rows() == [("i1", "tube", "absent"), ("i1", "mass", "present")]


def test_every_image_of_the_study_has_the_targets() -> None:
    triplets = TRIPLETS.frame([claim("edema", "absent")])

    targets = make_tag_targets(triplets, images=images("i2", "i1"))

    assert targets.rows() == [("i1", "edema", "absent"), ("i2", "edema", "absent")]
    TAG_TARGETS.check(targets, where="test")


def test_no_claims_no_targets() -> None:
    targets = make_tag_targets(TRIPLETS.empty(), images=images("i1"))

    assert_frame_equal(targets, TAG_TARGETS.empty())
