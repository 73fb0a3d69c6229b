"""Numbers that papers have printed -> sheets, apart from ours or beside them."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import polars as pl

from asg_core.evaluation.published import FOREIGN_SPLITS
from asg_core.summary.sheets.names import benchmark_label, metric_label, value_text
from asg_core.summary.sheets.numbers import MISSING, fraction_text
from asg_core.summary.sheets.scores import (
    ALL,
    by_point,
    floor_text,
    over_seeds,
    score_cell,
    seeds_note,
)
from asg_core.summary.sheets.sheet import Cell, Column, Sheet

_OURS = "this run"
_KEYS = ("protocol", "benchmark", "metric")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedGroup:
    """The published numbers of one protocol, a sheet per benchmark, metric and split."""

    protocol: str
    sheets: tuple[Sheet, ...]


def published_groups(
    published: pl.DataFrame,
    *,
    metrics: pl.DataFrame,
    encoders: Sequence[str],
    is_synthetic: bool,
) -> list[PublishedGroup]:
    """Return the published numbers by protocol; no numbers give no groups.

    Beside a synthetic corpus they are alone and complete: nothing there compares with
    them. Beside a real one only those stay that have a result of ours under the same
    protocol on the same benchmark with the same metric. Where the split is the same too,
    ours lead the table; numbers on another split have a table of their own behind it.

    Args:
        published: With the columns method, benchmark, protocol, split, metric, fraction,
            value in [0, 1], note, source.
        metrics: Ours, in METRICS.
        encoders: Ours, in the order of the rows.
        is_synthetic: Whether ours are of a synthetic corpus.
    """
    ours = over_seeds(metrics).filter(pl.col("target") == ALL)
    if is_synthetic:
        ours = ours.head(0)
    else:
        published = published.join(ours, on=_KEYS, how="semi")
    found: dict[str, list[Sheet]] = {}
    for (protocol, *_), rows in published.sort(*_KEYS, maintain_order=True).group_by(
        _KEYS, maintain_order=True
    ):
        found.setdefault(str(protocol), []).extend(
            _sheets(rows, ours=ours, encoders=encoders)
        )
    return [
        PublishedGroup(protocol=protocol, sheets=tuple(sheets))
        for protocol, sheets in found.items()
    ]


def _sheets(
    rows: pl.DataFrame, *, ours: pl.DataFrame, encoders: Sequence[str]
) -> list[Sheet]:
    """Return a sheet for each split of one metric; the one of our split comes first."""
    same_metric = ours.join(rows, on=_KEYS, how="semi")
    own_splits = set(same_metric["split"])
    by_split = {
        str(split): of_split
        for (split,), of_split in rows.group_by("split", maintain_order=True)
    }
    return [
        _sheet(
            by_split[split],
            ours=same_metric.filter(pl.col("split") == split),
            encoders=encoders,
            others=own_splits - {split},
        )
        for split in sorted(
            by_split, key=lambda split: (split not in own_splits, split)
        )
    ]


def _sheet(
    rows: pl.DataFrame,
    *,
    ours: pl.DataFrame,
    encoders: Sequence[str],
    others: Set[str],
) -> Sheet:
    """Return the numbers of one split; `others` are the splits that ours are of else."""
    first = rows.row(0, named=True)
    protocol, benchmark, metric, split = (str(first[key]) for key in (*_KEYS, "split"))
    fractions = sorted({*rows["fraction"], *ours["fraction"]})
    footer = None
    if len(ours):
        floors = [
            floor_text(ours.filter(pl.col("fraction") == fraction), metric=metric)
            for fraction in fractions
        ]
        footer = (
            Cell(text="floor"),
            *(Cell(text=text or MISSING) for text in floors),
            Cell(text=_OURS),
        )
    note = f" {_OURS.capitalize()}: {seeds_note(ours)}" if len(ours) else ""
    if others:
        note = (
            f" Not comparable with ours: {_OURS} is on {', '.join(sorted(others))}, and "
            "other images give other numbers."
        )
    about = f" ({FOREIGN_SPLITS[split]})" if split in FOREIGN_SPLITS else ""
    return Sheet(
        name=f"published_{benchmark}_{protocol}_{metric}_{split}",
        caption=f"{benchmark_label(benchmark)}, {protocol}, split {split}{about}: "
        f"{metric_label(metric)}, in %.{note}",
        columns=(
            Column(label="Method", is_number=False),
            *(Column(label=fraction_text(fraction)) for fraction in fractions),
            Column(label="Source", is_number=False),
        ),
        rows=(
            *_own_rows(ours, encoders=encoders, fractions=fractions),
            *_published_rows(rows, fractions=fractions),
        ),
        footer=footer,
        data=rows,
    )


def _own_rows(
    ours: pl.DataFrame, *, encoders: Sequence[str], fractions: Sequence[float]
) -> list[tuple[Cell, ...]]:
    points = by_point(ours)
    known = set(ours["encoder"])
    return [
        (
            Cell(text=encoder),
            *(score_cell(points.get((encoder, fraction))) for fraction in fractions),
            Cell(text=_OURS),
        )
        for encoder in encoders
        if encoder in known
    ]


def _published_rows(
    rows: pl.DataFrame, *, fractions: Sequence[float]
) -> list[tuple[Cell, ...]]:
    """Return one row per method and source; what a number depends on is a remark."""
    found = []
    for (method, source), values in rows.group_by(
        "method", "source", maintain_order=True
    ):
        percent = {
            row["fraction"]: value_text(row["metric"], row["value"])
            for row in values.iter_rows(named=True)
        }
        notes = values["note"].unique(maintain_order=True).to_list()
        found.append(
            (
                Cell(text=str(method), why="; ".join(note for note in notes if note)),
                *(
                    Cell(
                        text=percent.get(fraction, MISSING),
                        is_muted=fraction not in percent,
                    )
                    for fraction in fractions
                ),
                Cell(text=str(source)),
            )
        )
    return found
