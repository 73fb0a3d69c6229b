import numpy as np
import polars as pl
import pytest

from asg_core.regions.score import average_precisions, score_boxes
from asg_core.tables.catalog import ANNOTATED_BOXES, REGION_BOXES, STAGE_METRICS
from asg_core.terms.regions import REGIONS

Box = tuple[float, float, float, float]
Boxes = dict[tuple[str, str], Box]


def _truth(boxes: Boxes) -> pl.DataFrame:
    return ANNOTATED_BOXES.frame(
        {
            "image_id": image_id,
            "region": region,
            "box_xyxy": list(box),
            "split": "test",
            "origin": "truth",
        }
        for (image_id, region), box in boxes.items()
    )


def _predicted(boxes: dict[tuple[str, str], tuple[Box, float]]) -> pl.DataFrame:
    return REGION_BOXES.frame(
        {
            "image_id": image_id,
            "region": region,
            "box_xyxy": list(box),
            "score": score,
            "origin": "torchvision",
        }
        for (image_id, region), (box, score) in boxes.items()
    )


def _value(scores: pl.DataFrame, metric: str, target: str) -> float | None:
    row = scores.filter(metric=metric, target=target)
    assert len(row) == 1
    value: float | None = row["value"].item()
    return value


def test_two_images_by_hand() -> None:
    truth = _truth(
        {
            ("a", "spine"): (0, 0, 10, 10),
            ("b", "spine"): (0, 0, 10, 10),
            ("a", "carina"): (0, 0, 4, 4),
        }
    )
    predicted = _predicted(
        {
            ("a", "spine"): ((0, 0, 10, 6), 0.9),  # IoU 60 / 100
            ("b", "carina"): ((0, 0, 4, 4), 0.8),  # nothing there
            ("a", "carina"): ((0, 0, 4, 4), 0.7),
            ("elsewhere", "spine"): ((0, 0, 9, 9), 1.0),  # not an image of the truth
        }
    )

    scores = score_boxes(predicted=predicted, truth=truth)

    STAGE_METRICS.check(scores, where="test")
    assert _value(scores, "mean_iou", "spine") == pytest.approx(0.3)
    assert _value(scores, "mean_iou", "carina") == pytest.approx(1.0)
    assert _value(scores, "mean_iou", "all") == pytest.approx(0.65)
    assert _value(scores, "iou_of_sums", "spine") == pytest.approx(60 / 200)
    assert _value(scores, "iou_of_sums", "all") == pytest.approx(76 / 216)
    assert _value(scores, "detection_rate", "spine") == pytest.approx(0.5)
    assert _value(scores, "detection_rate", "all") == pytest.approx(0.75)
    assert _value(scores, "regions_found", "all") == pytest.approx(1.5)
    # Recall reaches a half at precision 1: the recalls 0.00 to 0.50 are 51 of 101.
    assert _value(scores, "ap50", "spine") == pytest.approx(51 / 101)
    # A hit at the overlaps 0.5, 0.55 and 0.6 of ten.
    assert _value(scores, "ap50_95", "spine") == pytest.approx(0.3 * 51 / 101)
    # The false one ranks first: precision 1 / 2 at every recall.
    assert _value(scores, "ap50", "carina") == pytest.approx(0.5)


def test_items_are_true_boxes_and_regions_without_any_are_undefined() -> None:
    truth = _truth({("a", "spine"): (0, 0, 10, 10), ("b", "spine"): (0, 0, 10, 10)})

    scores = score_boxes(
        predicted=_predicted({("a", "carina"): ((0, 0, 4, 4), 0.7)}), truth=truth
    )

    spine = scores.filter(target="spine")
    assert spine["num_items"].to_list() == [2] * 5
    assert spine["value"].to_list() == [0.0] * 5
    carina = scores.filter(target="carina")
    assert carina["num_items"].to_list() == [0] * 5
    assert carina["value"].to_list() == [None] * 5
    assert scores.filter(target="all")["num_items"].to_list() == [2] * 6
    assert len(scores) == 29 * 5 + 6


def test_no_truth_at_all_has_no_metrics() -> None:
    scores = score_boxes(
        predicted=_predicted({("a", "carina"): ((0, 0, 4, 4), 0.7)}),
        truth=REGION_BOXES.empty(),
    )

    assert scores["value"].is_null().all()
    assert (scores["num_items"] == 0).all()


def _ap_by_the_docstring(
    score_P: list[float], iou_P: list[float], num_true: int, overlap: float
) -> float:
    ranked = sorted(range(len(score_P)), key=lambda p: -score_P[p])
    hits = [iou_P[p] >= overlap for p in ranked]
    precision = [sum(hits[: n + 1]) / (n + 1) for n in range(len(hits))]
    recall = [sum(hits[: n + 1]) / num_true for n in range(len(hits))]
    best = []
    for step in range(101):
        reached = [
            p
            for p, r in zip(precision, recall, strict=True)
            if round(r * 100 * num_true) >= step * num_true
        ]
        best.append(max(reached, default=0.0))
    return sum(best) / 101


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_the_loop_in_the_docstring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score_P, iou_P = rng.random(17), rng.random(17)
    overlaps_O = np.array([0.25, 0.5, 0.9])

    ap_O = average_precisions(score_P, iou_P, num_true=21, overlaps_O=overlaps_O)

    expected = [
        _ap_by_the_docstring(score_P.tolist(), iou_P.tolist(), 21, overlap)
        for overlap in overlaps_O
    ]
    assert ap_O.tolist() == pytest.approx(expected)


def test_a_perfect_ranking_has_precision_one() -> None:
    ap_O = average_precisions(
        np.array([0.2, 0.9]), np.ones(2), num_true=2, overlaps_O=np.array([0.5, 0.95])
    )
    assert ap_O.tolist() == [1.0, 1.0]

    nothing = average_precisions(
        np.zeros(0), np.zeros(0), num_true=2, overlaps_O=np.array([0.5])
    )
    assert nothing.tolist() == [0.0]


def _iou(one: Box, two: Box) -> float:
    width = max(0.0, min(one[2], two[2]) - max(one[0], two[0]))
    height = max(0.0, min(one[3], two[3]) - max(one[1], two[1]))
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, two))
    return width * height / (area - width * height)


@pytest.mark.parametrize("seed", range(3))
def test_means_are_the_loops_in_the_docstring(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def box() -> Box:
        x, y, width, height = (float(np.float32(v)) for v in rng.uniform(1, 20, size=4))
        return (x, y, x + width, y + height)

    keys = [(f"i{n}", region) for n in range(6) for region in REGIONS[:4]]
    truth: Boxes = {key: box() for key in keys if rng.random() < 0.8}
    found = {key: (box(), rng.random()) for key in keys if rng.random() < 0.8}

    scores = score_boxes(predicted=_predicted(found), truth=_truth(truth))

    for region in REGIONS[:4]:
        overlaps = [
            _iou(true, found[key][0]) if key in found else 0.0
            for key, true in truth.items()
            if key[1] == region
        ]
        is_found = [key in found for key in truth if key[1] == region]
        assert _value(scores, "mean_iou", region) == pytest.approx(
            np.mean(overlaps), rel=1e-5
        )
        assert _value(scores, "detection_rate", region) == pytest.approx(
            np.mean(is_found)
        )
