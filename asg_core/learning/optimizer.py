"""The optimiser of everything that is trained here: AdamW."""

import torch
from torch import nn


def make_optimizer(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    decay_everything: bool = True,
    fused: bool = True,
) -> torch.optim.Optimizer:
    """Return AdamW over the parameters of `model` that are trained.

    Args:
        model: Those of its parameters that need no gradient are left out.
        learning_rate: The rate until a step sets another.
        weight_decay: Decoupled weight decay.
        decay_everything: Whether parameters of one dimension (biases, norms) decay too;
            without it only matrices and filters do.
        fused: Whether the update runs in one kernel, which is quicker. It rounds some
            weights differently in the last digit from the plain update.
    """
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    decayed = [weight for weight in learned if decay_everything or weight.dim() > 1]
    kept = [weight for weight in learned if not decay_everything and weight.dim() <= 1]
    groups = [
        {"params": weights, "weight_decay": decay}
        for weights, decay in ((decayed, weight_decay), (kept, 0.0))
        if weights
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=fused or None)
