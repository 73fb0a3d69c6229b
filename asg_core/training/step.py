"""One step of pre-training."""

from dataclasses import dataclass

import torch
from torch import nn

from asg_core.learning.precision import arithmetic
from asg_core.learning.processes import World
from asg_core.learning.randomness import seed_of
from asg_core.learning.step import update_weights
from asg_core.models.batch import PretrainBatch
from asg_core.settings import Precision
from asg_core.training.objective import Objective

_STOP = "is_stop_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step did."""

    metrics: dict[str, float]
    """Means over all processes: the losses, `loss`, `grad_norm`, what the objective
    watches, and `learning_rate`."""

    is_stop_asked: bool
    """Whether any process was asked to stop."""


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: PretrainBatch,
    *,
    objective: Objective,
    world: World,
    step: int,
    seed: int,
    rate: float,
    max_grad_norm: float | None,
    precision: Precision,
    is_stop_asked: bool = False,
) -> StepResult:
    """Do one update. Dropout depends on (seed, step, rank) and on nothing before.

    Args:
        model: In training mode, wrapped where there are several processes.
        optimizer: Of its parameters.
        batch: On the device of the model.
        objective: What to minimise.
        world: The processes.
        step: 0-based.
        seed: Of the run.
        rate: Learning rate of this step.
        max_grad_norm: Gradients of a greater norm are scaled down to it.
        precision: Arithmetic of the forward pass.
        is_stop_asked: Whether this process was asked to stop. The others hear of it with
            the means of this step, so that all stop after the same one.

    Raises:
        FloatingPointError: If a loss or the norm of the gradient is not finite, in any
            process; the weights of all are then those of the step before.
    """
    torch.manual_seed(seed_of(seed, step, world.rank))
    with arithmetic(world.device, precision):
        evaluated = objective.evaluate(model, batch)
    flag = torch.tensor(float(is_stop_asked), device=world.device)
    metrics = update_weights(
        model,
        optimizer,
        evaluated.losses,
        weights=objective.weights,
        watched={**evaluated.watched, _STOP: flag},
        rate=rate,
        max_grad_norm=max_grad_norm,
        world=world,
        where=f"pretrain, step {step}",
        advice="lower pretraining.optimizer.learning_rate or set max_grad_norm",
    )
    any_stop = metrics.pop(_STOP) > 0
    return StepResult(metrics=metrics | {"learning_rate": rate}, is_stop_asked=any_stop)
