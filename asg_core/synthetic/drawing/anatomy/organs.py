"""The outlines of lungs, heart, vessels and airways in a frontal chest.

Points in anatomy units (body.py); `sign` is -1 for the patient's right and 1 for the left.
"""

import numpy as np

from asg_core.synthetic.drawing.canvas import Points, curve
from asg_core.synthetic.drawing.changes import Changes
from asg_core.synthetic.world.body import Body

# Fractions of lung height and of cage width, from the apex to the costophrenic angle.
_WALL = (
    (0.000, 0.335),
    (0.012, 0.43),
    (0.050, 0.555),
    (0.115, 0.67),
    (0.215, 0.785),
    (0.360, 0.885),
    (0.520, 0.955),
    (0.700, 0.995),
    (0.860, 1.0),
    (0.950, 0.985),
    (1.000, 0.965),
)
# Fractions of cage width and of the rise of the diaphragm, from the angle inwards.
_DOME = (
    (0.965, 0.0),
    (0.925, 0.30),
    (0.850, 0.58),
    (0.730, 0.83),
    (0.580, 0.97),
    (0.430, 1.0),
    (0.290, 0.93),
    (0.170, 0.76),
    (0.06, 0.60),
)
# Widths of a heart from the midline, heights as fractions from its top to its floor:
# down the right border, and up the left one.
_HEART = (
    (-0.045, 0.00),
    (-0.058, 0.17),
    (-0.074, 0.36),
    (-0.084, 0.58),
    (-0.080, 0.82),
    (-0.050, 1.00),
    (0.030, 1.09),
    (0.110, 1.08),
    (0.172, 1.00),
    (0.204, 0.87),
    (0.198, 0.68),
    (0.168, 0.47),
    (0.126, 0.27),
    (0.088, 0.12),
    (0.058, 0.00),
)


def lung_floor(body: Body, changes: Changes) -> float:
    """Return y of the costophrenic angles."""
    return body.lung_bottom + 0.045 * changes.inflation


def trace_lung(
    body: Body, *, height: float, sign: int, changes: Changes
) -> tuple[Points, Points, Points]:
    """Return the lung, the lung continued downwards, and the diaphragm."""
    top, bottom = body.lung_top, lung_floor(body, changes)
    width = body.cage_half_width * (1 + 0.03 * changes.inflation)
    narrow = body.lung_taper - 0.03 * max(changes.inflation, 0.0)
    length = bottom - top
    lateral = curve(
        [(sign * width * (x - narrow * (1 - f)), top + f * length) for f, x in _WALL]
    )
    # A flat diaphragm is lower in the middle, the angle stays where it is.
    rise = height * (1 - 0.62 * max(changes.inflation, 0.0))
    rise *= 1 + 0.15 * max(-changes.inflation, 0.0)
    dome = curve([(sign * width * x, bottom - rise * up) for x, up in _DOME])
    inner = sign * 0.032
    medial = curve(
        [
            (inner, dome[-1, 1] - 0.01),
            (inner, 0.06),
            (inner, -0.08),
            (sign * 0.034, top + 0.28 * length),
            (sign * 0.045, top + 0.14 * length),
            (sign * 0.064, top + 0.05 * length),
            (sign * 0.088, top + 0.008),
        ]
    )
    below = np.array(
        [
            (sign * width * 0.99, bottom + 0.18),
            (sign * 0.03, bottom + 0.18),
        ]
    )
    lung = np.concatenate([lateral, dome[1:], medial])
    return lung, np.concatenate([lateral, below, medial]), dome


def trace_trachea(body: Body, changes: Changes) -> Points:
    """Return the centre line of the trachea, from the neck to the carina."""
    shift, turn = changes.trachea_shift, changes.turn
    moved = changes.mediastinum_shift
    x = body.trachea_offset
    return curve(
        [
            (0.25 * turn, -0.62),
            (0.4 * turn + 0.2 * shift, -0.40),
            (0.7 * x + 0.5 * turn + 0.75 * shift + 0.5 * moved, -0.28),
            (x + 0.6 * turn + shift + 0.8 * moved, -0.19),
            (x + 0.008 + 0.6 * turn + 0.65 * shift + moved, -0.112),
        ]
    )


