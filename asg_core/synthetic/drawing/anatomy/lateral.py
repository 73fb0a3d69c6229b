"""The outlines of a lateral chest: the patient faces the image's left.

x is the distance behind the middle of the chest; y is as in the frontal chest. Both lungs
lie on each other, so places of either side are nearly the same.
"""

import numpy as np

from asg_core.synthetic.drawing.anatomy.frontal import SIDES
from asg_core.synthetic.drawing.canvas import Points, curve, ribbon, smooth_step
from asg_core.synthetic.drawing.changes import Changes
from asg_core.synthetic.drawing.outlines import clip_band, rectangle
from asg_core.synthetic.world.body import Body


def trace_lung(body: Body, changes: Changes, *, offset: float) -> Points:
    """Return the outline of a lung; the domes of both sides differ by `offset`."""
    top, bottom = body.lung_top + 0.02, body.lung_bottom + 0.04 * changes.inflation
    rise = 1 - 0.6 * max(changes.inflation, 0.0)
    wide = 1 + 0.06 * max(changes.inflation, 0.0)
    back = [
        (0.045, top),
        (0.130, top + 0.03),
        (0.205, top + 0.13),
        (0.242 * wide, top + 0.28),
        (0.250 * wide, top + 0.44),
        (0.232, bottom - 0.06),
        (0.205, bottom + 0.030),
    ]
    base = [
        (0.205, bottom + 0.030),
        (0.165, bottom - 0.030 * rise),
        (0.100, bottom - 0.085 * rise),
        (0.010, bottom - 0.118 * rise),
        (-0.080, bottom - 0.112 * rise),
        (-0.150, bottom - 0.080 * rise),
        (-0.195, bottom - 0.045 * rise),
    ]
    front = [
        (-0.195, bottom - 0.045 * rise),
        (-0.222 * wide, bottom - 0.20),
        (-0.215 * wide, -0.03),
        (-0.180, -0.16),
        (-0.120, -0.25),
        (-0.050, top + 0.02),
        (0.045, top),
    ]
    outline = np.concatenate([curve(back)[:-1], curve(base)[:-1], curve(front)[:-1]])
    low = smooth_step(np.asarray((outline[:, 1] - 0.05) / 0.2, dtype=np.float32))
    # The two domes do not cover each other.
    moved = outline + np.column_stack([np.zeros(len(outline)), offset * low])
    return np.asarray(moved, dtype=np.float64)


def trace_spine(changes: Changes) -> Points:
    """Return the centre line of the spine."""
    y = np.linspace(-0.62, 0.85, 50)
    kyphosis = 0.060 + 1.2 * abs(changes.scoliosis)
    x = 0.150 + kyphosis * np.exp(-(((y - 0.0) / 0.25) ** 2)) - 0.02 * y
    return np.column_stack([x, y])


def trace_heart(body: Body, changes: Changes) -> Points:
    """Return the outline of the heart."""
    size = body.heart_size * (1 + 0.38 * changes.heart_growth)
    middle = np.array([-0.070, body.lung_bottom - 0.170])
    outline = curve(
        [
            (-0.075, -0.105),
            (0.015, -0.115),
            (0.080, -0.055),
            (0.085, 0.020),
            (0.045, 0.085),
            (-0.040, 0.108),
            (-0.115, 0.095),
            (-0.135, 0.035),
            (-0.120, -0.045),
        ],
        is_closed=True,
    )
    return np.asarray(middle + size * outline, dtype=np.float64)


def trace_torso(body: Body) -> Points:
    """Return the outline of neck and trunk."""
    fat, bust = body.fat, 0.05 * body.breast
    front = curve(
        [
            (-0.020, -0.80),
            (-0.030, -0.52),
            (-0.070, -0.42),
            (-0.170, -0.28),
            (-0.225 - fat, -0.12),
            (-0.245 - fat - bust, 0.03),
            (-0.240 - fat - 0.5 * bust, 0.14),
            (-0.235 - fat, 0.28),
            (-0.250 - 1.3 * fat, 0.55),
            (-0.250 - 1.3 * fat, 0.90),
        ]
    )
    back = curve(
        [
            (0.230 + fat, 0.90),
            (0.225 + fat, 0.50),
            (0.255 + fat, 0.25),
            (0.280 + fat, 0.02),
            (0.265 + fat, -0.18),
            (0.210 + fat, -0.36),
            (0.150, -0.52),
            (0.150, -0.80),
        ]
    )
    return np.concatenate([front, back])


