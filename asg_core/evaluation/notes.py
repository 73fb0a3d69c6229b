"""What the metrics of an encoder on a benchmark do not say, as plain values."""

from typing import Any

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.evaluate import EvaluationResult
from asg_core.tables.catalog import SPLITS


def describe_evaluation(
    result: EvaluationResult,
    *,
    benchmark: Benchmark,
    encoder: str,
    failure: str | None = None,
) -> dict[str, Any]:
    """Return what notes.json holds: the split, images of each part, what was left out.

    Args:
        result: What `evaluate` returned.
        benchmark: What was evaluated on.
        encoder: Name of the encoder.
        failure: Why there is no result at all, where the encoder failed.
    """
    values = {
        "benchmark": benchmark.name,
        "encoder": encoder,
        "split": benchmark.split,
        "recipe": benchmark.recipe,
        "counts": {split: len(benchmark.part(split)) for split in SPLITS},
        "overlaps": benchmark.overlaps,
        "not_applicable": [list(pair) for pair in result.not_applicable],
        "notes": [
            *(f"{name}: {value}" for name, value in benchmark.notes.items()),
            *result.notes,
        ],
    }
    return values if failure is None else values | {"failure": failure}
