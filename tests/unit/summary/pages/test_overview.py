from collections.abc import Sequence

import pytest

from asg_core.summary.inputs import Notes, Results, SummaryInputs, read_results
from asg_core.summary.pages.overview import overview_page, overview_sheets
from asg_core.summary.pages.views import ShownViews
from asg_core.summary.sheets.sheet import empty_sheet
from asg_core.tables.catalog import METRICS
from support.points import metrics_of
from support.sheets import texts


def test_the_overview_takes_the_largest_fraction() -> None:
    metrics = metrics_of({"fraction": 0.1}, {"fraction": 1.0, "value": 0.9})

    (sheet,) = overview_sheets(metrics, encoders=["full"])

    assert texts(sheet) == [["full", "90.0 [75.0, 85.0]"], ["floor", "50.0"]]
    assert sheet.columns[1].label == "NIH AUC"
    assert sheet.caption.startswith("linear-cached, 100 % of labels, in %. One seed;")


def test_each_benchmark_has_a_column_with_its_floor() -> None:
    metrics = metrics_of(
        {},
        {"metric": "f1"},
        {"benchmark": "covidx", "metric": "accuracy", "floor": 0.62, "value": 0.7},
        {"benchmark": "covidx", "metric": "accuracy", "encoder": "ira", "floor": 0.62},
    )

    (sheet,) = overview_sheets(metrics, encoders=["ira", "full", "unused"])

    assert [column.label for column in sheet.columns[1:]] == [
        *("COVIDx Accuracy", "NIH AUC")
    ]
    assert [row[0] for row in texts(sheet)] == ["ira", "full", "floor"]
    assert texts(sheet)[0][2] == "\u2013"
    assert texts(sheet)[2] == ["floor", "62.0", "50.0"]
    assert sheet.reasons == ("no result; see the page on benchmarks",)
    # The file holds what the table shows.
    assert sheet.data is not None
    assert set(sheet.data["metric"]) == {"auc", "accuracy"}


def test_a_protocol_without_labels_says_so() -> None:
    sheets = overview_sheets(
        metrics_of({}, {"protocol": "zero-shot-tags", "fraction": 0.0}),
        encoders=["full"],
    )

    assert [sheet.caption.partition(",")[0] for sheet in sheets] == [
        *("linear-cached", "zero-shot-tags")
    ]
    assert sheets[1].caption.startswith("zero-shot-tags, without labels, in %.")


def test_no_metrics_give_no_tables() -> None:
    assert overview_sheets(METRICS.empty(), encoders=[]) == []


def results_of(notes: Sequence[Notes], *changes: dict[str, object]) -> Results:
    empty = read_results(
        SummaryInputs(corpus="x"), is_synthetic=True, may_export_examples=True
    )
    return Results(
        inputs=empty.inputs,
        is_synthetic=True,
        may_export_examples=True,
        stage_metrics=empty.stage_metrics,
        rejects=empty.rejects,
        runs=(),
        metrics=metrics_of(*changes),
        notes=tuple(notes),
    )


def test_encoders_and_benchmarks_that_failed_are_counted_too() -> None:
    failed = Notes(benchmark="siim", encoder="broken", failure="no weights")

    page = overview_page(results_of([failed], {}), views=None, commit=None)

    steps = page.values["steps"]
    assert isinstance(steps, list)
    (node,) = steps[-1][0].nodes
    assert (node.count, node.label, node.notes) == ("2", "benchmarks", ("2 encoders",))
    assert page.values["failures"] is not None


@pytest.mark.parametrize("is_warned", [True, False])
def test_views_are_a_warning_where_many_are_left_out(*, is_warned: bool) -> None:
    views = ShownViews(sheet=empty_sheet("views"), text="Some.", is_warned=is_warned)

    page = overview_page(results_of([]), views=views, commit=None)

    assert (page.values["views_text"], page.values["is_warned"]) == ("Some.", is_warned)
