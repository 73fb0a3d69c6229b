"""A run that is killed inside each stage ends with the tables of an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.checkout import Checkout, copy_project

pytestmark = pytest.mark.slow

STAGES = (
    "make_synthetic",
    "read_source",
    "read_reports",
    "read_annotations",
    "extract_triplets",
    "cache_pixels",
    "train_detector",
    "detect_regions",
    "align_regions",
    "score_boxes",
    "train_tokenizer",
    "tokenize_reports",
    "pretrain_encoders",
    "read_benchmark",
    "extract_features",
    "evaluate_encoder",
    "build_summary",
)
PATIENCE_SECONDS = 900  # against a hang: a busy machine is no failure


def kill_inside(checkout: Checkout, *, stage: str) -> bool:
    """Start a run and kill its process group once a job of `stage` has begun.

    Returns:
        Whether the job was still at work: it had begun and the run had not ended.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    # Forced: a run that got past the stage before it was killed would not come back.
    command += ["--configfile", checkout.configfile, "--forcerun", stage]
    environment = os.environ | {"PYTHONPATH": str(checkout.root)}
    run = subprocess.Popen(
        command,
        cwd=checkout.root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    logs = checkout.root / "results" / "test" / "logs" / stage
    before = begun(logs)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while run.poll() is None and begun(logs) == before:
        assert time.monotonic() < deadline, f"{stage} did not begin"
        time.sleep(0.01)
    is_inside = run.poll() is None
    os.killpg(run.pid, signal.SIGKILL) if is_inside else None
    run.wait()
    return is_inside


def begun(logs: Path) -> dict[str, int]:
    """Return the logs of a stage with their times of change."""
    return {path.name: path.stat().st_mtime_ns for path in logs.glob("*.log")}


def test_a_run_killed_inside_every_stage_ends_with_the_same_bytes(
    finished: Checkout, tmp_path: Path
) -> None:
    disturbed = copy_project(tmp_path / "checkout")

    inside = {}
    for stage in STAGES:
        inside[stage] = kill_inside(disturbed, stage=stage)
        disturbed.snakemake("--unlock")
    disturbed.snakemake("--cores", "2")

    assert [stage for stage in STAGES if not inside[stage]] == []
    expected, found = finished.tables(), disturbed.tables()
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if expected[name] != found[name]] == []
    assert disturbed.planned() == {}
