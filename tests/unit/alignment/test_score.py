from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from asg_core.alignment.score import score_alignments
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    REGION_BOXES,
    SENTENCES,
    STAGE_METRICS,
    TRIPLETS,
)
from asg_core.terms.existence import Context
from asg_core.terms.views import FRONTAL, View

# Three true sentences of 10 characters each, with a blank between them.
TRUE_SPANS = [(0, 10), (11, 21), (22, 32)]


def truth(*claims: tuple[int, str, str]) -> pl.DataFrame:
    """Make true triplets from (sentence, region, context)."""
    return TRIPLETS.frame(
        {
            "study_id": "s1",
            "sentence_index": sentence_index,
            "region": region,
            "finding": "edema",
            "existence": "present",
            "context": context,
            "finding_start": TRUE_SPANS[sentence_index][0],
            "finding_end": TRUE_SPANS[sentence_index][1],
            "parser": "truth",
        }
        for sentence_index, region, context in claims
    )


def unit(
    unit_index: int,
    *,
    regions: list[str],
    spans: list[tuple[int, int]],
    box_xyxy: tuple[float, ...] = (0, 0, 10, 10),
    scenario: int = 1,
) -> dict[str, Any]:
    return {
        "image_id": "i1",
        "unit_index": unit_index,
        "study_id": "s1",
        "regions": regions,
        "sentence_indices": [unit_index],
        "spans": [{"start": start, "end": end} for start, end in spans],
        "box_xyxy": box_xyxy,
        "scenario": scenario,
        "policy": "merge",
    }


SPINE, TRACHEA = (0.0, 0.0, 10.0, 10.0), (0.0, 10.0, 10.0, 30.0)


def score(
    units: list[dict[str, Any]],
    triplets: pl.DataFrame,
    *,
    spine: tuple[float, ...] = SPINE,
    trachea: tuple[float, ...] = TRACHEA,
    views: Sequence[View] = FRONTAL,
    contexts: Sequence[Context] = (Context.CURRENT,),
    min_iou: float = 0.5,
) -> dict[tuple[str, str], tuple[float | None, int]]:
    sentences = SENTENCES.frame(
        {
            "study_id": "s1",
            "sentence_index": index,
            "section": "findings",
            "start": start,
            "end": end,
            "text": "x" * 10,
        }
        for index, (start, end) in enumerate(TRUE_SPANS)
    )
    box = {"image_id": "i1", "score": 1.0, "origin": "truth"}
    boxes = [
        box | {"region": "spine", "box_xyxy": spine},
        box | {"region": "trachea", "box_xyxy": trachea},
    ]
    image = {"study_id": "s1", "path": "p", "width": 40, "height": 40}
    images = [
        image | {"image_id": "i1", "view": "PA"},
        image | {"image_id": "i2", "view": "LATERAL"},
    ]
    frame = score_alignments(
        alignments=ALIGNMENTS.frame(units),
        truth_triplets=triplets,
        truth_sentences=sentences,
        truth_boxes=REGION_BOXES.frame(boxes),
        images=IMAGES.frame(images),
        views=views,
        contexts=contexts,
        min_iou=min_iou,
    )
    STAGE_METRICS.check(frame, where="test")
    assert set(frame["stage"]) == {"align_regions"}
    return {
        (row["metric"], row["target"]): (row["value"], row["num_items"])
        for row in frame.iter_rows(named=True)
    }


def test_pairs_are_counted_by_the_words_that_a_unit_covers() -> None:
    triplets = truth((0, "spine", "current"), (1, "trachea", "current"))
    units = [
        unit(0, regions=["spine"], spans=[(0, 10)]),
        unit(1, regions=["spine"], spans=[(11, 21)]),
        unit(2, regions=["trachea"], spans=[(22, 32)]),
    ]

    actual = score(units, triplets)

    # found: (spine, 0), (spine, 1), (trachea, 2); true: (spine, 0), (trachea, 1)
    assert actual["pair_precision", "all"] == (1 / 3, 3)
    assert actual["pair_recall", "all"] == (0.5, 2)
    assert actual["pair_f1", "all"] == (2 / 5, 5)
    assert actual["pair_precision", "spine"] == (0.5, 2)
    assert actual["pair_recall", "trachea"] == (0.0, 1)
    assert ("pair_f1", "carina") not in actual


def test_a_merged_unit_claims_all_its_words_for_all_its_regions() -> None:
    triplets = truth(
        (0, "spine", "current"), (0, "trachea", "current"), (1, "spine", "current")
    )
    units = [unit(0, regions=["spine", "trachea"], spans=[(0, 10), (11, 21)])]

    actual = score(units, triplets)

    assert actual["pair_precision", "all"] == (0.75, 4)
    assert actual["pair_recall", "all"] == (1.0, 3)


