"""Draws the pulmonary vessels: trees that branch and taper from the hila."""

import numpy as np

from asg_core.sources.synthetic.canvas import Canvas, Floats, Points

_BRANCHES = (
    # angle below the horizontal, length, radius; the lower lobes get more blood
    (-78.0, 0.075, 0.0062),
    (-55.0, 0.085, 0.0066),
    (-30.0, 0.085, 0.0060),
    (-5.0, 0.080, 0.0062),
    (18.0, 0.085, 0.0072),
    (38.0, 0.095, 0.0082),
    (58.0, 0.105, 0.0088),
    (76.0, 0.105, 0.0080),
    (94.0, 0.090, 0.0060),
)
_GENERATIONS = 5


def draw_tree(
    canvas: Canvas,
    hilum: Points,
    *,
    sign: int,
    rng: np.random.Generator,
    upper_flow: float = 0.0,
    crowding: float = 1.0,
) -> Floats:
    """Return the vessels of one lung; the caller clips them to the lung.

    Args:
        canvas: Drawn on.
        hilum: Where the tree enters the lung, (2,).
        sign: Of x on this side.
        rng: Decides the branching.
        upper_flow: 0 is normal; 1 makes upper vessels as wide as lower ones.
        crowding: Scale of all lengths.
    """
    angle = np.deg2rad([branch[0] for branch in _BRANCHES])
    length = crowding * np.array([branch[1] for branch in _BRANCHES])
    radius = np.array([branch[2] for branch in _BRANCHES])
    radius *= 1 + upper_flow * np.where(angle < 0.2, 0.75, 0.2)
    angle = angle + 0.13 * rng.standard_normal(len(angle))
    start = hilum + 0.012 * rng.standard_normal((len(angle), 2))
    radius *= 0.68
    layer = np.zeros((canvas.height, canvas.width), np.uint8)
    generations = []
    for generation in range(_GENERATIONS):
        lines, end, heading = _grow(start, angle, length, sign=sign, rng=rng)
        generations.append((lines, float(radius.mean()), radius))
        if generation == _GENERATIONS - 1:
            break
        fork = 0.30 + 0.16 * rng.random((2, len(angle)))
        start = np.concatenate([end, end])
        angle = np.concatenate([heading - fork[0], heading + fork[1]])
        shrink = 0.66 + 0.20 * rng.random(2 * len(length))
        length = np.concatenate([length, length]) * shrink
        radius = np.concatenate([radius, radius]) * (0.64 + 0.14 * rng.random(len(angle)))
    # Thin ones first: thick ones cover them where they cross.
    for lines, mean, radii in reversed(generations):
        wide = radii > mean
        for chosen in (~wide, wide):
            if chosen.any():
                width = 2 * float(radii[chosen].mean())
                canvas.stroke_onto(
                    layer,
                    [line for line, is_in in zip(lines, chosen, strict=True) if is_in],
                    width=width,
                    value=min(1.0, 0.20 + 55.0 * width),
                )
    return layer * np.float32(1 / 255)


def _grow(
    start: Points, angle: Points, length: Points, *, sign: int, rng: np.random.Generator
) -> tuple[Points, Points, Points]:
    """Return curved lines (N, 5, 2), their ends and the directions they end in."""
    bend = 0.40 * rng.standard_normal(len(angle))
    along = np.linspace(0, 1, 5)
    direction = angle[:, None] + bend[:, None] * along
    step = (length / 4)[:, None]
    moves = np.stack([sign * np.cos(direction) * step, np.sin(direction) * step], -1)
    moves[:, 0] = 0.0
    lines = start[:, None, :] + np.cumsum(moves, axis=1)
    return lines, lines[:, -1], angle + bend
