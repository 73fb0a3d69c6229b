from asg_core.tables.catalog import STAGE_METRICS
from asg_core.tables.stage_metrics import metric_row
from asg_core.terms.stages import Stage


def test_a_row_fits_the_table_with_and_without_a_value() -> None:
    rows = [
        metric_row(Stage.SCORE_BOXES, "mean_iou", "spine", 0.5, num_items=3),
        metric_row(Stage.SCORE_BOXES, "mean_iou", "trachea", None, num_items=0),
    ]

    found = STAGE_METRICS.frame(rows).rows()

    assert found == [
        ("score_boxes", "mean_iou", "spine", 0.5, 3),
        ("score_boxes", "mean_iou", "trachea", None, 0),
    ]
