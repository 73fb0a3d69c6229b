"""The page on data: rows, views, rejects and scores of the stages, and their timings."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from asg_core.summary.inputs import Results
from asg_core.summary.pages.timings import read_timings, timings_sheet
from asg_core.summary.pages.views import ShownViews
from asg_core.summary.render import SummaryPage
from asg_core.summary.sheets.numbers import count_text, number_text
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    cells,
    missing_cell,
    number_columns,
    text_columns,
)
from asg_core.tables.catalog import TABLES
from asg_core.terms.stages import Stage
from asg_core.terms.targets import ALL

_COUNTS = ("rows", "rejects")
_STAGES = [stage.value for stage in Stage]
_ABOUT = {table.name: table.about for table in TABLES}


def data_page(results: Results, *, views: ShownViews | None) -> SummaryPage:
    """Return the page that says what each stage made, and how well.

    Args:
        results: The results that the pages show.
        views: What is said about views; None if there are no images.
    """
    return SummaryPage(
        name="data",
        label="Data",
        values={
            "rows": rows_sheet(results.stage_metrics),
            "views": views,
            "rejects": rejects_sheet(
                results.rejects, may_export_examples=results.may_export_examples
            ),
            "scores": scores_sheets(results.stage_metrics),
            "timings": timings_sheet(read_timings(results.inputs.timings)),
        },
    )


def rows_sheet(metrics: pl.DataFrame) -> Sheet | None:
    """Return how many rows every table has, in the order of the pipeline."""
    counts = table_rows(metrics)
    if not counts:
        return None
    known = [name for name in _ABOUT if name in counts]
    names = known + sorted(set(counts) - set(known))
    return Sheet(
        name="rows",
        caption="Rows of every table, all shards together.",
        columns=(
            *text_columns("Table"),
            *number_columns("Rows"),
            *text_columns("What a row is"),
        ),
        rows=tuple(
            cells([name, count_text(counts[name]), _ABOUT.get(name, "")])
            for name in names
        ),
    )


def table_rows(metrics: pl.DataFrame) -> dict[str, int]:
    """Return the number of rows of every counted table, from rows of STAGE_METRICS."""
    rows = metrics.filter((pl.col("metric") == "rows") & pl.col("value").is_not_null())
    return {target: int(value) for target, value in rows["target", "value"].iter_rows()}


def rejects_sheet(rejects: pl.DataFrame, *, may_export_examples: bool) -> Sheet | None:
    """Return how many items each stage could not use, and why.

    The first item and its detail are shown only where examples may be exported: they can
    hold ids and text.
    """
    if rejects.is_empty():
        return None
    groups = (
        rejects.sort("stage", "item_id")
        .group_by("stage", "reason", maintain_order=True)
        .agg(pl.len().alias("items"), pl.first("item_id"), pl.first("detail"))
        .sort("stage", "items", "reason", descending=[False, True, False])
    )
    columns = (*text_columns("Stage", "Reason"), *number_columns("Items"))
    if may_export_examples:
        columns += text_columns("The first of them")
    else:
        groups = groups.drop("item_id", "detail")
    rows = []
    for row in groups.iter_rows(named=True):
        texts = [row["stage"], row["reason"], count_text(row["items"])]
        if may_export_examples:
            texts.append(f"{row['item_id']}: {row['detail']}")
        rows.append(cells(texts))
    return Sheet(
        name="rejects",
        caption="What the stages could not use, by reason.",
        columns=columns,
        rows=tuple(rows),
        data=groups,
        num_row_heads=2,
    )


def rejects_by_stage(rejects: pl.DataFrame) -> dict[str, int]:
    """Return the number of rejected items of every stage that has some."""
    counted = rejects.group_by("stage").len().sort("stage")
    return dict(counted.iter_rows())


def scores_sheets(metrics: pl.DataFrame) -> list[tuple[Sheet, Sheet | None]]:
    """Return for each scored stage: its overall metrics, and those of single targets.

    Stages stand in the order of the pipeline. Counts are not scores, nor is what the
    synthetic world says about itself.
    """
    is_score = ~pl.col("metric").is_in(_COUNTS) & (
        pl.col("stage") != Stage.MAKE_SYNTHETIC
    )
    scores = metrics.filter(is_score).sort("stage", "metric", "target")
    stages = set(scores["stage"])
    known = [stage for stage in _STAGES if stage in stages]
    sheets = []
    for stage in known + sorted(stages - set(known)):
        rows = scores.filter(pl.col("stage") == stage)
        overall = rows.filter(pl.col("target") == ALL)
        single = rows.filter(pl.col("target") != ALL)
        sheets.append((_overall_sheet(stage, overall), _single_sheet(stage, single)))
    return sheets


def _overall_sheet(stage: str, rows: pl.DataFrame) -> Sheet:
    return Sheet(
        name=f"scores_{stage}",
        caption=f"{stage}: overall.",
        columns=(*text_columns("Metric"), *number_columns("Value", "Over")),
        rows=tuple(
            (
                Cell(text=row["metric"].replace("_", " ")),
                _value_cell(row["value"]),
                Cell(text=count_text(row["num_items"])),
            )
            for row in rows.iter_rows(named=True)
        ),
        data=rows,
    )


def _single_sheet(stage: str, rows: pl.DataFrame) -> Sheet | None:
    """Return one row per target and one column per metric."""
    if rows.is_empty():
        return None
    metrics = rows["metric"].unique(maintain_order=True).to_list()
    values = {(row["target"], row["metric"]): row for row in rows.iter_rows(named=True)}
    return Sheet(
        name=f"scores_{stage}_by_target",
        caption=f"{stage}: by target; below each value, the number of items it is over.",
        columns=(
            *text_columns("Target"),
            *number_columns(*(metric.replace("_", " ") for metric in metrics)),
        ),
        rows=tuple(
            (
                Cell(text=target),
                *(_supported_cell(values.get((target, metric))) for metric in metrics),
            )
            for target in rows["target"].unique().sort()
        ),
        data=rows,
    )


def _supported_cell(row: Mapping[str, Any] | None) -> Cell:
    """Return a value with what it is over; blank where a target has no such metric."""
    if row is None:
        return Cell(text="", is_muted=True)
    cell = _value_cell(row["value"])
    over = f"({count_text(row['num_items'])})"
    return Cell(text=cell.text, small=over, is_muted=cell.is_muted)


def _value_cell(value: float | None) -> Cell:
    if value is None:
        return missing_cell("undefined: there is nothing that it is over")
    return Cell(text=number_text(value))
