"""The longer tables of a benchmark under a protocol: targets, and further metrics."""

from collections.abc import Sequence

import polars as pl

from asg_core.summary.sheets.names import benchmark_label, metric_label
from asg_core.summary.sheets.numbers import MISSING, count_text, fraction_text
from asg_core.summary.sheets.scores import (
    ALL,
    by_point,
    floor_text,
    metrics_of,
    score_cell,
    seeds_note,
)
from asg_core.summary.sheets.sheet import Cell, Column, Sheet


def target_sheet(
    rows: pl.DataFrame, *, metrics: Sequence[str], encoders: Sequence[str]
) -> Sheet | None:
    """Return the headline metrics of single targets, with positives and floors."""
    used = rows.filter(pl.col("metric").is_in(metrics) & (pl.col("target") != ALL))
    if used.is_empty():
        return None
    fractions = used["fraction"].unique().sort().to_list()
    body: list[tuple[Cell, ...]] = []
    for (_, metric), points in used.sort(
        "target", "metric", maintain_order=True
    ).group_by("target", "metric", maintain_order=True):
        points_at = by_point(points)
        known = [name for name in encoders if name in set(points["encoder"])]
        for encoder in known:
            is_first = encoder == known[0]
            head = _target_head(points, fractions=fractions) if is_first else None
            body.append(
                (
                    *(head or (Cell(text=""),) * 4),
                    Cell(text=encoder),
                    *(
                        score_cell(points_at.get((encoder, fraction)))
                        for fraction in fractions
                    ),
                    Cell(
                        text=_floors_text(
                            points, fractions=fractions, metric=str(metric)
                        )
                    ),
                )
            )
    first = used.row(0, named=True)
    return Sheet(
        name=f"targets_{first['benchmark']}_{first['protocol']}",
        caption=f"{benchmark_label(first['benchmark'])}, {first['protocol']}: each target. Positives are "
        "test images; training positives are for the fractions from left to right, "
        f"means over the seeds. {seeds_note(used)}",
        columns=(
            Column(label="Target", is_number=False),
            Column(label="Metric", is_number=False),
            Column(label="Positives"),
            Column(label="Training positives"),
            Column(label="Encoder", is_number=False),
            *(Column(label=fraction_text(fraction)) for fraction in fractions),
            Column(label="Floor"),
        ),
        rows=tuple(body),
        data=used,
    )


def _target_head(
    points: pl.DataFrame, *, fractions: Sequence[float]
) -> tuple[Cell, Cell, Cell, Cell]:
    first = points.row(0, named=True)
    positives = points["num_positive"].max()
    total = count_text(float(str(points["num_items"].max())))
    trained = [
        points.filter(pl.col("fraction") == fraction)["num_train_positive"].mean()
        for fraction in fractions
        if fraction > 0
    ]
    texts = [
        MISSING if value is None else f"{float(str(value)):.4g}" for value in trained
    ]
    return (
        Cell(text=str(first["target"])),
        Cell(text=metric_label(str(first["metric"]))),
        Cell(
            text=MISSING if positives is None else count_text(float(str(positives))),
            small=f"of {total}",
        ),
        Cell(text=" / ".join(texts) or MISSING),
    )


def _floors_text(
    points: pl.DataFrame, *, fractions: Sequence[float], metric: str
) -> str:
    """Return one floor where it is the same at every fraction, else one for each."""
    texts = [
        floor_text(points.filter(pl.col("fraction") == fraction), metric=metric)
        or MISSING
        for fraction in fractions
    ]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def other_sheet(
    rows: pl.DataFrame, *, without: Sequence[str], encoders: Sequence[str]
) -> Sheet | None:
    """Return all further metrics over all targets."""
    used = rows.filter(~pl.col("metric").is_in(without) & (pl.col("target") == ALL))
    if used.is_empty():
        return None
    fractions = used["fraction"].unique().sort().to_list()
    body = []
    for metric in metrics_of(used):
        points = used.filter(pl.col("metric") == metric)
        points_at = by_point(points)
        known = [name for name in encoders if name in set(points["encoder"])]
        floor = Cell(text=_floors_text(points, fractions=fractions, metric=metric))
        body += [
            (
                Cell(text=metric_label(metric) if encoder == known[0] else ""),
                Cell(text=encoder),
                *(
                    score_cell(points_at.get((encoder, fraction)))
                    for fraction in fractions
                ),
                floor,
            )
            for encoder in known
        ]
    first = used.row(0, named=True)
    return Sheet(
        name=f"other_{first['benchmark']}_{first['protocol']}",
        caption=f"{benchmark_label(first['benchmark'])}, {first['protocol']}: further metrics over all "
        f"targets. {seeds_note(used)}",
        columns=(
            Column(label="Metric", is_number=False),
            Column(label="Encoder", is_number=False),
            *(Column(label=fraction_text(fraction)) for fraction in fractions),
            Column(label="Floor"),
        ),
        rows=tuple(body),
        data=used,
        num_row_heads=2,
    )
