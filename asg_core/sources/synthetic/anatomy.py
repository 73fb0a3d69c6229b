"""The outlines of a frontal chest: a body in a view, bent by what is wrong with it.

Outlines are (N, 2) points in anatomy units (body.py). "right" and "left" are the
patient's: the right side has negative x and is on the image's left.
"""

from dataclasses import dataclass

import numpy as np

from asg_core.sources.synthetic.body import Body
from asg_core.sources.synthetic.canvas import Points, curve, ribbon
from asg_core.terms.views import View

SIDES: tuple[tuple[str, int], ...] = (("right", -1), ("left", 1))
"""The patient's sides and the sign of x on them."""

_FAR = 0.9  # beyond every film


@dataclass(frozen=True, slots=True, kw_only=True)
class Fracture:
    """A broken bone."""

    place: str
    """A clavicle or the ribs of a side."""

    number: int
    """0-based number of the rib; 0 for a clavicle."""

    where: float
    """Fraction of the bone's length from its inner end."""

    step: float
    """How far the outer piece is displaced downwards, anatomy units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How findings, breathing and turning bend the outlines; all zero is normal."""

    heart_growth: float = 0.0
    """0 is normal, 1 a heart about half as wide again."""

    widening: float = 0.0
    """0 is normal, 1 a very wide upper mediastinum."""

    mediastinum_shift: float = 0.0
    """x by which heart, mediastinum and trachea move."""

    trachea_shift: float = 0.0
    """x by which the trachea moves at the level of the aortic arch."""

    inflation: float = 0.0
    """-1 is a poor breath, 1 hyperinflated lungs with flat diaphragms."""

    scoliosis: float = 0.0
    """x amplitude of the spine's curve."""

    hernia: float = 0.0
    """Share of the stomach that lies above the diaphragm."""

    fractures: tuple[Fracture, ...] = ()

    turn: float = 0.0
    """x by which the front of the chest moves against its back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """The outlines of one frontal radiograph."""

    lungs: dict[str, Points]
    """By side; the medial border runs behind heart and mediastinum."""

    cages: dict[str, Points]
    """By side: the lung, continued below the diaphragm."""

    domes: dict[str, Points]
    """By side: the diaphragm from the costophrenic angle to the midline."""

    heart: Points
    mediastinum: Points
    descending_aorta: Points
    knob: tuple[float, float, float]
    """x, y and radius of the aortic knob."""

    trachea: Points
    """Centre line from the neck to the carina."""

    bronchi: dict[str, Points]
    """By side: centre line from the carina to the hilum."""

    hila: dict[str, Points]
    """By side: where the vessels enter the lung, (2,)."""

    spine: Points
    """Centre line from the neck to below the film."""

    ribs: dict[str, list[Points]]
    """By side, from the first: centre line from the spine round to the front."""

    clavicles: dict[str, Points]
    """By side: centre line from the sternum to the shoulder."""

    pieces: dict[str, list[Points]]
    """By place: the clavicles and ribs as they are drawn, broken ones in two."""

    scapulae: dict[str, Points]
    humeri: dict[str, Points]
    """By side: centre line of the shaft, from the head down."""

    torso: Points
    arms: dict[str, Points]
    breasts: dict[str, Points]


def build_anatomy(body: Body, *, view: View, changes: Changes) -> Anatomy:
    """Return the outlines of `body` in a PA or AP view."""
    is_portable = view is View.AP
    spine = _spine(body, changes)
    lungs: dict[str, Points] = {}
    cages: dict[str, Points] = {}
    domes: dict[str, Points] = {}
    for index, (side, sign) in enumerate(SIDES):
        lungs[side], cages[side], domes[side] = _lung(
            body, height=body.dome_heights[index], sign=sign, changes=changes
        )
    front = changes.turn + changes.mediastinum_shift
    trachea = _trachea(body, changes)
    carina = trachea[-1]
    hila = {
        "right": np.array([-0.078 + 0.7 * front, body.hilum_height + 0.014]),
        "left": np.array([0.082 + 0.7 * front, body.hilum_height]),
    }
    knob = _knob(body, changes)
    heart = _heart(body, changes, is_portable=is_portable)
    cage = body.cage_half_width * (1 + 0.03 * changes.inflation)
    ribs = {
        side: _ribs(body, cage=cage, sign=sign, spine=spine) for side, sign in SIDES
    }
    clavicles = {
        side: _clavicle(body, changes, sign=sign, is_portable=is_portable)
        for side, sign in SIDES
    }
    return Anatomy(
        lungs=lungs,
        cages=cages,
        domes=domes,
        heart=heart,
        mediastinum=_mediastinum(changes, knob=knob, heart=heart),
        descending_aorta=_descending_aorta(knob, changes),
        knob=knob,
        trachea=trachea,
        bronchi={side: _bronchus(carina, hila[side]) for side, _ in SIDES},
        hila=hila,
        spine=spine,
        ribs=ribs,
        clavicles=clavicles,
        pieces=_break(ribs, clavicles, changes.fractures),
        scapulae={
            side: _scapula(body, sign=sign, is_portable=is_portable)
            for side, sign in SIDES
        },
        humeri={
            side: _humerus(body, sign=sign, is_portable=is_portable)
            for side, sign in SIDES
        },
        torso=_torso(body),
        arms={side: _arm(body, sign, is_portable=is_portable) for side, sign in SIDES},
        breasts={side: _breast(body, sign) for side, sign in SIDES}
        if body.breast > 0
        else {},
    )


def spine_x(spine: Points, y: float) -> float:
    """Return x of the spine's centre line at height `y`."""
    return float(np.interp(y, spine[:, 1], spine[:, 0]))


