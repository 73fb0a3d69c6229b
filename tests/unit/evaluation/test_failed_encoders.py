"""An encoder that failed: what its files say, and what is left of them afterwards."""

import json
from pathlib import Path

import polars as pl
import pytest

from asg_core.evaluation.failed_encoders import (
    describe_failure,
    failed_evaluations,
    failure_rejects,
    read_failure,
    write_failure,
)
from asg_core.summary.terminal import end_evaluation, results_table, told_failures
from asg_core.tables.catalog import METRICS, SCORES, SEGMENTATION_SCORES
from asg_core.tables.schema import write_table

REASON = "ValueError: expected weights, found none in broken.pth"


def write_evaluation(
    results: Path, *, encoder: str, benchmark: str = "nih", failure: str | None = None
) -> Path:
    """Write results without rows, and features: real ones, or the mark of a failure."""
    folder = results / "evaluation" / encoder / benchmark
    for schema in (METRICS, SCORES, SEGMENTATION_SCORES):
        write_table(schema.empty(), folder / f"{schema.name}.parquet", schema=schema)
    notes = {"benchmark": benchmark, "encoder": encoder}
    notes |= {} if failure is None else {"failure": failure}
    (folder / "notes.json").write_text(json.dumps(notes))
    features = results / "features" / encoder / f"{benchmark}.safetensors"
    features.parent.mkdir(parents=True, exist_ok=True)
    features.write_bytes((16).to_bytes(8, "little") + b"{}" + b" " * 14)
    return folder


def test_a_failure_is_one_line_without_ids_of_images() -> None:
    error = ValueError("expected 3 channels,\n  found 1")

    assert describe_failure(error, hidden=["image-1"]) == (
        "ValueError: expected 3 channels, found 1"
    )
    assert describe_failure(KeyError("image-1"), hidden=["image-1"]) == (
        "KeyError; the log of the job says more"
    )
    assert describe_failure(MemoryError(), hidden=[]) == (
        "MemoryError; the log of the job says more"
    )
    assert len(describe_failure(ValueError("x" * 9000), hidden=[])) < 500


def test_the_mark_of_a_failure_is_not_taken_for_features(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path, encoder="good")
    features = tmp_path / "features" / "good" / "nih.safetensors"

    assert read_failure(features) is None
    write_failure(features, reason=REASON)
    assert read_failure(features) == REASON
    assert failed_evaluations([folder]) == {}


def test_a_failure_is_a_row_of_rejects() -> None:
    rejects = failure_rejects(REASON, encoder="broken", benchmark="nih")

    assert rejects.rows() == [
        ("evaluate_encoder", "broken/nih", "encoder_failed", REASON)
    ]
    assert failure_rejects(None, encoder="good", benchmark="nih").is_empty()


@pytest.mark.parametrize("has_features", [True, False])
def test_the_end_of_a_run_says_what_failed_and_leaves_no_result_of_it(
    tmp_path: Path, *, has_features: bool
) -> None:
    good = write_evaluation(tmp_path, encoder="good")
    broken = write_evaluation(tmp_path, encoder="broken", failure=REASON)
    features = tmp_path / "features" / "broken" / "nih.safetensors"
    if not has_features:
        write_failure(features, reason=REASON)

    end = end_evaluation(
        tmp_path, encoders=["good", "broken", "later"], benchmarks=["nih"]
    )

    assert f"FAILED: broken on nih: {REASON}" in " ".join(end.text.split())
    assert end.failure is not None
    assert end.failure.startswith("1 of 3 encoders failed: broken on nih. ")
    assert sorted(path.name for path in broken.iterdir()) == ["notes.json"]
    # What could not be made is made again; good features stay.
    assert features.exists() == has_features
    assert (good / "metrics.parquet").exists()
    again = end_evaluation(tmp_path, encoders=["good", "broken"], benchmarks=["nih"])
    assert again.failure is None


def test_features_that_alone_were_asked_for_are_no_result_either(
    tmp_path: Path,
) -> None:
    features = tmp_path / "features" / "broken" / "nih.safetensors"
    write_failure(features, reason=REASON)

    said = told_failures(tmp_path, encoders=["broken"], benchmarks=["nih"])

    assert f"FAILED: broken on nih: {REASON}" in " ".join(said.split())
    assert not features.exists()
    assert told_failures(tmp_path, encoders=["broken"], benchmarks=["nih"]) == ""


def test_the_table_stays_within_its_width(tmp_path: Path) -> None:
    text = results_table(
        pl.DataFrame(METRICS.empty()),
        failures={("broken", "nih"): "ValueError: " + "many words " * 40},
    )

    assert max(map(len, text.splitlines())) <= 110
