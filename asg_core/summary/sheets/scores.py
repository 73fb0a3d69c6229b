"""Scores over the seeds, and how one score is written."""

import polars as pl

from asg_core.summary.sheets.names import value_text
from asg_core.summary.sheets.numbers import MISSING
from asg_core.summary.sheets.sheet import Cell
from asg_core.tables.catalog import METRICS

ALL = "all"
"""The target that stands for all of them."""

Point = dict[str, object]
"""A row of `over_seeds`."""

_POINT = ["benchmark", "protocol", "encoder", "fraction", "metric", "target"]
_INTERVALS = "in brackets the 95 % bootstrap interval over the patients of the test set"


def over_seeds(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return METRICS with the seeds of a point joined into one row.

    `value`, `ci_low`, `ci_high` and `floor` are means over the seeds that have them, `sd`
    is the standard deviation (n - 1) of the values, null with fewer than two; `num_seeds`
    counts all seeds and `num_values` those with a value; the other numbers are means, too,
    and `reason` is the first that a seed gives.
    """
    means = ["value", "ci_low", "ci_high", "floor"]
    support = ["num_items", "num_positive", "num_train", "num_train_positive"]
    return (
        metrics.sort(METRICS.key)
        .group_by(_POINT, maintain_order=True)
        .agg(
            pl.col("value").std().alias("sd"),
            pl.len().alias("num_seeds"),
            pl.col("value").count().alias("num_values"),
            pl.col(means).mean(),
            # Of a fit that was not made the support is that of the whole test part.
            *(
                pl.coalesce(
                    pl.col(name).filter(pl.col("value").is_not_null()).mean(),
                    pl.col(name).mean(),
                )
                for name in support
            ),
            pl.col("reason").drop_nulls().first(),
            pl.col("split", "test_digest").first(),
        )
    )


def score_cell(row: Point | None, *, has_interval: bool = True) -> Cell:
    """Return a value with its spread over seeds and its interval, or a dash.

    The reason that METRICS gives goes below the table: why there is no value, or over how
    many targets a mean is.

    Args:
        row: A row of `over_seeds`; None where the point does not exist.
        has_interval: Whether the interval is wanted.
    """
    if row is None:
        return Cell(text=MISSING, why="not evaluated at this fraction", is_muted=True)
    if row["value"] is None:
        why = str(row["reason"] or "no reason was given")
        return Cell(text=MISSING, why=why, is_muted=True)
    metric = str(row["metric"])
    parts = []
    if row["sd"] is not None:
        parts.append(f"\u00b1 {value_text(metric, float(str(row['sd'])))}")
    if has_interval and row["ci_low"] is not None and row["ci_high"] is not None:
        low, high = (
            value_text(metric, float(str(row[key]))) for key in ("ci_low", "ci_high")
        )
        parts.append(f"[{low}, {high}]")
    if row["num_values"] != row["num_seeds"]:
        parts.append(f"({row['num_values']} of {row['num_seeds']} seeds)")
    text = value_text(metric, float(str(row["value"])))
    return Cell(text=text, small=" ".join(parts), why=str(row["reason"] or ""))


def floor_text(rows: pl.DataFrame, *, metric: str) -> str | None:
    """Return the floor of some points: one number, a range, None where none is known."""
    floors = rows["floor"].drop_nulls().to_list()
    if not floors:
        return None
    texts = [value_text(metric, edge) for edge in (min(floors), max(floors))]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]}\u2013{texts[1]}"


def seeds_note(rows: pl.DataFrame) -> str:
    """Return what a caption says about seeds and intervals; at least one row."""
    counts = sorted({int(count) for count in rows["num_seeds"]})
    if counts[-1] == 1:
        return f"One seed; {_INTERVALS}."
    seeds = " or ".join(str(count) for count in counts)
    return (
        f"Mean over {seeds} seeds \u00b1 standard deviation; {_INTERVALS}, its bounds "
        "averaged over the seeds."
    )


def metrics_of(rows: pl.DataFrame) -> list[str]:
    """Return the distinct metrics, sorted."""
    return [str(metric) for metric in rows["metric"].unique().sort()]


def by_point(rows: pl.DataFrame) -> dict[tuple[str, float], Point]:
    """Return the rows of one metric and target by encoder and fraction."""
    return {
        (row["encoder"], row["fraction"]): row for row in rows.iter_rows(named=True)
    }