@pytest.mark.parametrize(
    ("span", "recall"),
    [
        ((0, 5), 1.0),  # a clause inside of the sentence
        ((5, 30), 1.0),  # half of the sentence
        ((6, 30), 0.0),  # four of its ten characters
        ((8, 12), 1.0),  # half of the span
        ((9, 13), 0.0),  # a quarter of the span
    ],
)
def test_a_span_covers_a_sentence_by_half_of_the_shorter(
    span: tuple[int, int], recall: float
) -> None:
    units = [unit(0, regions=["spine"], spans=[span])]

    actual = score(units, truth((0, "spine", "current")))

    assert actual["pair_recall", "all"] == (recall, 1)


def test_only_current_claims_about_regions_with_a_true_box_count() -> None:
    triplets = truth(
        (0, "spine", "history"), (1, "carina", "current"), (2, "spine", "comparison")
    )

    actual = score([], triplets)

    assert actual["pair_recall", "all"] == (None, 0)
    assert actual["pair_precision", "all"] == (None, 0)


def test_boxes_are_compared_with_the_union_of_the_true_boxes() -> None:
    both = ["spine", "trachea"]
    units = [
        # The union of the true boxes is (0, 0, 10, 30).
        unit(0, regions=both, spans=[(0, 10)], box_xyxy=(0, 0, 10, 30), scenario=3),
        unit(1, regions=["spine"], spans=[(0, 10)], box_xyxy=(0, 0, 10, 40)),
        unit(2, regions=["carina"], spans=[(0, 10)], scenario=2),
    ]

    actual = score(units, truth())

    # IoU 1; 100 / 400; 0, for there is no true box of the carina
    assert actual["box_iou_mean", "all"] == (1.25 / 3, 3)
    assert actual["box_iou_0.5", "all"] == (1 / 3, 3)
    assert actual["box_iou_mean", "scenario 1"] == (0.25, 1)
    assert actual["box_iou_0.5", "scenario 3"] == (1.0, 1)
    assert actual["units", "scenario 2"] == (1, 3)


def test_boxes_away_from_the_corner_are_compared_by_all_their_corners() -> None:
    units = [
        # (20, 4, 30, 24) of 200 pixels shares 5 x 10 with (25, 14, 40, 34) of 300.
        unit(0, regions=["spine"], spans=[(0, 10)], box_xyxy=(25, 14, 40, 34)),
        # Right of and below the true box: two negative sides are no area.
        unit(1, regions=["spine"], spans=[(0, 10)], box_xyxy=(32, 26, 38, 34)),
        # The hull of both true boxes is (12, 4, 30, 34), 540 pixels; 12 x 18 lie in it.
        unit(
            2,
            regions=["spine", "trachea"],
            spans=[(0, 10)],
            box_xyxy=(15, 10, 27, 28),
            scenario=3,
        ),
    ]

    actual = score(
        units, truth(), spine=(20, 4, 30, 24), trachea=(12, 20, 22, 34), min_iou=0.4
    )

    assert actual["box_iou_mean", "scenario 1"] == (1 / 18, 2)
    assert actual["box_iou_mean", "scenario 3"] == (0.4, 1)
    assert actual["box_iou_0.4", "all"] == (1 / 3, 3)


def test_images_of_other_views_do_not_count() -> None:
    triplets = truth((0, "spine", "current"))
    units = [unit(0, regions=["spine"], spans=[(0, 10)])]

    actual = score(units, triplets, views=[View.LATERAL])

    # The lateral image has no true box and no unit.
    assert actual["pair_recall", "all"] == (None, 0)
    assert actual["units", "all"] == (0.0, 0)
    assert actual["images", "all"] == (1, 1)


def test_contexts_of_the_truth_are_chosen() -> None:
    triplets = truth((0, "spine", "history"))
    units = [unit(0, regions=["spine"], spans=[(0, 10)])]

    actual = score(units, triplets, contexts=[Context.HISTORY])

    assert actual["pair_recall", "all"] == (1.0, 1)


def test_nothing_found_is_undefined_and_not_zero() -> None:
    actual = score([], truth((0, "spine", "current")))

    assert actual["pair_precision", "all"] == (None, 0)
    assert actual["pair_recall", "all"] == (0.0, 1)
    assert actual["pair_f1", "all"] == (0.0, 1)
    assert actual["box_iou_mean", "all"] == (None, 0)
    assert actual["images", "all"] == (1, 1)


def test_what_is_claimed_or_found_twice_is_one_pair() -> None:
    triplets = truth((0, "spine", "current"))
    again = triplets.with_columns(
        finding=pl.lit("mass").cast(TRIPLETS.columns["finding"])
    )
    units = [
        unit(index, regions=["spine"], spans=[(0, 6), (6, 10)]) for index in range(2)
    ]

    actual = score(units, pl.concat([triplets, again]))

    assert actual["pair_precision", "all"] == (1.0, 1)
    assert actual["pair_recall", "all"] == (1.0, 1)
