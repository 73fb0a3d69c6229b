"""Counts of what the tables hold: for the table stage_metrics, and in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from asg_core.tables.catalog import REJECTS, STAGE_METRICS, TABLES
from asg_core.tables.schema import count_table_rows
from asg_core.tables.stage_metrics import metric_row
from asg_core.terms.stages import Stage

_SCHEMAS = {table.name: table for table in TABLES}


def count_rows(tables: Mapping[str, Sequence[Path]]) -> pl.DataFrame:
    """Return one row per table: how many rows its shards have together.

    Only footers are read, so a corpus of any size costs a moment.

    Raises:
        KeyError: If a name is not a declared table.
        TableError: If a file is another table.
    """
    rows = []
    for name, paths in tables.items():
        total = sum(count_table_rows(path, schema=_SCHEMAS[name]) for path in paths)
        rows.append(metric_row(Stage.TABLES, "rows", name, total, num_items=total))
    return STAGE_METRICS.frame(rows)


def count_rejects(rejects: pl.DataFrame) -> pl.DataFrame:
    """Return one row per stage and reason: how many items were rejected."""
    counted = rejects.group_by("stage", "reason").len().sort("stage", "reason")
    return STAGE_METRICS.frame(
        metric_row(stage, "rejects", reason, count, num_items=count)
        for stage, reason, count in counted.iter_rows()
    )


def describe_rejects(rejects: pl.DataFrame) -> str:
    """Return how many rejects have each reason, and an example of the most common one.

    Of no rejects there is nothing to describe.
    """
    reasons = Counter(rejects.sort(REJECTS.key)["reason"].to_list()).most_common()
    counts = ", ".join(f"{reason} {count}" for reason, count in reasons)
    most_common = rejects.filter(pl.col("reason") == reasons[0][0])
    example = most_common.sort(REJECTS.key).row(0, named=True)
    return f"{counts}; such as {example['item_id']}: {example['detail']}"