def lung_floor(body: Body, changes: Changes) -> float:
    """Return y of the costophrenic angles."""
    return body.lung_bottom + 0.045 * changes.inflation


def _lung(
    body: Body, *, height: float, sign: int, changes: Changes
) -> tuple[Points, Points, Points]:
    """Return the lung, the lung continued downwards, and the diaphragm."""
    top, bottom = body.lung_top, lung_floor(body, changes)
    width = body.cage_half_width * (1 + 0.03 * changes.inflation)
    narrow = body.lung_taper - 0.03 * max(changes.inflation, 0.0)
    length = bottom - top
    # Fractions of lung height and of cage width, from the apex to the angle.
    wall = [
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
    ]
    lateral = curve(
        [
            (sign * width * (x - narrow * (1 - f)), top + f * length)
            for f, x in wall
        ]
    )
    # A flat diaphragm is lower in the middle, the angle stays where it is.
    rise = height * (1 - 0.62 * max(changes.inflation, 0.0))
    rise *= 1 + 0.15 * max(-changes.inflation, 0.0)
    profile = [
        (0.965, 0.0),
        (0.925, 0.30),
        (0.850, 0.58),
        (0.730, 0.83),
        (0.580, 0.97),
        (0.430, 1.0),
        (0.290, 0.93),
        (0.170, 0.76),
        (0.06, 0.60),
    ]
    dome = curve([(sign * width * x, bottom - rise * up) for x, up in profile])
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


def _spine(body: Body, changes: Changes) -> Points:
    y = np.linspace(-0.62, 0.85, 50)
    sway = body.spine_sway * np.sin(2.2 * np.pi * (y + 0.2))
    bend = changes.scoliosis * np.sin(np.pi * (y + 0.36) / 0.62)
    # The curve reverses above and below the chest and fades out.
    bend *= np.exp(-((np.maximum(np.abs(y + 0.02) - 0.42, 0.0) / 0.15) ** 2))
    return np.column_stack([sway + bend, y])


def _trachea(body: Body, changes: Changes) -> Points:
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


def _bronchus(carina: Points, hilum: Points) -> Points:
    middle = carina + np.array([0.52, 0.60]) * (hilum - carina)
    end = carina + np.array([0.95, 1.05]) * (hilum - carina)
    return curve([carina, middle, end])


def _knob(body: Body, changes: Changes) -> tuple[float, float, float]:
    radius = 0.036 * body.aorta_size * (1 + 0.25 * changes.widening)
    x = 0.040 * body.aorta_size + 0.5 * changes.turn
    x += changes.mediastinum_shift + 0.018 * changes.widening
    return x, -0.158, radius


