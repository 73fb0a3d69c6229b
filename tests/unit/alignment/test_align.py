import logging
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from asg_core.alignment.align import Alignments, align_regions
from asg_core.alignment.config import AlignmentConfig, Policy
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    REGION_BOXES,
    REJECTS,
    SENTENCES,
    TAG_TARGETS,
    TRIPLETS,
)
from asg_core.terms.existence import Context, Existence

REPORT = (
    "Left effusion. Heart is large and aorta calcified. No edema. The left rib broke."
)
SPANS = [(0, 14), (15, 50), (51, 60), (61, 80)]
BOXES = {
    "left costophrenic angle": (70.0, 80.0, 90.0, 95.0),
    "cardiac silhouette": (40.0, 50.0, 75.0, 90.0),
    "aortic arch": (50.0, 20.0, 60.0, 30.0),
}


def make_sentences() -> pl.DataFrame:
    return SENTENCES.frame(
        {
            "study_id": "s1",
            "sentence_index": index,
            "section": "findings",
            "start": start,
            "end": end,
            "text": REPORT[start:end],
        }
        for index, (start, end) in enumerate(SPANS)
    )


def claim(
    sentence_index: int,
    region: str,
    finding: str,
    word: str,
    *,
    existence: str = "present",
    context: str = "current",
) -> dict[str, Any]:
    start = REPORT.index(word)
    return {
        "study_id": "s1",
        "sentence_index": sentence_index,
        "region": region,
        "finding": finding,
        "existence": existence,
        "context": context,
        "finding_start": start,
        "finding_end": start + len(word),
        "parser": "test",
    }


EFFUSION = claim(0, "left costophrenic angle", "pleural effusion", "effusion")
HEART = claim(1, "cardiac silhouette", "cardiomegaly", "Heart")
AORTA = claim(1, "aortic arch", "calcification", "aorta")
EDEMA = claim(2, "unspecified", "edema", "edema", existence="absent")
RIB = claim(3, "left ribs", "fracture", "rib broke")


def make_images(*, view: str = "PA") -> pl.DataFrame:
    row = {"study_id": "s1", "path": "p", "width": 100, "height": 100}
    lateral = row | {"image_id": "lateral", "view": "LATERAL"}
    return IMAGES.frame([row | {"image_id": "i1", "view": view}, lateral])


def box(
    region: str, box_xyxy: tuple[float, ...], image_id: str = "i1"
) -> dict[str, Any]:
    row = {"image_id": image_id, "region": region, "score": 1.0, "origin": "test"}
    return row | {"box_xyxy": box_xyxy}


def align(
    claims: list[dict[str, Any]],
    boxes: Mapping[str, tuple[float, ...]] | list[dict[str, Any]] = BOXES,
    **config: object,
) -> Alignments:
    rows = (
        [box(region, corners) for region, corners in boxes.items()]
        if isinstance(boxes, Mapping)
        else boxes
    )
    return align_regions(
        sentences=make_sentences(),
        triplets=TRIPLETS.frame(claims),
        region_boxes=REGION_BOXES.frame(rows),
        images=make_images(),
        config=AlignmentConfig.model_validate(config),
    )


def unit(
    unit_index: int,
    *,
    regions: list[str],
    sentences: list[int],
    spans: list[tuple[int, int]],
    box_xyxy: tuple[float, ...],
    scenario: int,
    policy: str = "merge",
) -> dict[str, Any]:
    return {
        "image_id": "i1",
        "unit_index": unit_index,
        "study_id": "s1",
        "regions": regions,
        "sentence_indices": sentences,
        "spans": [{"start": start, "end": end} for start, end in spans],
        "box_xyxy": box_xyxy,
        "scenario": scenario,
        "policy": policy,
    }


ANGLE, SILHOUETTE, ARCH = BOXES


def test_one_region_and_one_sentence() -> None:
    actual = align([EFFUSION]).alignments

    expected = [
        unit(
            0,
            regions=[ANGLE],
            sentences=[0],
            spans=[(0, 14)],
            box_xyxy=BOXES[ANGLE],
            scenario=1,
        )
    ]
    assert_frame_equal(actual, ALIGNMENTS.frame(expected))


