"""Two processes over gloo, against one process with the whole batch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_GRADIENTS = '''
"""The image-report losses over all rows and their gradients, in 64 bit, as JSON."""
import json
import sys
from pathlib import Path

import torch
from torch import nn

from asg_core.training.config import LossesConfig
from asg_core.learning.processes import join_world, wrap
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
    total = loss()
    total.backward()
    gradients = {
        name: weight.grad.tolist()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }
    found = {
        "gradients": gradients,
        "losses": world.collect(total.item()),
        "mean_loss": world.mean(total.detach()).item(),
    }
    model.sides[0][1].running_mean += world.rank
    own = model.sides[0][1].running_mean.tolist()
    world.share_buffers(model)
    shared = model.sides[0][1].running_mean.tolist()
    found["buffers"] = world.collect([own, shared])
    if world.is_first:
        Path(sys.argv[1]).write_text(json.dumps(found))
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
def test_two_processes_have_the_loss_and_gradients_of_one_with_the_whole_batch(
    tmp_path: Path,
) -> None:
    script = tmp_path / "gradients.py"
    script.write_text(_GRADIENTS)

    _torchrun([str(script), str(tmp_path / "two.json")], processes=2)
    subprocess.run([sys.executable, script, tmp_path / "one.json"], check=True)

    one = json.loads((tmp_path / "one.json").read_text())
    two = json.loads((tmp_path / "two.json").read_text())
    (loss,) = one["losses"]
    assert loss > 0
    assert two["losses"] == pytest.approx([loss, loss], rel=1e-12)
    assert [one["mean_loss"], two["mean_loss"]] == pytest.approx(
        [loss, loss], rel=1e-12
    )
    assert one["gradients"].keys() == two["gradients"].keys()
    assert len(one["gradients"]) == 12
    for name, expected in one["gradients"].items():
        largest = max(abs(value) for value in _flat(expected))
        assert largest > 0
        found = _flat(two["gradients"][name])
        for left, right in zip(_flat(expected), found, strict=True):
            assert abs(left - right) < 1e-12 * largest
    # The second process takes the statistics of the first.
    (first, first_shared), (second, second_shared) = two["buffers"]
    assert first_shared == second_shared == first != second
