import json
from dataclasses import replace
from pathlib import Path

from asg_core.evaluation.attempt import FailedEncoder
from asg_core.evaluation.evaluate import EvaluationResult
from asg_core.evaluation.write import write_evaluation
from asg_core.tables.catalog import METRICS, SCORES, SEGMENTATION_SCORES
from asg_core.tables.schema import read_table
from support.small_evaluation import labelled, small_discs

BENCHMARK = labelled(small_discs(train=3, validate=1, test=2), ("Mass",))
METRIC = {
    "benchmark": "nih",
    "split": "by hand",
    "protocol": "linear-cached",
    "encoder": "full",
    "fraction": 1.0,
    "seed": 0,
    "metric": "auc",
    "target": "Mass",
    "value": 0.75,
    "num_items": 2,
    "num_train": 3,
    "test_digest": BENCHMARK.test_digest,
}


def _tables(folder: Path) -> list[int]:
    return [
        len(read_table(folder / f"{schema.name}.parquet", schema=schema))
        for schema in (SCORES, SEGMENTATION_SCORES, METRICS)
    ]


def test_a_result_has_its_tables_and_what_they_do_not_say(tmp_path: Path) -> None:
    result = EvaluationResult(
        metrics=METRICS.frame([METRIC]),
        not_applicable=(("zero-shot-tags", "no text side"),),
        notes=("mgca-linear: 2 numbers are trained",),
    )

    benchmark = replace(BENCHMARK, recipe="by hand, all", notes={"extra_images": 2})

    returned = write_evaluation(result, tmp_path, benchmark=benchmark, encoder="full")

    assert returned is result
    assert _tables(tmp_path) == [0, 0, 1]
    assert json.loads((tmp_path / "notes.json").read_text()) == {
        "benchmark": "nih",
        "encoder": "full",
        "split": "by hand",
        "recipe": "by hand, all",
        "counts": {"train": 3, "validate": 1, "test": 2},
        "overlaps": BENCHMARK.overlaps,
        "not_applicable": [["zero-shot-tags", "no text side"]],
        "notes": ["extra_images: 2", "mgca-linear: 2 numbers are trained"],
    }


def test_a_failure_has_empty_tables_and_its_reason(tmp_path: Path) -> None:
    failure = FailedEncoder(reason="ValueError: no such weights")

    returned = write_evaluation(failure, tmp_path, benchmark=BENCHMARK, encoder="full")

    assert returned.metrics.is_empty()
    assert _tables(tmp_path) == [0, 0, 0]
    notes = json.loads((tmp_path / "notes.json").read_text())
    assert notes["failure"] == "ValueError: no such weights"
    assert notes["notes"] == []