def test_the_sentences_of_a_region_are_joined() -> None:
    again = claim(2, ANGLE, "edema", "edema")

    actual = align([again, EFFUSION]).alignments

    expected = [
        unit(
            0,
            regions=[ANGLE],
            sentences=[0, 2],
            spans=[(0, 14), (51, 60)],
            box_xyxy=BOXES[ANGLE],
            scenario=2,
        )
    ]
    assert_frame_equal(actual, ALIGNMENTS.frame(expected))


def test_merge_takes_the_union_of_the_boxes() -> None:
    actual = align([HEART, AORTA, EFFUSION]).alignments

    # x from the heart (40 and 75), y from the top of the arch (20) to the heart's (90)
    union = (40.0, 20.0, 75.0, 90.0)
    expected = [
        unit(
            0,
            regions=[ANGLE],
            sentences=[0],
            spans=[(0, 14)],
            box_xyxy=BOXES[ANGLE],
            scenario=1,
        ),
        unit(
            1,
            regions=[ARCH, SILHOUETTE],
            sentences=[1],
            spans=[(15, 50)],
            box_xyxy=union,
            scenario=3,
        ),
    ]
    assert_frame_equal(actual, ALIGNMENTS.frame(expected))


def test_merge_joins_everything_that_hangs_together() -> None:
    # Sentence 1 ties the heart to the aorta, sentence 2 the aorta to the angle.
    claims = [HEART, AORTA, claim(2, "aortic arch", "edema", "edema")]
    claims += [claim(2, ANGLE, "edema", "edema")]

    actual = align(claims).alignments

    assert len(actual) == 1
    row = actual.row(0, named=True)
    assert row["regions"] == [ANGLE, ARCH, SILHOUETTE]
    assert row["sentence_indices"] == [1, 2]
    assert row["box_xyxy"] == [40.0, 20.0, 90.0, 95.0]
    assert row["scenario"] == 3


def test_what_hangs_together_in_one_image_need_not_in_another() -> None:
    """Two frontal images of one study, of which only the second has the arch's box.

    There the arch ties the heart to the angle; in the first image nothing does.
    """
    claims = [HEART, AORTA, claim(2, ARCH, "edema", "edema")]
    claims += [claim(2, ANGLE, "edema", "edema")]
    row = {"study_id": "s1", "path": "p", "width": 100, "height": 100, "view": "PA"}
    images = [row | {"image_id": name} for name in ("i1", "i2")]
    boxes = [box(SILHOUETTE, BOXES[SILHOUETTE], "i1"), box(ANGLE, BOXES[ANGLE], "i1")]
    boxes += [box(region, corners, "i2") for region, corners in BOXES.items()]

    units = align_regions(
        sentences=make_sentences(),
        triplets=TRIPLETS.frame(claims),
        region_boxes=REGION_BOXES.frame(boxes),
        images=IMAGES.frame(images),
        config=AlignmentConfig(),
    ).alignments

    columns = ("image_id", "unit_index", "regions", "sentence_indices", "scenario")
    assert units.select(columns).rows() == [
        ("i1", 0, [SILHOUETTE], [1], 1),
        ("i1", 1, [ANGLE], [2], 1),
        ("i2", 0, [ANGLE, ARCH, SILHOUETTE], [1, 2], 3),
    ]
    assert units["box_xyxy"].to_list()[:2] == [
        list(BOXES[SILHOUETTE]),
        list(BOXES[ANGLE]),
    ]


def test_split_cuts_the_sentence_and_keeps_the_boxes_apart() -> None:
    actual = align([HEART, AORTA], policy="split").alignments

    expected = [
        unit(
            0,
            regions=[ARCH],
            sentences=[1],
            spans=[(34, 50)],
            box_xyxy=BOXES[ARCH],
            scenario=3,
            policy="split",
        ),
        unit(
            1,
            regions=[SILHOUETTE],
            sentences=[1],
            spans=[(15, 29)],
            box_xyxy=BOXES[SILHOUETTE],
            scenario=3,
            policy="split",
        ),
    ]
    assert_frame_equal(actual, ALIGNMENTS.frame(expected))
    assert REPORT[34:50] == "aorta calcified."
    assert REPORT[15:29] == "Heart is large"


