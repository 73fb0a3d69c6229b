"""Snakemake's benchmark files -> what the jobs of every rule took."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from asg_core.summary.sheets.numbers import count_text, seconds_text
from asg_core.summary.sheets.sheet import Sheet, cells, number_columns, text_columns
from asg_core.terms.stages import Stage
from asg_core.terms.targets import ALL

_OWN_RULE = Stage.BUILD_SUMMARY
"""Its timing is of an earlier build of these very pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the jobs of one rule took."""

    rule: str
    num_jobs: int
    seconds: float  # of all jobs together
    longest: float  # seconds of the longest job
    memory_mb: float | None  # of the largest job; null where nobody measured it


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
    """Return what the jobs of every rule took; None where nothing was timed."""
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
    total = seconds_text(sum(timing.seconds for timing in timings))
    num_jobs = count_text(sum(timing.num_jobs for timing in timings))
    return Sheet(
        name="timings",
        caption="Time of the jobs of every rule, added up: jobs that ran side by side "
        "count one by one. Each is of the last time that the job ran.",
        columns=(
            *text_columns("Rule"),
            *number_columns("Jobs", "Time", "Longest job", "Peak memory, MB"),
        ),
        rows=tuple(rows),
        footer=cells([ALL, num_jobs, total, "", ""]),
        data=pl.DataFrame(
            {
                "rule": [timing.rule for timing in timings],
                "jobs": [timing.num_jobs for timing in timings],
                "seconds": [timing.seconds for timing in timings],
                "longest_job_seconds": [timing.longest for timing in timings],
                "peak_memory_mb": [timing.memory_mb for timing in timings],
            }
        ),
    )


def _timing(rule: str, rows: Sequence[Mapping[str, str]]) -> Timing:
    seconds, memory = (
        [float(row[key]) for row in rows if row.get(key, "") not in ("", "NA", "-")]
        for key in ("s", "max_rss")
    )
    return Timing(
        rule=rule,
        num_jobs=len(rows),
        seconds=sum(seconds),
        longest=max(seconds, default=0.0),
        memory_mb=max(memory, default=None),
    )