def trace_bronchus(carina: Points, hilum: Points) -> Points:
    """Return the centre line of a main bronchus, from the carina to the hilum."""
    middle = carina + np.array([0.52, 0.60]) * (hilum - carina)
    end = carina + np.array([0.95, 1.05]) * (hilum - carina)
    return curve([carina, middle, end])


def trace_knob(body: Body, changes: Changes) -> tuple[float, float, float]:
    """Return x, y and radius of the aortic knob."""
    radius = 0.036 * body.aorta_size * (1 + 0.25 * changes.widening)
    x = 0.040 * body.aorta_size + 0.5 * changes.turn
    x += changes.mediastinum_shift + 0.018 * changes.widening
    return x, -0.158, radius


def trace_mediastinum(
    changes: Changes, *, knob: tuple[float, float, float], heart: Points
) -> Points:
    """Return the upper mediastinum, from the neck down into the heart."""
    x, y, radius = knob
    border = float(heart[:, 0].min())
    wide = 1 + 1.15 * changes.widening
    move = changes.mediastinum_shift + 0.5 * changes.turn
    right = [
        (-0.030, -0.90),
        (-0.034, -0.46),
        (-0.036 * wide + 0.3 * move, -0.36),
        (-0.038 * wide + 0.6 * move, -0.28),
        (-0.046 * wide + move, -0.20),
        (-0.052 * wide + move, -0.12),
        (0.80 * border - 0.020 * changes.widening, -0.035),
        (0.95 * border, 0.045),
        (0.80 * border, 0.12),
    ]
    left = [
        (0.055 + move, 0.08),
        (0.068 * (1 + 0.3 * changes.widening) + move, -0.035),
        (0.060 * (1 + 0.6 * changes.widening) + move, -0.085),
        (x + 0.55 * radius, y + 0.90 * radius),
        (x + 0.98 * radius, y + 0.20 * radius),
        (x + 0.86 * radius, y - 0.55 * radius),
        (x + 0.20 * radius + 0.010 * changes.widening, y - 1.15 * radius),
        (0.040 * wide + 0.6 * move, -0.27),
        (0.038 * wide + 0.3 * move, -0.36),
        (0.034, -0.46),
        (0.030, -0.90),
    ]
    return np.concatenate([curve(right), curve(left)])


def trace_descending_aorta(
    knob: tuple[float, float, float], changes: Changes
) -> Points:
    """Return the centre line of the aorta behind the heart."""
    x, y, radius = knob
    return curve(
        [
            (x + 0.25 * radius, y),
            (0.046 + 0.7 * changes.mediastinum_shift, -0.04),
            (0.034 + 0.5 * changes.mediastinum_shift, 0.10),
            (0.018, 0.30),
        ]
    )


def trace_heart(body: Body, changes: Changes, *, is_portable: bool) -> Points:
    """Return the cardiac silhouette."""
    size = body.heart_size * (1.10 if is_portable else 1.0)
    size *= 1 - 0.10 * max(changes.inflation, 0.0)
    wide = size * (1 + 0.60 * changes.heart_growth)
    floor = lung_floor(body, changes) - 0.60 * min(body.dome_heights)
    floor += 0.035 * max(changes.inflation, 0.0)
    top = -0.055 - 0.02 * changes.heart_growth
    outline = curve(_HEART, is_closed=True)
    # The upper border belongs to the vessels and grows less than the chambers.
    growth = np.interp(outline[:, 1], [0.0, 0.35], [0.5 * (1 + wide), wide])
    x = outline[:, 0] * growth
    y = top + outline[:, 1] * (floor - top)
    pivot = np.array([0.03, 0.5 * (top + floor)])
    angle = body.heart_tilt + 0.10 * max(changes.inflation, 0.0)
    away = np.column_stack([x, y]) - pivot
    turned = away @ np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    )
    moved = turned + pivot
    moved[:, 0] += changes.mediastinum_shift + 0.8 * changes.turn
    return np.asarray(moved, dtype=np.float64)
