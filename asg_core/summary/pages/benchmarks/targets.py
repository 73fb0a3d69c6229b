"""The longer tables of a benchmark under a protocol: targets, and further metrics."""

from collections.abc import Sequence

import polars as pl

from asg_core.summary.sheets.names import benchmark_label, metric_label
from asg_core.summary.sheets.numbers import MISSING, count_text
from asg_core.summary.sheets.scores import (
    by_point,
    floor_texts,
    fraction_cells,
    fraction_columns,
    fractions_of,
    seeds_note,
    split_by,
)
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    cells,
    number_columns,
    text_columns,
)
from asg_core.terms.targets import ALL


def target_sheet(
    rows: pl.DataFrame, *, metrics: Sequence[str], encoders: Sequence[str]
) -> Sheet | None:
    """Return the headline metrics of single targets, with positives and floors.

    Args:
        rows: The points of one benchmark under one protocol.
        metrics: The headline metrics.
        encoders: The encoders, in the order of the rows.
    """
    used = rows.filter(pl.col("metric").is_in(metrics) & (pl.col("target") != ALL))
    if used.is_empty():
        return None
    fractions = fractions_of(used)
    body: list[tuple[Cell, ...]] = []
    for _, points in split_by(used, "target", "metric"):
        head = _target_head(points, fractions=fractions)
        body += _rows(points, head=head, encoders=encoders, fractions=fractions)
    benchmark, protocol = used.select("benchmark", "protocol").row(0)
    return Sheet(
        name=f"targets_{benchmark}_{protocol}",
        caption=f"{benchmark_label(benchmark)}, {protocol}: each target. Positives are "
        "test images; training positives are for the fractions from left to right, "
        f"means over the seeds. {seeds_note(used)}",
        columns=(
            *text_columns("Target", "Metric"),
            *number_columns("Positives", "Training positives"),
            *text_columns("Encoder"),
            *fraction_columns(fractions),
            *number_columns("Floor"),
        ),
        rows=tuple(body),
        data=used,
    )


def other_sheet(
    rows: pl.DataFrame, *, without: Sequence[str], encoders: Sequence[str]
) -> Sheet | None:
    """Return all metrics over all targets but the headline metrics.

    Args:
        rows: The points of one benchmark under one protocol.
        without: The headline metrics, which have tables of their own.
        encoders: The encoders, in the order of the rows.
    """
    used = rows.filter(~pl.col("metric").is_in(without) & (pl.col("target") == ALL))
    if used.is_empty():
        return None
    fractions = fractions_of(used)
    body: list[tuple[Cell, ...]] = []
    for (metric,), points in split_by(used, "metric"):
        head = cells([metric_label(metric)])
        body += _rows(points, head=head, encoders=encoders, fractions=fractions)
    benchmark, protocol = used.select("benchmark", "protocol").row(0)
    return Sheet(
        name=f"other_{benchmark}_{protocol}",
        caption=f"{benchmark_label(benchmark)}, {protocol}: further metrics over all "
        f"targets. {seeds_note(used)}",
        columns=(
            *text_columns("Metric", "Encoder"),
            *fraction_columns(fractions),
            *number_columns("Floor"),
        ),
        rows=tuple(body),
        data=used,
        num_row_heads=2,
    )


def _rows(
    points: pl.DataFrame,
    *,
    head: tuple[Cell, ...],
    encoders: Sequence[str],
    fractions: Sequence[float],
) -> list[tuple[Cell, ...]]:
    """Return one row per encoder; `head` begins the first of them, blanks the others."""
    at = by_point(points)
    floor = Cell(text=_joined(floor_texts(points, fractions=fractions)))
    known = [name for name in encoders if name in set(points["encoder"])]
    return [
        (
            *(head if encoder == known[0] else (Cell(text=""),) * len(head)),
            Cell(text=encoder),
            *fraction_cells(at, encoder=encoder, fractions=fractions),
            floor,
        )
        for encoder in known
    ]


def _target_head(
    points: pl.DataFrame, *, fractions: Sequence[float]
) -> tuple[Cell, ...]:
    """Return the target, the metric, and the positives of test and training images."""
    first = points.row(0, named=True)
    positives = points["num_positive"].drop_nulls()
    trained = [
        points.filter(pl.col("fraction") == fraction)["num_train_positive"]
        .drop_nulls()
        .to_list()
        for fraction in fractions
        if fraction > 0
    ]
    means = [
        f"{sum(counts) / len(counts):.4g}" if counts else MISSING for counts in trained
    ]
    return (
        Cell(text=first["target"]),
        Cell(text=metric_label(first["metric"])),
        Cell(
            text=MISSING if positives.is_empty() else count_text(max(positives)),
            small=f"of {count_text(max(points['num_items']))}",
        ),
        Cell(text=" / ".join(means) or MISSING),
    )


def _joined(floors: Sequence[str | None]) -> str:
    """Return one floor where it is the same at every fraction, else one for each."""
    texts = [text or MISSING for text in floors]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)
