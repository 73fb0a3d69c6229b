"""The arithmetic of a forward pass."""

import torch

from asg_core.settings import Precision


def arithmetic(device: torch.device | str, precision: Precision) -> torch.autocast:
    """Return a context in which a forward pass runs in the given precision.

    Weights, and what a loss makes of the outputs outside of the context, stay 32 bit.
    """
    return torch.autocast(
        torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16"
    )
