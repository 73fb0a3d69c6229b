"""The first page: what was made, the headline results, and where they come from."""

from collections.abc import Sequence

import polars as pl

from asg_core.summary.inputs import Results
from asg_core.summary.pages.benchmarks.notes import failures_sheet
from asg_core.summary.pages.data import rejects_by_stage, table_rows
from asg_core.summary.pages.origin import (
    code_sheet,
    config_yaml,
    origin_facts,
    versions_sheet,
)
from asg_core.summary.pages.pipeline import draw_pipeline
from asg_core.summary.pages.views import ShownViews
from asg_core.summary.render import SummaryPage
from asg_core.summary.sheets.names import (
    benchmark_label,
    headline_metrics,
    metric_label,
)
from asg_core.summary.sheets.numbers import fraction_text
from asg_core.summary.sheets.scores import (
    floor_text,
    metrics_of,
    over_seeds,
    score_cell,
    seeds_note,
    split_by,
)
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    cells,
    missing_cell,
    number_columns,
    text_columns,
)
from asg_core.terms.targets import ALL


def overview_page(
    results: Results, *, views: ShownViews | None, commit: str | None
) -> SummaryPage:
    """Return the page that says what there is and how good it is, in one look.

    Args:
        results: The results that the pages show.
        views: What is said about views; None if there are no images.
        commit: The commit of this code, where it is known.
    """
    encoders = results.encoders
    evaluated = {*results.metrics["benchmark"], *(n.benchmark for n in results.notes)}
    return SummaryPage(
        name="index",
        label="Overview",
        values={
            "steps": draw_pipeline(
                rows=table_rows(results.stage_metrics),
                rejects=rejects_by_stage(results.rejects),
                num_runs=len(results.runs),
                num_encoders=len(encoders),
                num_benchmarks=len(evaluated),
            ),
            "views_text": "" if views is None else views.text,
            "is_warned": views is not None and views.is_warned,
            "overview": overview_sheets(results.metrics, encoders=encoders),
            "failures": failures_sheet(results.notes),
            "facts": origin_facts(results, commit=commit),
            "versions_sheet": versions_sheet(),
            "code_sheet": code_sheet(results.inputs.code_digests),
            "config_yaml": config_yaml(results.config),
        },
    )


def overview_sheets(metrics: pl.DataFrame, *, encoders: Sequence[str]) -> list[Sheet]:
    """Return one sheet per protocol: encoders by benchmarks, at its largest fraction.

    Args:
        metrics: Rows of METRICS.
        encoders: All encoders, in the order of the rows.
    """
    points = over_seeds(metrics).filter(pl.col("target") == ALL)
    sheets = []
    for _, of_protocol in split_by(points, "protocol"):
        rows = of_protocol.filter(pl.col("fraction") == pl.col("fraction").max())
        keys = [
            (benchmark, metric)
            for (benchmark,), part in split_by(rows, "benchmark")
            for metric in headline_metrics(benchmark, metrics_of(part))
        ]
        used = [name for name in encoders if name in set(rows["encoder"])]
        if keys:
            sheets.append(_overview_sheet(rows, keys=keys, encoders=used))
    return sheets


def _overview_sheet(
    rows: pl.DataFrame, *, keys: Sequence[tuple[str, str]], encoders: Sequence[str]
) -> Sheet:
    """Return the points of one protocol and fraction, a column for each of `keys`."""
    values = {
        (row["encoder"], row["benchmark"], row["metric"]): row
        for row in rows.iter_rows(named=True)
    }

    def cell(encoder: str, key: tuple[str, str]) -> Cell:
        point = values.get((encoder, *key))
        missing = missing_cell("no result; see the page on benchmarks")
        return missing if point is None else score_cell(point)

    is_shown = [
        (pl.col("benchmark") == benchmark) & (pl.col("metric") == metric)
        for benchmark, metric in keys
    ]
    protocol, fraction = rows["protocol"][0], rows["fraction"][0]
    labels = f"{fraction_text(fraction)} of labels" if fraction else "without labels"
    return Sheet(
        name=f"overview_{protocol}",
        caption=f"{protocol}, {labels}, in %. {seeds_note(rows)}",
        columns=(
            *text_columns("Encoder"),
            *number_columns(
                *(
                    f"{benchmark_label(benchmark)} {metric_label(metric)}"
                    for benchmark, metric in keys
                )
            ),
        ),
        rows=tuple(
            (Cell(text=encoder), *(cell(encoder, key) for key in keys))
            for encoder in encoders
        ),
        footer=cells(["floor", *(floor_text(rows.filter(one)) for one in is_shown)]),
        data=rows.filter(pl.any_horizontal(is_shown)),
    )
