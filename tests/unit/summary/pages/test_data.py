from pathlib import Path

from asg_core.summary.pages.data import (
    read_timings,
    rejects_by_stage,
    rejects_sheet,
    rows_sheet,
    scores_sheets,
    timings_sheet,
)
from asg_core.summary.pages.pipeline import draw_pipeline
from asg_core.summary.sheets.sheet import Sheet
from asg_core.tables.catalog import REJECTS, STAGE_METRICS, TABLES
from asg_core.terms.stages import Stage

REJECTED = REJECTS.frame(
    {"stage": stage, "item_id": item, "reason": reason, "detail": f"{item}: why"}
    for stage, item, reason in (
        ("cache_pixels", "image-2", "truncated"),
        ("cache_pixels", "image-1", "truncated"),
        ("cache_pixels", "image-3", "empty"),
        ("align_regions", "image-9", "no_boxes"),
    )
)


def texts(sheet: Sheet) -> list[list[str]]:
    return [[cell.plain for cell in row] for row in sheet.all_rows]


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


def test_timings_are_added_up_and_those_without_a_number_counted(
    tmp_path: Path,
) -> None:
    heads = "s\th:m:s\tmax_rss"
    for rule, name, line in (
        ("align", "a", "1.5\t0:00:01\t100.0"),
        ("align", "b", "2.5\t0:00:02\t300.0"),
        ("align", "c", "NA\tNA\tNA"),
        ("quick", "a", "0.1\t0:00:00\t-"),
        ("build_summary", "all", "9\t0:00:09\t9"),
    ):
        (tmp_path / rule).mkdir(exist_ok=True)
        (tmp_path / rule / f"{name}.tsv").write_text(f"{heads}\n{line}\n")

    sheet = timings_sheet(read_timings(tmp_path))

    assert sheet is not None
    assert texts(sheet) == [
        ["align", "3", "4.0 s", "2.5 s", "300"],
        ["quick", "1", "0.1 s", "0.1 s", "\u2013"],
        ["all", "4", "4.1 s", "", ""],
    ]


def test_nothing_has_no_sheets(tmp_path: Path) -> None:
    assert rows_sheet(STAGE_METRICS.empty()) is None
    assert rejects_sheet(REJECTS.empty(), may_export_examples=True) is None
    assert scores_sheets(STAGE_METRICS.empty()) == []
    assert timings_sheet(read_timings(tmp_path / "none")) is None


def test_the_picture_has_lanes_side_by_side_and_no_gaps() -> None:
    steps = draw_pipeline(
        rows={"studies": 5, "reports": 4, "triplets": 1200, "images": 6},
        rejects={"read_reports": 1},
        num_runs=1,
        num_encoders=0,
        num_benchmarks=0,
    )

    titles = [[lane.title for lane in step] for step in steps]
    assert titles == [["Corpus"], ["Reports", "Images"], ["Pre-training"]]
    reports = steps[1][0].nodes
    assert [(node.count, node.label) for node in reports] == [
        ("4", "reports"),
        ("1,200", "triplets"),
    ]
    assert reports[0].notes == ("1 rejected",)


def test_the_picture_of_nothing_is_empty() -> None:
    steps = draw_pipeline(
        rows={}, rejects={}, num_runs=0, num_encoders=0, num_benchmarks=0
    )

    assert steps == []


def test_the_picture_says_what_every_stage_rejected() -> None:
    stages = set(Stage) - {Stage.MAKE_SYNTHETIC, Stage.TABLES}
    # Of a sheet that a person marks, no step of the pipeline; and of encoders that
    # failed, which the overview names in a table of their own.
    stages -= {Stage.SCORE_TRIPLET_SHEET, Stage.EVALUATE_ENCODER}
    rejects = REJECTS.frame(
        {"stage": stage, "item_id": f"{stage}-{k}", "reason": "x", "detail": "x"}
        for number, stage in enumerate(sorted(stages), start=1)
        for k in range(number)
    )

    steps = draw_pipeline(
        rows={table.name: 5 for table in TABLES},
        rejects=rejects_by_stage(rejects),
        num_runs=2,
        num_encoders=1,
        num_benchmarks=1,
    )

    nodes = [node for step in steps for lane in step for node in lane.nodes]
    said = {note for node in nodes for note in node.notes if "rejected" in note}
    assert said == {f"{number} rejected" for number in range(1, len(stages) + 1)}
