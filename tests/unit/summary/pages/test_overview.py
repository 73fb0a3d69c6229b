from asg_core.summary.pages.overview import overview_sheets
from asg_core.tables.catalog import METRICS
from support.points import metrics_of
from support.sheets import texts


def test_the_overview_takes_the_largest_fraction() -> None:
    metrics = metrics_of({"fraction": 0.1}, {"fraction": 1.0, "value": 0.9})

    (sheet,) = overview_sheets(metrics, encoders=["full"])

    assert texts(sheet) == [["full", "90.0 [75.0, 85.0]"], ["floor", "50.0"]]
    assert sheet.columns[1].label == "NIH AUC"


def test_no_metrics_give_no_tables() -> None:
    assert overview_sheets(METRICS.empty(), encoders=[]) == []
