"""A row of the table stage_metrics, as everything that is counted or scored makes it."""


def metric_row(
    stage: str, metric: str, target: str, value: float | None, *, num_items: int
) -> dict[str, object]:
    """Return a row for `STAGE_METRICS.frame`.

    Args:
        stage: The stage that is measured.
        metric: What is measured of it.
        target: What the metric is over: "all", a region, a reason, ...
        value: None where there is nothing to measure.
        num_items: How many items the value is over.
    """
    return {
        "stage": stage,
        "metric": metric,
        "target": target,
        "value": value,
        "num_items": num_items,
    }
