"""The bones of a frontal chest, broken ones included.

Points in anatomy units (body.py); `sign` is -1 for the patient's right and 1 for the left.
"""

import numpy as np

from asg_core.synthetic.drawing.anatomy.wall import shoulder
from asg_core.synthetic.drawing.canvas import Points, curve
from asg_core.synthetic.drawing.changes import Changes, Fracture
from asg_core.synthetic.world.body import Body

RIB_POINTS, RIB_FLANK = 26, 15
"""Points of a rib's centre line, and how many of them lie behind the flank."""


def trace_spine(body: Body, changes: Changes) -> Points:
    """Return the centre line of the spine, from the neck to below the film."""
    y = np.linspace(-0.62, 0.85, 50)
    sway = body.spine_sway * np.sin(2.2 * np.pi * (y + 0.2))
    bend = changes.scoliosis * np.sin(np.pi * (y + 0.36) / 0.62)
    # The curve reverses above and below the chest and fades out.
    bend *= np.exp(-((np.maximum(np.abs(y + 0.02) - 0.42, 0.0) / 0.15) ** 2))
    return np.column_stack([sway + bend, y])


def trace_ribs(body: Body, *, cage: float, sign: int, spine: Points) -> list[Points]:
    """Return ten ribs, each a tilted ring seen from the front."""
    rng = np.random.default_rng((body.seed, 11))
    number = np.arange(10)
    # cos(angle) runs from the spine (1) over the flank (0) to the front (-1). The
    # lower ribs end at the costal margin, far from the sternum.
    front = np.pi * np.interp(number, [0, 5, 9], [0.80, 0.80, 0.60])
    back = np.linspace(0.06, 0.5 * np.pi, RIB_FLANK)
    rest = np.linspace(0.5 * np.pi, front, RIB_POINTS - RIB_FLANK + 1, axis=1)[:, 1:]
    angle = np.concatenate([np.broadcast_to(back, (10, RIB_FLANK)), rest], axis=1)
    out, drop = np.sin(angle), (1 - np.cos(angle)) / 2
    y = body.lung_top + 0.012 + 0.555 * (number / 9) ** 0.93
    y += 0.004 * rng.standard_normal(10)
    wall = cage * np.interp(
        number, [0, 1, 2, 3, 5, 7, 9], [0.52, 0.735, 0.86, 0.93, 1.0, 1.035, 1.035]
    )
    fall = body.rib_slope * np.interp(
        number, [0, 1, 3, 6, 9], [0.085, 0.135, 0.185, 0.225, 0.25]
    )
    head = np.interp(y, spine[:, 1], spine[:, 0])[:, None]
    root = 0.028
    # Near the spine the rib climbs a little before it falls.
    hump = 0.010 * np.exp(-(((angle - 0.35) / 0.3) ** 2))
    x = head + sign * (root + (wall[:, None] - root) * out**0.92) - head * out
    return list(np.stack([x, y[:, None] + fall[:, None] * drop**0.95 - hump], axis=-1))


def trace_clavicle(
    body: Body, changes: Changes, *, sign: int, is_portable: bool
) -> Points:
    """Return the centre line of a clavicle, from the sternum to the shoulder."""
    lift = 0.035 if is_portable else 0.0
    rise = 0.055 - 0.35 * (body.shoulder_drop - 0.075) + 0.3 * lift
    start = body.lung_top + 0.130 - lift
    front = changes.turn
    return curve(
        [
            (sign * 0.030 + front, start),
            (sign * 0.085 + 0.9 * front, start - 0.20 * rise),
            (sign * 0.165 + 0.5 * front, start - 0.72 * rise),
            (sign * 0.245 + 0.2 * front, start - 1.15 * rise),
            (sign * 0.325, start - 1.15 * rise),
            (sign * 0.405, start - 0.95 * rise),
        ]
    )


def break_bones(
    ribs: dict[str, list[Points]],
    clavicles: dict[str, Points],
    fractures: tuple[Fracture, ...],
) -> dict[str, list[Points]]:
    """Return the bones by place ("left ribs", ...), broken ones with a step."""
    pieces: dict[str, list[Points]] = {}
    for side, lines_of_side in ribs.items():
        for place, lines in (
            (f"{side} ribs", lines_of_side),
            (f"{side} clavicle", [clavicles[side]]),
        ):
            broken = {f.number: f for f in fractures if f.place == place}
            pieces[place] = [
                _snap(line, broken[number]) if number in broken else line
                for number, line in enumerate(lines)
            ]
    return pieces


def _snap(line: Points, fracture: Fracture) -> Points:
    cut = min(max(round(fracture.where * len(line)), 3), len(line) - 4)
    # The outer piece hangs at the break and is held at its far end.
    outer = line[cut:].copy()
    hold = np.linspace(1, 0, len(outer))
    outer[:, 1] += fracture.step * hold
    return np.concatenate([line[:cut], outer])


def trace_scapula(body: Body, *, sign: int, is_portable: bool) -> Points:
    """Return the blade; in AP views the arms do not pull it off the lung."""
    x = body.cage_half_width + (-0.060 if is_portable else 0.020)
    y = body.lung_top + (0.06 if is_portable else 0.075)
    blade = curve(
        [
            (0.010, 0.000),
            (0.060, 0.010),
            (0.105, 0.045),
            (0.100, 0.085),
            (0.075, 0.150),
            (0.045, 0.260),
            (0.020, 0.300),
            (-0.002, 0.270),
            (-0.010, 0.150),
            (-0.005, 0.050),
        ],
        is_closed=True,
    )
    return np.column_stack([sign * (x + blade[:, 0]), y + blade[:, 1]])


def trace_humerus(body: Body, *, sign: int, is_portable: bool) -> Points:
    """Return the centre line of an upper arm bone, from its head down."""
    x, y = shoulder(body)
    spread = 0.09 if is_portable else 0.16
    return np.array(
        [
            (sign * (x + 0.004), y + 0.010),
            (sign * (x + 0.35 * spread + 0.01), y + 0.10),
            (sign * (x + spread + 0.02), y + 0.45),
        ]
    )
