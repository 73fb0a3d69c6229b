"""What every step of detector training lost: kept in checkpoints, told in run.json."""

import math
from collections.abc import Mapping
from typing import Any

import torch

StepLosses = list[dict[str, float]]
"""One entry per step done, by loss name."""

_CURVE_POINTS = 200


def pack(losses: StepLosses) -> dict[str, Any]:
    """Return the losses as one tensor, which a checkpoint holds in little space."""
    names = sorted(losses[0]) if losses else []
    values = [[step[name] for name in names] for step in losses]
    return {"loss_names": names, "losses": torch.tensor(values, dtype=torch.float64)}


def unpack(state: Mapping[str, Any] | None) -> StepLosses:
    """Return what `pack` was given; without a state no step is done."""
    if state is None:
        return []
    names = state["loss_names"]
    return [dict(zip(names, step, strict=True)) for step in state["losses"].tolist()]


def summarise(losses: StepLosses) -> list[dict[str, float]]:
    """Return means over equal stretches of steps; `step` counts the steps done."""
    stretch = math.ceil(len(losses) / _CURVE_POINTS)
    points: list[dict[str, float]] = []
    for start in range(0, len(losses), stretch):
        steps = losses[start : start + stretch]
        means = {
            name: math.fsum(step[name] for step in steps) / len(steps)
            for name in sorted(steps[0])
        }
        points.append({"step": start + len(steps), **means})
    return points
