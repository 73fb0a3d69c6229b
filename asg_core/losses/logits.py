"""Scaled similarities in 32 bit, which three of the losses begin with."""

# Shape suffixes: L, R = rows of the two sides, D = embedding width

import torch
from torch import Tensor


def at_least_float32(value: Tensor) -> Tensor:
    """Return `value` in 32 bit if it has fewer, else as it is."""
    return value.to(torch.promote_types(value.dtype, torch.float32))


def similarity_logits(
    left_LD: Tensor, right_RD: Tensor, *, temperature: float
) -> Tensor:
    """Return the dot products of all pairs, divided by the temperature: (..., L, R).

    Leading dimensions are those of a batched matrix product. Autocast is off inside: at
    temperature 0.07 the rounding of bfloat16 would be 0.1 of a logit.
    """
    with torch.autocast(left_LD.device.type, enabled=False):
        left_LD, right_RD = at_least_float32(left_LD), at_least_float32(right_RD)
        return left_LD @ right_RD.transpose(-1, -2) / temperature
