"""What jobs ask a cluster's scheduler for."""

from pathlib import Path

import pytest

from support.ask import dry_runs
from support.checkout import copy_project, edited

pytestmark = pytest.mark.slow


def test_a_run_of_several_processes_is_one_task_with_all_their_cpus_and_gpus(
    tmp_path: Path,
) -> None:
    checkout = copy_project(tmp_path / "checkout")
    keys = "  processes: 2\n  threads: 2\n  workers: 3\n  device: cuda\n"
    config = checkout.root / checkout.configfile
    with edited(config, "pretraining:\n", f"pretraining:\n{keys}"):
        (asked,) = dry_runs(checkout, {"asks": "pretrain_encoders"})

    assert "gpu=2" in asked
    assert {"nodes=1", "tasks_per_gpu=0"} <= set(asked)
    # Two processes of two threads, and three workers beside each.
    assert "_cores=10" in asked
