"""What the terminal says at the end of a run: the results, and the encoders that failed."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import polars as pl

from asg_core.evaluation.failed_encoders import (
    failed_evaluations,
    failure_sentence,
    read_failure,
    remove_failed,
)
from asg_core.summary.sheets.names import headline_metrics, metric_label
from asg_core.summary.sheets.numbers import fraction_text, plural_text
from asg_core.summary.sheets.scores import (
    Point,
    by_point,
    floor_texts,
    fractions_of,
    metrics_of,
    over_seeds,
    score_cell,
    split_by,
)
from asg_core.tables.catalog import METRICS
from asg_core.tables.schema import read_tables
from asg_core.terms.targets import ALL

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
        encoders: The encoders of the configuration, in its order.
        benchmarks: The benchmarks that they are evaluated on.
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
        metrics: Rows of METRICS.
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
    for (benchmark, _), rows in split_by(points, "benchmark", "protocol"):
        for metric in headline_metrics(benchmark, metrics_of(rows)):
            used = rows.filter(pl.col("metric") == metric)
            blocks.append(_block(used, encoders=order))
    head = "In %, with the 95 % bootstrap interval over the test patients in brackets."
    # Plain ASCII: a terminal may know nothing else.
    return "\n".join([head, *blocks, ""]).replace("\u2013", "-") + failed


def _block(rows: pl.DataFrame, *, encoders: Sequence[str]) -> str:
    """Return one metric of one benchmark under one protocol."""
    benchmark, protocol, metric = rows.select("benchmark", "protocol", "metric").row(0)
    num_items = max(round(count) for count in rows["num_items"])
    num_seeds = max(int(count) for count in rows["num_seeds"])
    title = (
        f"{benchmark}, {protocol}: {metric_label(metric)}, "
        f"{plural_text(num_items, 'test image')}, {plural_text(num_seeds, 'seed')}"
    )
    fractions = fractions_of(rows)
    points = by_point(rows)
    known = set(rows["encoder"])
    floors = floor_texts(rows, fractions=fractions)
    lines_of = [
        ("", [f"{fraction_text(fraction):>5}" for fraction in fractions]),
        *(
            (name, [_value(points.get((name, fraction))) for fraction in fractions])
            for name in encoders
            if name in known
        ),
        ("floor", [f"{text or '-':>5}" for text in floors]),
    ]
    width = max(len(text) for _, texts in lines_of for text in texts)
    name_width = min(max(len(name) for name, _ in lines_of), _NAME)
    num_shown = max((WIDTH - name_width - len(_GAP)) // (width + len(_GAP)), 1)
    lines = [title]
    for name, texts in lines_of:
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


def _value(row: Point | None) -> str:
    """Return "81.2 [79.0, 83.4]"; the spread over seeds is on the pages."""
    if row is None or row["value"] is None:
        return "    -"
    cell = score_cell({**row, "sd": None, "num_seeds": row["num_values"]})
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
