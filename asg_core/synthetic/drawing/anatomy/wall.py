"""The outlines of torso, arms and breasts in a frontal chest.

Points in anatomy units (body.py); `sign` is -1 for the patient's right and 1 for the left.
"""

import numpy as np

from asg_core.synthetic.drawing.canvas import Points, curve, ribbon
from asg_core.synthetic.world.body import Body

_FAR = 0.9  # beyond every film


def shoulder(body: Body) -> tuple[float, float]:
    """Return x and y of the left shoulder joint."""
    return body.cage_half_width + 0.135, body.lung_top + body.shoulder_drop - 0.005


def trace_torso(body: Body) -> Points:
    """Return neck, shoulders and trunk in one outline."""
    wall = body.cage_half_width + body.fat
    x, y = shoulder(body)
    half = curve(
        [
            (0.108, -0.95),
            (0.112, body.lung_top - 0.27),
            (0.130, body.lung_top - 0.20),
            (0.190, y - 0.165),
            (0.290, y - 0.115),
            (x - 0.02, y - 0.072),
            (x + 0.060, y - 0.030),
            (x + 0.085, y + 0.055),
            (x + 0.070, y + 0.170),
            (wall + 0.055, y + 0.270),
            (wall + 0.016, y + 0.370),
            (wall + 0.004, 0.15),
            (wall + 0.004, 0.25),
            (wall - 0.006 + 0.25 * body.fat, 0.45),
            (wall + 0.5 * body.fat, 0.90),
        ]
    )
    return np.concatenate([half, (half * np.array([-1, 1]))[::-1]])


def trace_arm(body: Body, *, sign: int, is_portable: bool) -> Points:
    """Return the outline of an upper arm."""
    x, y = shoulder(body)
    spread = 0.09 if is_portable else 0.16
    line = curve(
        [
            (x - 0.01, y + 0.02),
            (x + 0.35 * spread + 0.01, y + 0.12),
            (x + 0.75 * spread + 0.02, y + 0.30),
            (x + 1.2 * spread + 0.04, _FAR),
        ]
    )
    arm = ribbon(line, 0.062 + 0.25 * body.fat)
    return np.asarray(arm * np.array([sign, 1]), dtype=np.float64)


def trace_breast(body: Body, *, sign: int) -> Points:
    """Return the outline of a breast shadow."""
    reach = 0.6 + 0.4 * body.breast
    x = sign * 0.60 * body.cage_half_width
    y = 0.10 + 0.06 * body.breast
    angle = np.linspace(0, 2 * np.pi, 40)
    across = 0.135 * reach * np.cos(angle)
    # The lower border is round and sharp, the upper one runs out.
    down = np.where(np.sin(angle) > 0, 0.105, 0.19) * reach * np.sin(angle)
    return np.column_stack([x + across + sign * 0.03, y + down])
