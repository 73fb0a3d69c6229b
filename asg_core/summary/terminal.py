"""What the terminal says at the end of a run: the results, and the encoders that failed."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import polars as pl

from asg_core.evaluation.failures import (
    failed_evaluations,
    failure_sentence,
    read_failure,
    remove_failed,
)
from asg_core.summary.sheets.names import headline_metrics, metric_label
from asg_core.summary.sheets.numbers import fraction_text, plural_text
from asg_core.summary.sheets.scores import (
    ALL,
    Point,
    by_point,
    floor_text,
    over_seeds,
    score_cell,
)
from asg_core.tables.catalog import METRICS
from asg_core.tables.schema import read_tables

WIDTH = 110
_NAME = 26
_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """What a person at the terminal is told."""

    text: str
    """The results of every encoder that has some, and the reasons of the others."""

    failure: str | None
    """Which encoders failed; None where none did."""


def end_evaluation(
    results: Path, *, encoders: Sequence[str], benchmarks: Sequence[str]
) -> RunEnd:
    """Return the results of all encoders, and forget those that failed.

    Args:
        results: Folder results/<corpus>.
        encoders: That the configuration evaluates, in its order.
        benchmarks: That they are evaluated on.
    """
    folders = _folders(results, encoders=encoders, benchmarks=benchmarks).values()
    files = [folder / "metrics.parquet" for folder in folders]
    metrics = read_tables([path for path in files if path.exists()], schema=METRICS)
    failed = forget_failures(results, encoders=encoders, benchmarks=benchmarks)
    sentence = failure_sentence(failed, num_encoders=len(encoders))
    return RunEnd(
        text=results_table(metrics, encoders=encoders, failures=failed),
        failure=sentence if failed else None,
    )


def told_failures(
    results: Path, *, encoders: Sequence[str], benchmarks: Sequence[str]
) -> str:
    """Return what `forget_failures` does as text; empty where nothing failed."""
    failed = forget_failures(results, encoders=encoders, benchmarks=benchmarks)
    return "".join(failure_paragraph(*key, reason) for key, reason in failed.items())


def forget_failures(
    results: Path, *, encoders: Sequence[str], benchmarks: Sequence[str]
) -> dict[tuple[str, str], str]:
    """Remove what stands in the place of results; return why, by encoder and benchmark.

    The arguments are those of `end_evaluation`.
    """
    folders = _folders(results, encoders=encoders, benchmarks=benchmarks)
    failed = failed_evaluations(list(folders.values()))
    for (encoder, benchmark), folder in folders.items():
        features = results / "features" / encoder / f"{benchmark}.safetensors"
        # A run that was asked for features only has no notes that tell of a failure.
        reason = read_failure(features) if features.exists() else None
        if reason is not None:
            failed.setdefault((encoder, benchmark), reason)
        if (encoder, benchmark) in failed:
            remove_failed(folder, features=features)
    return failed


def results_table(
    metrics: pl.DataFrame,
    *,
    encoders: Sequence[str] = (),
    failures: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """Return the headline metrics of every benchmark and protocol, at most 110 wide.

    Values are in percent, means over the seeds, with the 95 % interval in brackets. Where
    the fractions do not fit, the largest are shown and the others counted. No rows give
    one sentence.

    Args:
        metrics: In METRICS.
        encoders: The order of the rows; encoders that it does not name follow by name.
        failures: Encoder and benchmark -> why there is no result; said below the table.
    """
    failed = "".join(
        failure_paragraph(encoder, benchmark, reason)
        for (encoder, benchmark), reason in (failures or {}).items()
    )
    points = over_seeds(metrics).filter(pl.col("target") == ALL)
    if points.is_empty():
        return f"No encoder was evaluated.\n{failed}"
    names = points["encoder"].unique().sort().to_list()
    order = [name for name in encoders if name in names]
    order += [name for name in names if name not in order]
    blocks = []
    for _, rows in points.sort("benchmark", "protocol", maintain_order=True).group_by(
        "benchmark", "protocol", maintain_order=True
    ):
        known = [str(name) for name in rows["metric"].unique().sort()]
        for metric in headline_metrics(str(rows["benchmark"][0]), known):
            used = rows.filter(pl.col("metric") == metric)
            blocks.append(_block(used, metric=metric, encoders=order))
    head = "In %, with the 95 % bootstrap interval over the test patients in brackets."
    # Plain ASCII: a terminal may know nothing else.
    return "\n".join([head, *blocks, ""]).replace("\u2013", "-") + failed


def _block(rows: pl.DataFrame, *, metric: str, encoders: Sequence[str]) -> str:
    """Return one metric of one benchmark under one protocol."""
    first = rows.row(0, named=True)
    num_items = max(round(count) for count in rows["num_items"])
    num_seeds = max(int(count) for count in rows["num_seeds"])
    title = (
        f"{first['benchmark']}, {first['protocol']}: {metric_label(metric)}, "
        f"{plural_text(num_items, 'test image')}, {plural_text(num_seeds, 'seed')}"
    )
    fractions = rows["fraction"].unique().sort().to_list()
    points = by_point(rows)
    known = set(rows["encoder"])
    body = {
        encoder: [_value(points.get((encoder, fraction))) for fraction in fractions]
        for encoder in encoders
        if encoder in known
    }
    body["floor"] = [
        f"{_floor(rows, fraction, metric=metric):>5}" for fraction in fractions
    ]
    head = [f"{fraction_text(fraction):>5}" for fraction in fractions]
    width = max(len(text) for texts in [head, *body.values()] for text in texts)
    name_width = min(max(len(name) for name in body), _NAME)
    num_shown = max((WIDTH - name_width - len(_GAP)) // (width + len(_GAP)), 1)
    lines = [title]
    for name, texts in {"": head, **body}.items():
        shown = "".join(f"{_GAP}{text:<{width}}" for text in texts[-num_shown:])
        lines.append(f"{_GAP}{_cut(name, name_width)}{shown}".rstrip())
    if num_shown < len(fractions):
        left = plural_text(len(fractions) - num_shown, "smaller fraction")
        lines.append(f"{_GAP}({left} not shown)")
    return "\n" + "\n".join(lines)


def failure_paragraph(encoder: str, benchmark: str, reason: str) -> str:
    """Return a paragraph about an encoder that failed; paths in it stay whole."""
    text = f"FAILED: {encoder} on {benchmark}: {reason}"
    lines = textwrap.wrap(
        text,
        width=WIDTH,
        subsequent_indent=_GAP,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n" + "\n".join(lines) + "\n"


def _floor(rows: pl.DataFrame, fraction: float, *, metric: str) -> str:
    points = rows.filter(pl.col("fraction") == fraction)
    return floor_text(points, metric=metric) or "-"


def _value(row: Point | None) -> str:
    """Return "81.2 [79.0, 83.4]"; the spread over seeds is on the pages."""
    if row is None or row["value"] is None:
        return "    -"
    cell = score_cell(row | {"sd": None, "num_seeds": row["num_values"]})
    return f"{cell.text:>5} {cell.small}".rstrip()


def _cut(name: str, width: int) -> str:
    """Return a name in exactly so many letters."""
    return name.ljust(width) if len(name) <= width else f"{name[: width - 2]}.."


def _folders(
    results: Path, *, encoders: Sequence[str], benchmarks: Sequence[str]
) -> dict[tuple[str, str], Path]:
    return {
        (encoder, benchmark): results / "evaluation" / encoder / benchmark
        for encoder, benchmark in product(encoders, benchmarks)
    }
