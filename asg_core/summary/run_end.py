"""The end of a run that evaluates: its results on the terminal, and what failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from asg_core.evaluation.failures import (
    failed_evaluations,
    failure_sentence,
    read_failure,
    remove_failed,
)
from asg_core.summary.text import failure_paragraph, results_table
from asg_core.tables.catalog import METRICS
from asg_core.tables.schema import read_tables


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


def _folders(
    results: Path, *, encoders: Sequence[str], benchmarks: Sequence[str]
) -> dict[tuple[str, str], Path]:
    return {
        (encoder, benchmark): results / "evaluation" / encoder / benchmark
        for encoder, benchmark in product(encoders, benchmarks)
    }
