"""Two processes over gloo, against one process with the whole batch."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from asg_core.tables.catalog import HISTORY
from asg_core.tables.schema import read_table
from asg_core.training.job import PretrainJob
from asg_core.training.pretrain import pretrain

MakeJob = Callable[..., PretrainJob]

_GRADIENTS = '''
"""Gradients of the image-report losses over all rows, in 64 bit, as one JSON line."""
import json
import sys
from pathlib import Path

import torch
from torch import nn

from asg_core.training.config import LossesConfig
from asg_core.training.distributed import join_world, wrap
from asg_core.training.objective import Objective


class Pair(nn.Module):
    """An image side and a text side with BatchNorm in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.sides = nn.ModuleList(
            nn.Sequential(
                nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4)
            )
            for _ in range(2)
        )
        self.never = nn.Linear(2, 2)  # not reached by any loss

    def forward(self, input_2BI):
        return [
            nn.functional.normalize(side(rows), dim=-1)
            for side, rows in zip(self.sides, input_2BI)
        ]


torch.manual_seed(0)
torch.set_num_threads(1)
model = Pair().double()
for module in model.modules():
    if isinstance(module, nn.BatchNorm1d):
        module.running_mean.normal_()
        module.running_var.uniform_(0.5, 2)
model.eval()
input_2NI = torch.randn(2, 16, 6, dtype=torch.float64)
tag_NF = (torch.rand(16, 7) < 0.4).double()

with join_world("cpu") as world:
    half = slice(world.rank * 16 // world.size, (world.rank + 1) * 16 // world.size)
    objective = Objective(
        config=LossesConfig(region_sentence=0, tags=0), gather=world.gather_rows
    )

    def loss():
        image, report = wrapped(input_2NI[:, half])
        image, report = objective.gather(image), objective.gather(report)
        losses = objective.contrast(image, report, objective.gather(tag_NF[half]))
        return losses["image_report"] + losses["soft_labels"]

    wrapped = model
    wrapped = wrap(model, world=world, probe=loss)
    loss().backward()
    gradients = {
        name: weight.grad.tolist()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }
    if world.is_first:
        Path(sys.argv[1]).write_text(json.dumps(gradients))
'''


def _flat(values: Any) -> list[float]:  # noqa: ANN401 - nested lists of numbers
    if isinstance(values, float):
        return [values]
    return [number for value in values for number in _flat(value)]


def _torchrun(arguments: list[str], *, processes: int) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(processes), *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True, timeout=300)


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one_with_the_whole_batch(
    tmp_path: Path,
) -> None:
    script = tmp_path / "gradients.py"
    script.write_text(_GRADIENTS)

    _torchrun([str(script), str(tmp_path / "two.json")], processes=2)
    subprocess.run([sys.executable, script, tmp_path / "one.json"], check=True)

    one = json.loads((tmp_path / "one.json").read_text())
    two = json.loads((tmp_path / "two.json").read_text())
    assert one.keys() == two.keys()
    assert len(one) == 12
    for name, expected in one.items():
        largest = max(abs(value) for value in _flat(expected))
        assert largest > 0
        for left, right in zip(_flat(expected), _flat(two[name]), strict=True):
            assert abs(left - right) < 1e-12 * largest


@pytest.mark.slow
@pytest.mark.parametrize("negatives", ["local", "global"])
def test_two_processes_make_a_run(make_job: MakeJob, negatives: str) -> None:
    seen: dict[int, dict[str, float]] = {}
    job = make_job(
        processes=2,
        batch_size=4,
        epochs=2,
        losses={"negatives": negatives, "tags": 0},
    )

    pretrain(job, log=lambda step, values: seen.setdefault(step, {}).update(values))

    run = json.loads((job.out / "run.json").read_text())
    assert (run["processes"], run["steps"]) == (2, 4)
    assert sorted(seen) == [2, 4]
    history = read_table(job.out / "history.parquet", schema=HISTORY)
    sent = {
        (step, name): value
        for step, values in seen.items()
        for name, value in values.items()
        if name not in ("train/images_per_second", "train/data_wait_share")
    }
    assert sent == {(step, name): value for step, name, value in history.iter_rows()}
    assert not job.work.exists()


@pytest.mark.slow
def test_the_processes_log_and_their_failure_is_told(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    optimizer = {"learning_rate": 1e30, "warmup_share": 0.0}
    job = make_job(processes=2, batch_size=4, optimizer=optimizer)

    with (
        caplog.at_level("INFO"),
        pytest.raises(RuntimeError, match="expected 2 processes to end well"),
    ):
        pretrain(job)

    assert "pre-training on 16 images in 2 x 4 a step" in caplog.text
    assert "FloatingPointError" in caplog.text


@pytest.mark.slow
def test_validation_does_not_depend_on_the_number_of_processes(
    make_job: MakeJob,
) -> None:
    # A rate of almost nothing: the weights stay, so validation sees the same model.
    frozen = {"learning_rate": 1e-30, "min_learning_rate": 0, "weight_decay": 0}
    one = make_job("one", batch_size=3, max_steps=1, optimizer=frozen)
    two = make_job("two", batch_size=3, max_steps=1, optimizer=frozen, processes=2)

    for job in (one, two):
        pretrain(job)

    validations = [
        read_table(job.out / "history.parquet", schema=HISTORY).filter(
            pl.col("metric").is_in(["validate/tags", "validate/tag_map"])
        )
        for job in (one, two)
    ]
    # The tag decoder has no BatchNorm, whose statistics follow the batches.
    assert validations[0]["value"].to_list() == pytest.approx(
        validations[1]["value"].to_list(), rel=1e-6
    )