def _mediastinum(
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


def _descending_aorta(
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


def _heart(body: Body, changes: Changes, *, is_portable: bool) -> Points:
    """Return the cardiac silhouette."""
    size = body.heart_size * (1.10 if is_portable else 1.0)
    size *= 1 - 0.10 * max(changes.inflation, 0.0)
    wide = size * (1 + 0.60 * changes.heart_growth)
    floor = lung_floor(body, changes) - 0.60 * min(body.dome_heights)
    floor += 0.035 * max(changes.inflation, 0.0)
    top = -0.055 - 0.02 * changes.heart_growth
    # Widths from the midline, heights as fractions from top to floor.
    right = [
        (-0.045, 0.00),
        (-0.058, 0.17),
        (-0.074, 0.36),
        (-0.084, 0.58),
        (-0.080, 0.82),
        (-0.050, 1.00),
    ]
    left = [
        (0.030, 1.09),
        (0.110, 1.08),
        (0.172, 1.00),
        (0.204, 0.87),
        (0.198, 0.68),
        (0.168, 0.47),
        (0.126, 0.27),
        (0.088, 0.12),
        (0.058, 0.00),
    ]
    outline = curve([*right, *left], is_closed=True)
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
    return moved


def _ribs(body: Body, *, cage: float, sign: int, spine: Points) -> list[Points]:
    """Return ten ribs, each a tilted ring seen from the front."""
    rng = np.random.default_rng((body.seed, 11))
    # cos(angle) runs from the spine (1) over the flank (0) to the front (-1).
    ribs = []
    for number in range(10):
        # The lower ribs end at the costal margin, far from the sternum.
        front = np.interp(number, [0, 5, 9], [0.80, 0.80, 0.60])
        angle = np.linspace(0.06, front * np.pi, 26)
        out, drop = np.sin(angle), (1 - np.cos(angle)) / 2
        level = number / 9
        y = body.lung_top + 0.012 + 0.555 * level**0.93
        y += 0.004 * rng.standard_normal()
        wall = cage * np.interp(
            number, [0, 1, 2, 3, 5, 7, 9], [0.52, 0.735, 0.86, 0.93, 1.0, 1.035, 1.035]
        )
        fall = body.rib_slope * np.interp(
            number, [0, 1, 3, 6, 9], [0.085, 0.135, 0.185, 0.225, 0.25]
        )
        head = spine_x(spine, y)
        root = 0.028
        # Near the spine the rib climbs a little before it falls.
        hump = 0.010 * np.exp(-(((angle - 0.35) / 0.3) ** 2))
        x = head + sign * (root + (wall - root) * out**0.92 - sign * head * out)
        ribs.append(np.column_stack([x, y + fall * drop**0.95 - hump]))
    return ribs


def _clavicle(
    body: Body, changes: Changes, *, sign: int, is_portable: bool
) -> Points:
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
            (sign * 0.315, start - 1.10 * rise),
            (sign * 0.365, start - 0.92 * rise),
        ]
    )


def _break(
    ribs: dict[str, list[Points]],
    clavicles: dict[str, Points],
    fractures: tuple[Fracture, ...],
) -> dict[str, list[Points]]:
    pieces: dict[str, list[Points]] = {}
    for side, _ in SIDES:
        for place, lines in (
            (f"{side} ribs", ribs[side]),
            (f"{side} clavicle", [clavicles[side]]),
        ):
            broken = {f.number: f for f in fractures if f.place == place}
            pieces[place] = []
            for number, line in enumerate(lines):
                pieces[place] += _snap(line, broken.get(number))
    return pieces


def _snap(line: Points, fracture: Fracture | None) -> list[Points]:
    if fracture is None:
        return [line]
    cut = min(max(round(fracture.where * len(line)), 3), len(line) - 4)
    # The outer piece hangs at the break and is held at its far end.
    outer = line[cut:].copy()
    hold = np.linspace(1, 0, len(outer))
    outer[:, 1] += fracture.step * hold
    return [line[: cut + 1], outer]


def _scapula(body: Body, *, sign: int, is_portable: bool) -> Points:
    """Return the blade; in AP views the arms do not pull it off the lung."""
    x = body.cage_half_width + (-0.075 if is_portable else 0.012)
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


def _shoulder(body: Body) -> tuple[float, float]:
    return body.cage_half_width + 0.100, body.lung_top + body.shoulder_drop - 0.005


def _humerus(body: Body, *, sign: int, is_portable: bool) -> Points:
    x, y = _shoulder(body)
    spread = 0.09 if is_portable else 0.16
    return np.array(
        [
            (sign * (x + 0.004), y + 0.010),
            (sign * (x + 0.35 * spread + 0.01), y + 0.10),
            (sign * (x + spread + 0.02), y + 0.45),
        ]
    )


def _torso(body: Body) -> Points:
    """Return neck, shoulders and trunk in one outline."""
    wall = body.cage_half_width + body.fat
    x, y = _shoulder(body)
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
            (x + 0.062, y + 0.170),
            (wall + 0.030, y + 0.250),
            (wall + 0.008, y + 0.330),
            (wall + 0.004, 0.10),
            (wall + 0.004, 0.25),
            (wall - 0.006 + 0.25 * body.fat, 0.45),
            (wall + 0.5 * body.fat, 0.90),
        ]
    )
    return np.concatenate([half, (half * np.array([-1, 1]))[::-1]])


def _arm(body: Body, sign: int, *, is_portable: bool) -> Points:
    x, y = _shoulder(body)
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
    return arm * np.array([sign, 1])


def _breast(body: Body, sign: int) -> Points:
    reach = 0.6 + 0.4 * body.breast
    x = sign * 0.60 * body.cage_half_width
    y = 0.10 + 0.06 * body.breast
    angle = np.linspace(0, 2 * np.pi, 40)
    across = 0.135 * reach * np.cos(angle)
    # The lower border is round and sharp, the upper one runs out.
    down = np.where(np.sin(angle) > 0, 0.105, 0.19) * reach * np.sin(angle)
    return np.column_stack([x + across + sign * 0.03, y + down])
