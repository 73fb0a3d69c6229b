from asg_core.summary.pages.data import (
    rejects_sheet,
    rows_sheet,
    scores_sheets,
)
from asg_core.tables.catalog import REJECTS, STAGE_METRICS
from support.sheets import texts

REJECTED = REJECTS.frame(
    {"stage": stage, "item_id": item, "reason": reason, "detail": f"{item}: why"}
    for stage, item, reason in (
        ("cache_pixels", "image-2", "truncated"),
        ("cache_pixels", "image-1", "truncated"),
        ("cache_pixels", "image-3", "empty"),
        ("align_regions", "image-9", "no_boxes"),
    )
)


def test_tables_stand_in_the_order_of_the_pipeline() -> None:
    metrics = STAGE_METRICS.frame(
        {
            "stage": "tables",
            "metric": "rows",
            "target": name,
            "value": 1234.0,
            "num_items": 1234,
        }
        for name in ("triplets", "images", "studies")
    )

    sheet = rows_sheet(metrics)

    assert sheet is not None
    assert [row[0] for row in texts(sheet)] == ["studies", "images", "triplets"]
    assert texts(sheet)[0][1] == "1,234"


def test_rejects_are_counted_by_reason() -> None:
    sheet = rejects_sheet(REJECTED, may_export_examples=False)

    assert sheet is not None
    assert texts(sheet) == [
        ["align_regions", "no_boxes", "1"],
        ["cache_pixels", "truncated", "2"],
        ["cache_pixels", "empty", "1"],
    ]
    assert sheet.data is not None
    assert sheet.data.columns == ["stage", "reason", "items"]


def test_the_first_reject_is_shown_where_it_may_be() -> None:
    sheet = rejects_sheet(REJECTED, may_export_examples=True)

    assert sheet is not None
    assert texts(sheet)[1][3] == "image-1: image-1: why"


def test_scores_stand_in_the_order_of_the_pipeline() -> None:
    names = ("stage", "metric", "target", "value", "num_items")
    rows = (
        ("align_regions", "pair_f1", "all", 0.9, 10),
        ("align_regions", "rejects", "no_boxes", 3.0, 3),
        ("extract_triplets", "joint_f1", "all", None, 0),
        ("extract_triplets", "joint_f1", "edema", 0.25, 4),
        ("make_synthetic", "num_images", "corpus", 7.0, 7),
    )
    metrics = STAGE_METRICS.frame(dict(zip(names, row, strict=True)) for row in rows)

    (first, by_target), (second, nothing) = scores_sheets(metrics)

    assert texts(first) == [["joint f1", "\u2013", "0"]]
    assert by_target is not None
    assert texts(by_target) == [["edema", "0.250 (4)"]]
    assert texts(second) == [["pair f1", "0.900", "10"]]
    assert nothing is None


def test_nothing_has_no_sheets() -> None:
    assert rows_sheet(STAGE_METRICS.empty()) is None
    assert rejects_sheet(REJECTS.empty(), may_export_examples=True) is None
    assert scores_sheets(STAGE_METRICS.empty()) == []
