"""A run that is killed inside each stage ends with the tables of an undisturbed one."""

from pathlib import Path

import pytest

from support.checkout import Checkout, copy_project
from support.kills import kill_inside

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
