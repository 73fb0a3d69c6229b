"""The losses of a tiny run on the CPU, step by step.

`pytest tests/golden --update-golden` rewrites them; a change of the code that is meant to
change nothing must not.
"""

import json
from pathlib import Path

import pytest
import torch

from asg_core.training.pretrain import pretrain
from support.small_run import make_small_job, small_settings

GOLDEN = Path(__file__).parent / "loss_trace.json"
TOLERANCE = 1e-4
"""Relative: processors differ in the last digits of 32 bit."""

NAMES = (
    "train/loss",
    "train/image_report",
    "train/region_sentence",
    "train/tags",
    "train/soft_labels",
    "validate/tags",
)
"""What passes no BatchNorm in evaluation: of a bias in front of one, the gradient is
rounding, which AdamW makes a whole step; batches do not see it, running means do."""


def test_the_losses_of_a_tiny_run(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    torch.set_num_threads(1)
    trace: dict[str, dict[str, float]] = {}

    def log(step: int, metrics: dict[str, float]) -> None:
        found = {name: metrics[name] for name in NAMES if name in metrics}
        trace.setdefault(str(step), {}).update(found)

    settings = small_settings(
        log_every=1, batch_size=8, epochs=4, optimizer={"learning_rate": 1e-3}
    )
    pretrain(make_small_job(tmp_path, settings=settings), log=log)

    if pytestconfig.getoption("update_golden"):
        GOLDEN.write_text(json.dumps(trace, indent=1) + "\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert trace.keys() == golden.keys()
    for step, expected in golden.items():
        assert trace[step] == pytest.approx(expected, rel=TOLERANCE), f"step {step}"
