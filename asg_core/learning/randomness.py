"""Torch's global generators: seeded for one piece of work, and left as they were found."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Leave torch's global generators and its determinism switch as they were found.

    Inside, operations on the CPU are deterministic. On a GPU the switch would ask for
    settings of the process that only its start can make.
    """
    was_strict = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(device.type == "cpu")
    forked = [] if device.type == "cpu" else [device]
    try:
        with torch.random.fork_rng(forked, device_type=device.type):
            yield
    finally:
        torch.use_deterministic_algorithms(was_strict)


def seed_of(*numbers: int) -> int:
    """Return the seed of a generator that depends on all of the numbers, none negative."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