def lateral_guides(
    body: Body, *, trachea: Points, spine: Points, heart: Points, hilum: Points
) -> dict[str, Points]:
    """Return the lines that devices follow."""
    angle = np.linspace(-np.pi, 0.1 * np.pi, 16)
    arch = np.column_stack(
        [0.020 + 0.075 * np.cos(angle), -0.115 + 0.055 * np.sin(angle)]
    )
    svc = curve([(-0.015, -0.23), (-0.030, -0.12), (-0.045, -0.02), (-0.050, 0.09)])
    apex = heart[np.argmin(heart[:, 0])]
    collar = curve([(-0.12, -0.26), (-0.06, -0.30), (0.0, -0.32)])
    return {
        "trachea": trachea,
        "svc": svc,
        "sternum": np.array([(-0.195, -0.20), (-0.235, 0.10)]),
        "spine": spine,
        "aortic arch": arch,
        "right ventricle": np.array([svc[-1], apex + np.array([0.03, 0.04])]),
        "right clavicle": collar,
        "left clavicle": collar + np.array([0.02, 0.0]),
        "right hilum": hilum[None],
        "left hilum": hilum[None],
    }


def lateral_places(
    outlines: dict[str, Points], *, heart: Points, hilum: Points, spine: Points
) -> dict[str, Points]:
    """Return an outline of every place that has one in a frontal image."""
    places: dict[str, Points] = {
        "trachea": rectangle(0.01, -0.45, 0.08, -0.10),
        "spine": ribbon(spine[(spine[:, 1] > -0.5) & (spine[:, 1] < 0.5)], 0.04),
        "aortic arch": rectangle(-0.07, -0.18, 0.10, -0.08),
        "mediastinum": rectangle(-0.15, -0.30, 0.10, 0.22),
        "upper mediastinum": rectangle(-0.12, -0.30, 0.10, -0.05),
        "svc": rectangle(-0.06, -0.22, 0.0, -0.03),
        "cardiac silhouette": heart,
        "cavoatrial junction": rectangle(-0.07, -0.04, -0.02, 0.03),
        "right atrium": rectangle(-0.10, 0.0, 0.0, 0.14),
        "carina": rectangle(0.0, -0.14, 0.07, -0.09),
        "abdomen": rectangle(-0.25, 0.18, 0.25, 0.46),
    }
    for side, sign in SIDES:
        lung = outlines[side]
        top, bottom = float(lung[:, 1].min()), float(lung[:, 1].max())
        length = bottom - top - 0.06
        shift = 0.015 * sign
        low = lung[np.argmax(lung[:, 1])]
        places |= {
            f"{side} lung": lung,
            f"{side} upper lung zone": clip_band(
                lung, low=top, high=top + 0.38 * length
            ),
            f"{side} mid lung zone": clip_band(
                lung, low=top + 0.38 * length, high=top + 0.66 * length
            ),
            f"{side} lower lung zone": clip_band(
                lung, low=top + 0.66 * length, high=bottom
            ),
            f"{side} apical zone": clip_band(lung, low=top, high=top + 0.10),
            f"{side} hilar structures": hilum
            + rectangle(-0.045, -0.06 + shift, 0.045, 0.06 + shift),
            f"{side} costophrenic angle": low + rectangle(-0.09, -0.09, 0.02, 0.01),
            f"{side} hemidiaphragm": clip_band(lung, low=bottom - 0.15, high=bottom),
            f"{side} clavicle": rectangle(-0.14, -0.34, 0.02, -0.25),
            f"{side} ribs": clip_band(lung, low=top + 0.1, high=bottom - 0.05),
            f"{side} chest wall": rectangle(
                -0.235, -0.12 + shift, -0.155, -0.02 + shift
            ),
        }
    return places


def lateral_breaks(changes: Changes) -> dict[str, list[tuple[Points, float]]]:
    """Return the broken bones by place, with where they broke."""
    breaks: dict[str, list[tuple[Points, float]]] = {}
    for fracture in changes.fractures:
        y = -0.25 + 0.062 * fracture.number
        line = curve([(0.22, y), (0.12, y + 0.08), (0.0, y + 0.15), (-0.12, y + 0.18)])
        if fracture.place.endswith("clavicle"):
            line = curve([(-0.12, -0.26), (-0.06, -0.30), (0.0, -0.32)])
        breaks.setdefault(fracture.place, []).append((line, fracture.where))
    return breaks
