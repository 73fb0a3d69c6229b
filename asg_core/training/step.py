"""One optimizer step."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from asg_core.models.batch import PretrainBatch
from asg_core.randomness import seed_of
from asg_core.training.config import OptimizerConfig
from asg_core.training.distributed import World
from asg_core.training.objective import Objective, total_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step did."""

    metrics: dict[str, float]
    """Over all processes: the losses, `loss`, `grad_norm`, `learning_rate`, and what the
    objective watches."""

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
    precision: str,
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
        precision: "bf16" runs the model under autocast.
        is_stop_asked: Whether this process was asked to stop.

    Raises:
        FloatingPointError: If a loss or the norm of the gradient is not finite, in any
            process; the weights of all are then those of the step before.
    """
    torch.manual_seed(seed_of(seed, step, world.rank))
    with torch.autocast(
        world.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"
    ):
        evaluated = objective.evaluate(model, batch)
    total = total_loss(evaluated.losses, objective.weights)
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    weights = [weight for weight in model.parameters() if weight.grad is not None]
    norm = nn.utils.get_total_norm(
        [weight.grad for weight in weights if weight.grad is not None]
    )
    if max_grad_norm is not None:
        nn.utils.clip_grads_with_norm_(weights, max_grad_norm, norm)
    values, any_stop = _agree(
        {
            "loss": total,
            **evaluated.losses,
            **evaluated.watched,
            "grad_norm": norm,
        },
        world=world,
        is_stop_asked=is_stop_asked,
    )
    check_finite(values, where=f"pretrain, step {step}")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return StepResult(metrics={**values, "learning_rate": rate}, is_stop_asked=any_stop)


def make_optimizer(
    model: nn.Module, *, config: OptimizerConfig
) -> torch.optim.Optimizer:
    """Return AdamW over the parameters that are trained, fused where possible."""
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    is_decayed = [config.decay_everything or weight.dim() > 1 for weight in learned]
    groups = [
        {
            "params": [
                weight
                for weight, decays in zip(learned, is_decayed, strict=True)
                if decays is wanted
            ],
            "weight_decay": config.weight_decay if wanted else 0.0,
        }
        for wanted in (True, False)
    ]
    groups = [group for group in groups if group["params"]]
    try:
        return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    except RuntimeError:  # no fused kernel for this device
        return torch.optim.AdamW(groups, lr=config.learning_rate)


def check_finite(values: Mapping[str, float], *, where: str) -> None:
    """Raise unless all numbers are finite, naming those that are not.

    Raises:
        FloatingPointError: Then.
    """
    broken = [name for name, value in values.items() if not math.isfinite(value)]
    if broken:
        raise FloatingPointError(
            f"{where}: expected finite numbers, found {', '.join(broken)} not finite in "
            f"{dict(values)}; lower pretraining.optimizer.learning_rate or set "
            "max_grad_norm"
        )


def _agree(
    values: Mapping[str, Tensor], *, world: World, is_stop_asked: bool
) -> tuple[dict[str, float], bool]:
    """Return the means over the processes, and whether one was asked to stop.

    One message for both: what is not finite in one process is so in the mean, so all
    stop at the same step, and the device is waited for once.
    """
    flag = torch.tensor(float(is_stop_asked), device=world.device)
    stacked = torch.stack(
        [*(value.detach().float() for value in values.values()), flag]
    )
    *means, stopped = world.mean(stacked).tolist()
    return dict(zip(values, means, strict=True)), stopped > 0
