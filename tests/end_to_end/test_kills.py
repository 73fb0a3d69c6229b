"""A run that is killed inside each stage ends with the tables of an undisturbed one.

It is also the run in another folder and with another number of cores, and its end starts
cold, as a user's does.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from support.checkout import Checkout, copy_project
from support.kills import kill_inside

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

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
UNTRACKED = "tracking={enabled: false}"


def test_a_run_killed_inside_every_stage_ends_with_the_same_bytes(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    root = tmp_path / "elsewhere" / "copy"
    disturbed = replace(copy_project(root), has_networks=True)

    inside = {}
    for stage in STAGES:
        # What is tracked of the later ones nobody would look at.
        options = [] if stage in STAGES[:2] else ["--config", UNTRACKED]
        if stage != STAGES[-1]:
            options.append("--nolock")
        inside[stage] = kill_inside(disturbed, "--cores", "1", *options, stage=stage)
    disturbed.snakemake("--unlock")
    done = disturbed.cold_snakemake("--cores", "1")

    assert done.returncode == 0, done.stderr
    assert [stage for stage in STAGES if not inside[stage]] == []
    # Asked for here only: until then this test needs no run but its own.
    finished: Checkout = request.getfixturevalue("finished")
    expected, found = finished.tables(), disturbed.tables()
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if expected[name] != found[name]] == []
    assert disturbed.planned() == {}
