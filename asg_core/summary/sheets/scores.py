"""METRICS as the pages show them: joined over the seeds, one cell for each fraction."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from asg_core.summary.sheets.numbers import fraction_text, percent_text
from asg_core.summary.sheets.sheet import (
    Cell,
    SheetColumn,
    missing_cell,
    number_columns,
)
from asg_core.tables.catalog import METRICS

Point = Mapping[str, Any]
"""A row of `over_seeds`."""

_POINT = [name for name in METRICS.key if name != "seed"]
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
            pl.col("test_digest").first(),
        )
    )


def score_cell(point: Point | None) -> Cell:
    """Return a value with its spread over seeds and its interval, or a dash.

    The reason that METRICS gives goes below the table: why there is no value, or over how
    many targets a mean is.

    Args:
        point: A row of `over_seeds`; None where the point does not exist.
    """
    if point is None:
        return missing_cell("not evaluated at this fraction")
    if point["value"] is None:
        return missing_cell(point["reason"] or "no reason was given")
    parts = []
    if point["sd"] is not None:
        parts.append(f"\u00b1 {percent_text(point['sd'])}")
    if point["ci_low"] is not None and point["ci_high"] is not None:
        low, high = (percent_text(point[edge]) for edge in ("ci_low", "ci_high"))
        parts.append(f"[{low}, {high}]")
    if point["num_values"] != point["num_seeds"]:
        parts.append(f"({point['num_values']} of {point['num_seeds']} seeds)")
    return Cell(
        text=percent_text(point["value"]),
        small=" ".join(parts),
        why=point["reason"] or "",
    )


def by_point(rows: pl.DataFrame) -> dict[tuple[str, float], Point]:
    """Return the rows of one metric and target by encoder and fraction."""
    return {
        (row["encoder"], row["fraction"]): row for row in rows.iter_rows(named=True)
    }


def fractions_of(rows: pl.DataFrame) -> list[float]:
    """Return the distinct fractions, the smallest first."""
    return rows["fraction"].unique().sort().to_list()


def fraction_columns(fractions: Sequence[float]) -> tuple[SheetColumn, ...]:
    """Return a column of scores for each fraction of the labels."""
    return number_columns(*map(fraction_text, fractions))


def fraction_cells(
    points: Mapping[tuple[str, float], Point],
    *,
    encoder: str,
    fractions: Sequence[float],
) -> tuple[Cell, ...]:
    """Return the scores of one encoder, one cell for each fraction.

    Args:
        points: The points by encoder and fraction, as `by_point` returns them.
        encoder: The encoder.
        fractions: The fractions, in the order of the columns.
    """
    return tuple(score_cell(points.get((encoder, fraction))) for fraction in fractions)


def floor_text(rows: pl.DataFrame) -> str | None:
    """Return the floor of some points: one number, a range, None where none is known."""
    floors = rows["floor"].drop_nulls().to_list()
    if not floors:
        return None
    low, high = percent_text(min(floors)), percent_text(max(floors))
    return low if low == high else f"{low}\u2013{high}"


def floor_texts(rows: pl.DataFrame, *, fractions: Sequence[float]) -> list[str | None]:
    """Return the floor of the points at each fraction."""
    return [
        floor_text(rows.filter(pl.col("fraction") == fraction))
        for fraction in fractions
    ]


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


def split_by(
    rows: pl.DataFrame, *columns: str
) -> list[tuple[tuple[str, ...], pl.DataFrame]]:
    """Return the distinct values of some columns, sorted, each with its rows."""
    parts = rows.partition_by(columns, as_dict=True)
    return [(key, parts[key]) for key in sorted(parts)]


def metrics_of(rows: pl.DataFrame) -> list[str]:
    """Return the distinct metrics, sorted."""
    return [str(metric) for metric in rows["metric"].unique().sort()]
