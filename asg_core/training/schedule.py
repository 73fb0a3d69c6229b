"""How many steps a run has, and the learning rate of each."""

import math

from asg_core.training.config import OptimizerConfig, PretrainingSettings


def count_steps(settings: PretrainingSettings, *, steps_per_epoch: int) -> int:
    """Return the steps of the whole run: `max_steps`, or else those of all epochs."""
    if settings.max_steps is not None:
        return settings.max_steps
    return settings.epochs * steps_per_epoch


def warmup_steps(num_steps: int, *, config: OptimizerConfig) -> int:
    """Return in how many of the steps the rate rises."""
    return int(config.warmup_share * num_steps)


def learning_rate(step: int, *, num_steps: int, config: OptimizerConfig) -> float:
    """Return the rate of a 0-based step.

    It rises linearly from the minimum to the peak, which the step after the warm-up has,
    and falls to the minimum at the last step in half a wave of a cosine. Without a
    warm-up it begins with the peak.
    """
    warmup = warmup_steps(num_steps, config=config)
    low, high = config.min_learning_rate, config.learning_rate
    if step < warmup:
        return low + (high - low) * step / warmup
    fall = max(1, num_steps - 1 - warmup)
    share = min(1.0, (step - warmup) / fall)
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * share))
