"""The groups of the page on benchmarks, of rows of METRICS."""

import polars as pl

from asg_core.summary.pages.benchmarks.page import ResultGroup, group_results


def groups_of(metrics: pl.DataFrame) -> list[ResultGroup]:
    """Return the groups of all encoders in `metrics`, each with a colour of its own."""
    encoders = metrics["encoder"].unique().sort().to_list()
    series = {name: index for index, name in enumerate(encoders)}
    return group_results(metrics, encoders=encoders, series=series)
