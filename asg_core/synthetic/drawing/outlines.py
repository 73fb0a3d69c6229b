"""Closed outlines of anatomy: rectangles, and bands cut out of others."""

import numpy as np

from asg_core.synthetic.drawing.canvas import Points


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Return the corners of an upright rectangle."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def clip_band(outline: Points, *, low: float, high: float) -> Points:
    """Return the part of a closed outline between two heights."""
    kept = _clip(outline, level=low, sign=1)
    return _clip(kept, level=high, sign=-1)


def _clip(outline: Points, *, level: float, sign: int) -> Points:
    """Keep the part of a closed outline below (`sign` 1) or above (-1) a height."""
    here = sign * (outline[:, 1] - level)
    is_in = here >= 0
    crosses = is_in ^ np.concatenate([is_in[1:], is_in[:1]])
    # Every point is followed by the crossing on its way to the next one, if any.
    both = np.repeat(outline, 2, axis=0)
    for index in np.flatnonzero(crosses):
        after = (index + 1) % len(outline)
        share = here[index] / (here[index] - here[after])
        both[2 * index + 1] += share * (outline[after] - outline[index])
    keep = np.stack([is_in, crosses], axis=1).reshape(-1)
    return np.asarray(both[keep], dtype=np.float64)
