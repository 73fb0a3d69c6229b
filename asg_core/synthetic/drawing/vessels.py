"""Draws the pulmonary vessels: trees that branch and taper from the hila."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asg_core.synthetic.drawing.canvas import Canvas, Floats, Points

# Shape suffixes:
#   N = branches of one generation, P = points of a branch

_BRANCHES = np.array(
    # angle below the horizontal, length, radius, start beside and below the hilum;
    # the lower lobes get more blood, from an artery that runs down
    [
        (-80.0, 0.080, 0.0034, -0.008, -0.034),
        (-58.0, 0.085, 0.0038, 0.000, -0.030),
        (-34.0, 0.085, 0.0036, 0.006, -0.020),
        (-8.0, 0.080, 0.0042, 0.012, 0.000),
        (16.0, 0.080, 0.0048, 0.018, 0.022),
        (34.0, 0.085, 0.0052, 0.022, 0.045),
        (52.0, 0.090, 0.0056, 0.024, 0.066),
        (70.0, 0.095, 0.0054, 0.022, 0.086),
        (92.0, 0.085, 0.0044, 0.014, 0.080),
    ]
)
_GENERATIONS = 5
_POINTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Where a tree of vessels enters a lung."""

    hilum: Points
    """(2,), anatomy units."""

    sign: int
    """The sign of x on this side."""

    crowding: float = 1.0
    """Scale of all lengths."""

    upper_flow: float = 0.0
    """0 is normal; 1 makes upper vessels as wide as lower ones."""


def draw_tree(
    canvas: Canvas, roots: Sequence[Root], *, rng: np.random.Generator
) -> Floats:
    """Return the vessels of all roots in one layer; the caller clips it to the lung."""
    angle_N = np.concatenate([np.deg2rad(_BRANCHES[:, 0]) for _ in roots])
    length_N = np.concatenate([root.crowding * _BRANCHES[:, 1] for root in roots])
    radius_N = np.concatenate(
        [
            _BRANCHES[:, 2]
            * (1 + root.upper_flow * np.where(_BRANCHES[:, 0] < 11, 0.75, 0.2))
            for root in roots
        ]
    )
    sign_N = np.repeat([root.sign for root in roots], len(_BRANCHES))
    radius_N = 0.85 * radius_N
    start = np.concatenate(
        [root.hilum + _BRANCHES[:, 3:] * np.array([root.sign, 1]) for root in roots]
    )
    angle_N = angle_N + 0.20 * rng.standard_normal(len(angle_N))
    length_N = length_N * (0.75 + 0.45 * rng.random(len(length_N)))
    start = start + 0.007 * rng.standard_normal((len(angle_N), 2))
    generations = []
    for _ in range(_GENERATIONS):
        lines, angle_N = _grow(start, angle_N, length_N, sign_N=sign_N, rng=rng)
        generations.append((lines, radius_N))
        fork = 0.30 + 0.16 * rng.random((2, len(angle_N)))
        start = np.concatenate([lines[:, -1], lines[:, -1]])
        angle_N = np.concatenate([angle_N - fork[0], angle_N + fork[1]])
        shrink = rng.random((2, len(angle_N)))
        length_N = np.concatenate([length_N, length_N]) * (0.66 + 0.20 * shrink[0])
        radius_N = np.concatenate([radius_N, radius_N]) * (0.64 + 0.14 * shrink[1])
        sign_N = np.concatenate([sign_N, sign_N])
    layer = np.zeros((canvas.height, canvas.width), np.uint8)
    # Thin ones first: thick ones cover them where they cross.
    for lines, radii in reversed(generations):
        is_wide = radii > radii.mean()
        for chosen in (~is_wide, is_wide):
            width = 2 * float(radii[chosen].mean())
            shade = min(1.0, 0.16 + 70.0 * width)
            canvas.stroke_onto(layer, lines[chosen], width=width, value=shade)
    return layer * np.float32(1 / 255)


def _grow(
    start: Points,
    angle_N: Points,
    length_N: Points,
    *,
    sign_N: Points,
    rng: np.random.Generator,
) -> tuple[Points, Points]:
    """Return curved lines (N, P, 2) and the directions they end in."""
    bend_N = 0.60 * rng.standard_normal(len(angle_N))
    direction_NP = angle_N[:, None] + bend_N[:, None] * np.linspace(0, 1, _POINTS)
    direction_NP += 0.14 * rng.standard_normal(direction_NP.shape)
    step_NP = np.broadcast_to((length_N / (_POINTS - 1))[:, None], direction_NP.shape)
    moves = np.empty((*direction_NP.shape, 2))
    moves[..., 0] = sign_N[:, None] * np.cos(direction_NP) * step_NP
    moves[..., 1] = np.sin(direction_NP) * step_NP
    moves[:, 0] = start
    return np.cumsum(moves, axis=1), angle_N + bend_N