def test_split_joins_the_clauses_of_a_region() -> None:
    again = claim(2, SILHOUETTE, "edema", "edema")

    actual = align([HEART, AORTA, again], policy="split").alignments

    heart = actual.row(1, named=True)
    assert heart["sentence_indices"] == [1, 2]
    assert [tuple(span.values()) for span in heart["spans"]] == [(15, 29), (51, 60)]
    assert heart["scenario"] == 3


def test_words_about_claims_that_do_not_align_stay_out_of_a_clause() -> None:
    earlier = AORTA | {"context": "history"}

    actual = align([HEART, earlier], policy="split").alignments

    row = actual.row(0, named=True)
    assert (row["regions"], row["scenario"]) == ([SILHOUETTE], 1)
    assert row["spans"] == [{"start": 15, "end": 29}]


@pytest.mark.parametrize("policy", list(Policy))
def test_a_sentence_without_a_boxed_region_gives_no_unit(policy: Policy) -> None:
    boxes = {region: corners for region, corners in BOXES.items() if region != ANGLE}

    result = align([EFFUSION, HEART, EDEMA, RIB], boxes, policy=policy)

    assert result.alignments["sentence_indices"].to_list() == [[1]]
    assert result.counts["scenario_1"] == 1
    assert result.counts["scenario_4"] == 3
    assert result.counts["triplets_without_region"] == 2
    assert result.rejects.is_empty()


def test_a_region_without_a_box_drops_out_of_this_image_only() -> None:
    images = make_images().with_columns(view=pl.lit("PA").cast(IMAGES.columns["view"]))
    boxes = [box(ARCH, BOXES[ARCH]), *[box(r, b, "lateral") for r, b in BOXES.items()]]

    units = align_regions(
        sentences=make_sentences(),
        triplets=TRIPLETS.frame([HEART, AORTA]),
        region_boxes=REGION_BOXES.frame(boxes),
        images=images,
        config=AlignmentConfig(),
    ).alignments

    assert units["regions"].to_list() == [[ARCH], [ARCH, SILHOUETTE]]
    assert units["scenario"].to_list() == [1, 3]


def test_images_of_other_views_get_nothing() -> None:
    boxes = [box(ANGLE, BOXES[ANGLE], image) for image in ("i1", "lateral")]

    result = align([EFFUSION], boxes)

    assert result.alignments["image_id"].to_list() == ["i1"]
    assert result.tag_targets["image_id"].to_list() == ["i1"]
    assert result.counts["images"] == 1
    assert result.counts["boxes_not_used"] == 1


