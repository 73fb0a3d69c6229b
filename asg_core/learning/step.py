"""One update of the weights."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from asg_core.learning.processes import World


def update_weights(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    losses: Mapping[str, Tensor],
    *,
    where: str,
    advice: str,
    weights: Mapping[str, float] | None = None,
    watched: Mapping[str, Tensor] | None = None,
    rate: float | None = None,
    max_grad_norm: float | None = None,
    world: World | None = None,
) -> dict[str, float]:
    """Follow the gradient of the weighted losses by one step.

    Args:
        model: What is trained. Its parameters without a gradient are left alone.
        optimizer: Of its parameters.
        losses: Scalars by name, on the device of the model.
        where: What the step is called in an error, such as "pretrain, step 3".
        advice: What to do about a loss that is not finite, as the end of a sentence.
        weights: Of the losses; by default each counts once.
        watched: Scalars that are to be returned, but not minimised.
        rate: Learning rate of this step; by default that of the optimizer stays.
        max_grad_norm: Gradients of a greater norm are scaled down to it.
        world: The processes that train together, where there can be several.

    Returns:
        Means over the processes: `loss` (the weighted sum), the losses, what is watched,
        and `grad_norm`, which is measured before the gradients are scaled down.

    Raises:
        FloatingPointError: If one of these is not finite in any process. No weight has
            then changed in any of them.
        ValueError: If losses and weights have different names.
    """
    total = total_loss(
        losses, dict.fromkeys(losses, 1.0) if weights is None else weights
    )
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    norm = _limit_gradients(model, max_norm=max_grad_norm)
    values = _mean_values(
        {"loss": total, **losses, **(watched or {}), "grad_norm": norm}, world=world
    )
    broken = [name for name, value in values.items() if not math.isfinite(value)]
    if broken:
        raise FloatingPointError(
            f"{where}: expected finite losses, found {', '.join(broken)} not finite in "
            f"{values}; {advice}"
        )
    if rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = rate
    optimizer.step()
    return values


def total_loss(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the weighted sum, a scalar in 32 bit.

    Raises:
        ValueError: If there is a loss without a weight, or a weight without a loss.
    """
    if losses.keys() != weights.keys():
        raise ValueError(
            f"total_loss: expected a weight for each loss, found losses "
            f"{sorted(losses)} and weights {sorted(weights)}"
        )
    return torch.stack(
        [weights[name] * losses[name].float() for name in sorted(losses)]
    ).sum()


def _limit_gradients(model: nn.Module, *, max_norm: float | None) -> Tensor:
    """Scale the gradients down to a norm, and return the norm that they had."""
    learned = [weight for weight in model.parameters() if weight.grad is not None]
    norm = nn.utils.get_total_norm(
        [weight.grad for weight in learned if weight.grad is not None]
    )
    if max_norm is not None:
        nn.utils.clip_grads_with_norm_(learned, max_norm, norm)
    return norm


def _mean_values(
    values: Mapping[str, Tensor], *, world: World | None
) -> dict[str, float]:
    """Return means over the processes, in one message and one wait for the device.

    What is not finite in one process is not finite in the mean, so all processes stop at
    the same step.
    """
    stacked = torch.stack([value.detach().float() for value in values.values()])
    mean = stacked if world is None else world.mean(stacked)
    return dict(zip(values, mean.tolist(), strict=True))
