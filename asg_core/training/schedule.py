"""How many steps a run has, and the learning rate of each."""

from asg_core.learning.schedule import WarmupCosine
from asg_core.training.config import OptimizerConfig, PretrainingSettings


def count_steps(settings: PretrainingSettings, *, steps_per_epoch: int) -> int:
    """Return the steps of the whole run: `max_steps`, or else those of all epochs."""
    if settings.max_steps is not None:
        return settings.max_steps
    return settings.epochs * steps_per_epoch


def make_schedule(config: OptimizerConfig, *, num_steps: int) -> WarmupCosine:
    """Return the rates of a run.

    The first step has the minimum, the step after the warm-up the peak, and the last step
    the minimum again. A run without a warm-up begins with the peak.
    """
    warmup = int(config.warmup_share * num_steps)
    return WarmupCosine(
        peak=config.learning_rate,
        low=config.min_learning_rate,
        final=config.min_learning_rate,
        rise=(0, warmup),
        fall=(warmup, num_steps - 1),
    )
