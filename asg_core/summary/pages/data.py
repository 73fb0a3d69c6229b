"""Rows, rejects, timings and stage scores -> sheets, and the picture of the pipeline."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from asg_core.summary.sheets.numbers import (
    MISSING,
    count_text,
    number_text,
    seconds_text,
)
from asg_core.summary.sheets.sheet import Cell, Column, Sheet, cells
from asg_core.tables.catalog import TABLES
from asg_core.terms.stages import Stage

_ALL = "all"
_COUNTS = ("rows", "rejects")
_OWN_RULE = "build_summary"
"""Its timing is of an earlier build of these very pages."""

_ABOUT = {table.name: table.about for table in TABLES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the jobs of one rule took."""

    rule: str
    num_jobs: int
    seconds: float  # of all jobs together
    longest: float  # seconds of the longest job
    memory_mb: float | None  # of the largest job; null where nobody measured it


def rows_sheet(metrics: pl.DataFrame) -> Sheet | None:
    """Return how many rows every table has, in the order of the pipeline."""
    counts = table_rows(metrics)
    if not counts:
        return None
    order = {table.name: index for index, table in enumerate(TABLES)}
    names = sorted(counts, key=lambda name: (order.get(name, len(order)), name))
    return Sheet(
        name="rows",
        caption="Rows of every table, all shards together.",
        columns=(
            Column(label="Table", is_number=False),
            Column(label="Rows"),
            Column(label="What a row is", is_number=False),
        ),
        rows=tuple(
            cells([name, count_text(counts[name]), _ABOUT.get(name, "")])
            for name in names
        ),
    )


def table_rows(metrics: pl.DataFrame) -> dict[str, int]:
    """Return the number of rows of every counted table."""
    rows = metrics.filter((pl.col("metric") == "rows") & pl.col("value").is_not_null())
    return {
        row["target"]: int(row["value"])
        for row in rows.sort("target").iter_rows(named=True)
    }


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
    columns = [
        Column(label="Stage", is_number=False),
        Column(label="Reason", is_number=False),
        Column(label="Items"),
    ]
    kept = ["stage", "reason", "items"]
    if may_export_examples:
        columns.append(Column(label="The first of them", is_number=False))
        kept += ["item_id", "detail"]
    rows = []
    for row in groups.iter_rows(named=True):
        texts = [row["stage"], row["reason"], count_text(row["items"])]
        if may_export_examples:
            texts.append(f"{row['item_id']}: {row['detail']}")
        rows.append(cells(texts))
    return Sheet(
        name="rejects",
        caption="What the stages could not use, by reason.",
        columns=tuple(columns),
        rows=tuple(rows),
        data=groups.select(kept),
        num_row_heads=2,
    )


def rejects_by_stage(rejects: pl.DataFrame) -> dict[str, int]:
    """Return the number of rejected items of every stage that has some."""
    counted = rejects.group_by("stage").len().sort("stage")
    return dict(counted.iter_rows())


def scores_sheets(metrics: pl.DataFrame) -> list[tuple[Sheet, Sheet | None]]:
    """Return for each scored stage: its overall metrics, and those of single targets."""
    is_score = ~pl.col("metric").is_in(_COUNTS) & (
        pl.col("stage") != Stage.MAKE_SYNTHETIC
    )
    scores = metrics.filter(is_score).sort("stage", "metric", "target")
    stages = scores["stage"].unique().sort().to_list()
    sheets = []
    for stage in sorted(stages, key=_place):
        rows = scores.filter(pl.col("stage") == stage)
        overall = rows.filter(pl.col("target") == _ALL)
        single = rows.filter(pl.col("target") != _ALL)
        sheets.append((_overall_sheet(stage, overall), _single_sheet(single)))
    return sheets


def read_timings(folder: Path | None) -> list[Timing]:
    """Return the time and memory of every rule, the slowest first.

    No folder, or one without files, gives no timings. Files that Snakemake did not fill
    ("NA") count as jobs without a number.
    """
    if folder is None or not folder.is_dir():
        return []
    jobs: dict[str, list[Mapping[str, str]]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0]
        if rule != _OWN_RULE:
            with path.open(encoding="utf-8", newline="") as stream:
                jobs.setdefault(rule, []).extend(csv.DictReader(stream, delimiter="\t"))
    timings = [_timing(rule, rows) for rule, rows in jobs.items()]
    return sorted(timings, key=lambda timing: (-timing.seconds, timing.rule))


