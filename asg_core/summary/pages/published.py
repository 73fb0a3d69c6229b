"""The page on published numbers: apart from ours, or beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from asg_core.evaluation.published import FOREIGN_SPLITS, read_published
from asg_core.summary.inputs import Results
from asg_core.summary.render import SummaryPage
from asg_core.summary.sheets.names import benchmark_label, metric_label
from asg_core.summary.sheets.numbers import percent_text
from asg_core.summary.sheets.scores import (
    by_point,
    floor_texts,
    fraction_cells,
    fraction_columns,
    over_seeds,
    seeds_note,
    split_by,
)
from asg_core.summary.sheets.sheet import Cell, Sheet, cells, text_columns
from asg_core.terms.targets import ALL

_OURS = "this run"
_KEYS = ("protocol", "benchmark", "metric", "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedGroup:
    """The published numbers of one protocol, a sheet per benchmark, metric and split."""

    protocol: str
    sheets: tuple[Sheet, ...]


def published_page(results: Results) -> SummaryPage:
    """Return the page with the numbers that papers have printed."""
    groups = published_groups(
        read_published(),
        metrics=results.metrics,
        encoders=results.encoders,
        is_synthetic=results.is_synthetic,
    )
    return SummaryPage(
        name="published", label="Published", values={"published": groups}
    )


def published_groups(
    published: pl.DataFrame,
    *,
    metrics: pl.DataFrame,
    encoders: Sequence[str],
    is_synthetic: bool,
) -> list[PublishedGroup]:
    """Return the published numbers by protocol; no numbers give no groups.

    Beside a synthetic corpus they are alone and complete: nothing there compares with
    them. Beside a real one only those stay that a result of ours compares with: one under
    the same protocol, on the same split of the same benchmark, of the same metric. Ours
    lead their table.

    Args:
        published: The columns method, benchmark, protocol, split, metric, fraction,
            value in [0, 1], note, source.
        metrics: Our results, as rows of METRICS.
        encoders: Our encoders, in the order of the rows.
        is_synthetic: Whether our results are of a synthetic corpus.
    """
    ours = over_seeds(metrics).filter(pl.col("target") == ALL)
    if is_synthetic:
        ours = ours.head(0)
    else:
        published = published.join(ours, on=_KEYS, how="semi")
    return [
        PublishedGroup(
            protocol=protocol,
            sheets=tuple(
                _sheet(
                    rows,
                    ours=ours.join(rows, on=_KEYS, how="semi"),
                    encoders=encoders,
                )
                for _, rows in split_by(of_protocol, *_KEYS)
            ),
        )
        for (protocol,), of_protocol in split_by(published, "protocol")
    ]


def _sheet(rows: pl.DataFrame, *, ours: pl.DataFrame, encoders: Sequence[str]) -> Sheet:
    """Return the numbers of one metric on one split, below ours where there are some."""
    protocol, benchmark, metric, split = rows.select(_KEYS).row(0)
    fractions = sorted({*rows["fraction"], *ours["fraction"]})
    floors = ["floor", *floor_texts(ours, fractions=fractions), _OURS]
    note = f" {_OURS.capitalize()}: {seeds_note(ours)}" if len(ours) else ""
    about = f" ({FOREIGN_SPLITS[split]})" if split in FOREIGN_SPLITS else ""
    points, known = by_point(ours), set(ours["encoder"])
    own_rows = [
        (
            Cell(text=encoder),
            *fraction_cells(points, encoder=encoder, fractions=fractions),
            Cell(text=_OURS),
        )
        for encoder in encoders
        if encoder in known
    ]
    return Sheet(
        name=f"published_{benchmark}_{protocol}_{metric}_{split}",
        caption=f"{benchmark_label(benchmark)}, {protocol}, split {split}{about}: "
        f"{metric_label(metric)}, in %.{note}",
        columns=(
            *text_columns("Method"),
            *fraction_columns(fractions),
            *text_columns("Source"),
        ),
        rows=(*own_rows, *_published_rows(rows, fractions=fractions)),
        footer=cells(floors) if own_rows else None,
        data=rows,
    )


def _published_rows(
    rows: pl.DataFrame, *, fractions: Sequence[float]
) -> list[tuple[Cell, ...]]:
    """Return one row per method and source; what a number depends on is a remark."""
    found = []
    for (method, source), values in rows.group_by(
        "method", "source", maintain_order=True
    ):
        printed = dict(values["fraction", "value"].iter_rows())
        texts = [
            percent_text(printed[fraction]) if fraction in printed else None
            for fraction in fractions
        ]
        notes = values["note"].unique(maintain_order=True).to_list()
        why = "; ".join(note for note in notes if note)
        found.append((Cell(text=str(method), why=why), *cells([*texts, str(source)])))
    return found
