"""Rows of METRICS for tests of the summary."""

from collections.abc import Mapping

import polars as pl

from asg_core.tables.catalog import METRICS

POINT = {
    "benchmark": "nih",
    "protocol": "linear-cached",
    "encoder": "full",
    "fraction": 0.1,
    "seed": 0,
    "metric": "auc",
    "target": "all",
    "value": 0.8,
    "ci_low": 0.75,
    "ci_high": 0.85,
    "floor": 0.5,
    "num_items": 40,
    "num_train": 10,
    "split": "as-distributed",
    "test_digest": "00",
}
"""One encoder on one benchmark, at one fraction, with one seed."""


def metrics_of(*changes: Mapping[str, object]) -> pl.DataFrame:
    """Return one row of METRICS for each set of changes to `POINT`."""
    return METRICS.frame({**POINT, **change} for change in changes)