def timings_sheet(timings: Sequence[Timing]) -> Sheet | None:
    """Return what the jobs of every rule took."""
    if not timings:
        return None
    rows = [
        cells(
            [
                timing.rule,
                count_text(timing.num_jobs),
                seconds_text(timing.seconds),
                seconds_text(timing.longest),
                None if timing.memory_mb is None else count_text(timing.memory_mb),
            ]
        )
        for timing in timings
    ]
    total = sum(timing.seconds for timing in timings)
    num_jobs = sum(timing.num_jobs for timing in timings)
    footer = ["all", count_text(num_jobs), seconds_text(total), "", ""]
    return Sheet(
        name="timings",
        caption="Time of the jobs of every rule, added up: jobs that ran side by side "
        "count one by one. Each is of the last time that the job ran.",
        columns=(
            Column(label="Rule", is_number=False),
            Column(label="Jobs"),
            Column(label="Time"),
            Column(label="Longest job"),
            Column(label="Peak memory, MB"),
        ),
        rows=tuple(rows),
        footer=cells(footer),
        data=pl.DataFrame(
            [
                {
                    "rule": timing.rule,
                    "jobs": timing.num_jobs,
                    "seconds": timing.seconds,
                    "longest_job_seconds": timing.longest,
                    "peak_memory_mb": timing.memory_mb,
                }
                for timing in timings
            ],
            infer_schema_length=None,
        ),
    )


def _place(stage: str) -> tuple[int, str]:
    """Return what stages are sorted by: the order of the pipeline, then the name."""
    order = [named.value for named in Stage]
    return order.index(stage) if stage in order else len(order), stage


def _overall_sheet(stage: str, rows: pl.DataFrame) -> Sheet:
    return Sheet(
        name=f"scores_{stage}",
        caption=f"{stage}: overall.",
        columns=(
            Column(label="Metric", is_number=False),
            Column(label="Value"),
            Column(label="Over"),
        ),
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


def _single_sheet(rows: pl.DataFrame) -> Sheet | None:
    """Return one row per target and one column per metric."""
    if rows.is_empty():
        return None
    stage = rows["stage"][0]
    metrics = rows["metric"].unique(maintain_order=True).to_list()
    values = {(row["target"], row["metric"]): row for row in rows.iter_rows(named=True)}
    targets = rows["target"].unique().sort().to_list()
    return Sheet(
        name=f"scores_{stage}_by_target",
        caption=f"{stage}: by target; below each value, the number of items it is over.",
        columns=(
            Column(label="Target", is_number=False),
            *(Column(label=metric.replace("_", " ")) for metric in metrics),
        ),
        rows=tuple(
            (
                Cell(text=target),
                *(_supported_cell(values.get((target, metric))) for metric in metrics),
            )
            for target in targets
        ),
        data=rows,
    )


def _supported_cell(row: Mapping[str, object] | None) -> Cell:
    if row is None:
        return Cell(text="", is_muted=True)
    cell = _value_cell(row["value"])
    over = f"({count_text(float(str(row['num_items'])))})"
    return Cell(text=cell.text, small=over, is_muted=cell.is_muted)


def _value_cell(value: object) -> Cell:
    if value is None:
        why = "undefined: there is nothing that it is over"
        return Cell(text=MISSING, why=why, is_muted=True)
    return Cell(text=number_text(float(str(value))))


def _timing(rule: str, rows: Sequence[Mapping[str, str]]) -> Timing:
    seconds = [number for row in rows if (number := _number(row.get("s"))) is not None]
    memory = [
        number for row in rows if (number := _number(row.get("max_rss"))) is not None
    ]
    return Timing(
        rule=rule,
        num_jobs=len(rows),
        seconds=sum(seconds),
        longest=max(seconds, default=0.0),
        memory_mb=max(memory, default=None),
    )


def _number(text: str | None) -> float | None:
    """Return the number in a field of a timing file; None for "NA" and "-"."""
    return None if text in (None, "", "NA", "-") else float(str(text))