def test_images_of_other_views_are_logged_by_spelling(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        align([HEART])

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[0] == (
        "alignment.views leaves out 1 of 2 images (50.0 %) by their view: LATERAL (not "
        "said) 1"
    )


def test_contexts_are_chosen_by_the_configuration() -> None:
    removed = EFFUSION | {"context": "removal"}

    default = align([removed, HEART])
    other = align([removed, HEART], contexts=(Context.REMOVAL,))

    assert default.alignments["sentence_indices"].to_list() == [[1]]
    assert default.counts["triplets_not_used"] == 1
    assert other.alignments["sentence_indices"].to_list() == [[0]]
    assert_frame_equal(default.tag_targets, other.tag_targets)


def test_existences_are_chosen_by_the_configuration() -> None:
    claims = [
        EFFUSION | {"existence": "absent"},
        HEART | {"existence": "uncertain"},
        claim(2, ARCH, "edema", "edema"),
    ]

    default = align(claims)
    other = align(claims, existences=(Existence.ABSENT, Existence.UNCERTAIN))

    assert default.alignments["sentence_indices"].to_list() == [[0], [1], [2]]
    assert default.counts["triplets_not_used"] == 0
    assert other.alignments["sentence_indices"].to_list() == [[0], [1]]
    assert other.counts["triplets_not_used"] == 1
    assert_frame_equal(default.tag_targets, other.tag_targets)


def test_absent_findings_align() -> None:
    absent = EFFUSION | {"existence": "absent"}

    assert len(align([absent]).alignments) == 1


def test_the_first_units_of_the_report_stay_when_there_are_too_many() -> None:
    claims = [claim(2, "spine", "edema", "edema"), HEART, EFFUSION]
    boxes = BOXES | {"spine": (45.0, 0.0, 55.0, 100.0)}

    result = align(claims, boxes, max_units=2)

    assert result.alignments["sentence_indices"].to_list() == [[0], [1]]
    assert (result.counts["units"], result.counts["units_over_max"]) == (2, 1)


def test_what_cannot_be_true_is_rejected_with_a_reason() -> None:
    boxes = [
        box(ANGLE, (10.0, 10.0, 10.0, 20.0)),
        box(SILHOUETTE, (50.0, 50.0, 101.0, 60.0)),
        box(ARCH, (0.0, float("nan"), 10.0, 10.0)),
        box("spine", (0.0, 0.0, 1.0, 1.0), "elsewhere"),
        box("carina", (-0.4, 10.0, 100.4, 20.0)),
    ]
    lost = claim(7, "carina", "edema", "edema")
    astray = claim(0, "carina", "cardiomegaly", "Heart")
    good = claim(0, "carina", "edema", "Left")

    result = align([lost, astray, good], boxes)

    REJECTS.check(result.rejects, where="test")
    assert result.rejects.select("item_id", "reason").rows() == [
        ("elsewhere/spine", "unknown_image"),
        ("i1/aortic arch", "box_not_finite"),
        ("i1/cardiac silhouette", "box_outside_image"),
        ("i1/left costophrenic angle", "box_without_area"),
        ("s1/0/carina/cardiomegaly/15", "outside_sentence"),
        ("s1/7/carina/edema/54", "unknown_sentence"),
    ]
    assert result.rejects["detail"][2] == (
        "image i1: expected a box of positive area inside 100 x 100 pixels, found "
        "(50.0, 50.0, 101.0, 60.0)"
    )
    assert result.rejects["detail"][4] == (
        "study s1, sentence 0: expected a finding inside 0-14, found 15-20"
    )
    assert result.num_items == 8
    # What is rounded over the edge is clipped to the image.
    assert result.alignments["box_xyxy"].to_list() == [[0.0, 10.0, 100.0, 20.0]]


@pytest.mark.parametrize("policy", list(Policy))
def test_nothing_in_nothing_out(policy: Policy) -> None:
    result = align_regions(
        sentences=SENTENCES.empty(),
        triplets=TRIPLETS.empty(),
        region_boxes=REGION_BOXES.empty(),
        images=IMAGES.empty(),
        config=AlignmentConfig(policy=policy),
    )

    assert_frame_equal(result.alignments, ALIGNMENTS.empty())
    assert_frame_equal(result.tag_targets, TAG_TARGETS.empty())
    assert_frame_equal(result.rejects, REJECTS.empty())
    assert set(result.counts.values()) == {0}


def test_an_image_without_boxes_keeps_its_tag_targets() -> None:
    result = align([EFFUSION], {})

    assert result.alignments.is_empty()
    assert result.tag_targets.rows() == [("i1", "pleural effusion", "present")]
    assert result.counts["images_without_boxes"] == 1
    assert result.counts["scenario_4"] == 1


def test_what_is_not_used_is_counted_and_what_is_rejected_is_not() -> None:
    boxes = [
        box(ANGLE, BOXES[ANGLE]),
        box(ANGLE, BOXES[ANGLE], "lateral"),
        box(ARCH, (0.0, 0.0, 0.0, 9.0)),
    ]
    claims = [
        EFFUSION,
        EDEMA,
        RIB | {"context": "history"},
        claim(9, ARCH, "edema", "No"),
    ]

    result = align(claims, boxes)

    assert result.counts == {
        "images": 1,
        "images_without_boxes": 0,
        "images_without_units": 0,
        "units": 1,
        "scenario_1": 1,
        "scenario_2": 0,
        "scenario_3": 0,
        "scenario_4": 1,  # the edema, whose place is not said
        "units_over_max": 0,
        "tag_targets": 2,
        "boxes_not_used": 1,
        "triplets_not_used": 1,
        "triplets_without_region": 1,
    }
    assert result.num_items == 7
    assert result.rejects["reason"].to_list() == [
        "box_without_area",
        "unknown_sentence",
    ]
