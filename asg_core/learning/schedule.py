"""The learning rate of each step."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmupCosine:
    """A linear rise to the peak, then a fall in half a wave of a cosine.

    Steps are 0-based. A rise that begins at step -1 leaves `low` out: the first step
    then has a part of the peak already.
    """

    peak: float
    """The highest rate."""

    low: float = 0.0
    """Where the rise begins."""

    final: float = 0.0
    """Where the fall ends; it is also the rate of every step after the fall."""

    rise: tuple[int, int]
    """The step that would have `low`, and the first step that has the peak."""

    fall: tuple[int, int]
    """The last step that has the peak, and the first step that has `final`."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        begin, end = self.rise
        if step < end:
            return self.low + (self.peak - self.low) * (step - begin) / (end - begin)
        begin, end = self.fall
        share = min(1.0, max(0, step - begin) / max(1, end - begin))
        wave = 0.5 * (1 + math.cos(math.pi * share))
        return self.final + (self.peak - self.final) * wave
