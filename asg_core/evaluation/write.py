"""The files of one encoder on one benchmark: three tables and what they do not say."""

from pathlib import Path

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.attempt import FailedEncoder
from asg_core.evaluation.evaluate import EvaluationResult
from asg_core.files import write_json
from asg_core.tables.catalog import METRICS, SCORES, SEGMENTATION_SCORES, SPLITS
from asg_core.tables.schema import write_table


def write_evaluation(
    outcome: EvaluationResult | FailedEncoder,
    folder: Path,
    *,
    benchmark: Benchmark,
    encoder: str,
) -> EvaluationResult:
    """Write the tables and notes.json of an evaluation; return what the tables hold.

    Of an encoder that failed they hold nothing, and the notes say why.

    Args:
        outcome: What `evaluate` returned, or why it did not.
        folder: Where the files go.
        benchmark: What was evaluated on.
        encoder: Name of the encoder.
    """
    result = EvaluationResult() if isinstance(outcome, FailedEncoder) else outcome
    for schema in (SCORES, SEGMENTATION_SCORES, METRICS):
        frame = getattr(result, schema.name)
        write_table(frame, folder / f"{schema.name}.parquet", schema=schema)
    notes = {
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
    if isinstance(outcome, FailedEncoder):
        notes["failure"] = outcome.reason
    write_json(folder / "notes.json", notes)
    return result
