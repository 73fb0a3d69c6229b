"""Draws a lateral chest: the patient faces the image's left.

x is the distance behind the middle of the chest; y is as in the frontal chest. Both lungs
lie on each other, so places of either side are drawn nearly at the same spot.
"""

import numpy as np

from asg_core.sources.synthetic.anatomy import SIDES, Changes
from asg_core.sources.synthetic.body import Body
from asg_core.sources.synthetic.canvas import (
    Canvas,
    Floats,
    Points,
    curve,
    ribbon,
    smooth_step,
)
from asg_core.sources.synthetic.places import Spot, clip_band, make_spot
from asg_core.sources.synthetic.scene import Scene
from asg_core.sources.synthetic.texture import cloud, parenchyma
from asg_core.sources.synthetic.vessels import draw_tree

_AIR = 0.64


def draw_lateral(
    canvas: Canvas, *, body: Body, changes: Changes, rng: np.random.Generator
) -> Scene:
    """Draw a lateral chest with nothing in it but what `changes` bent."""
    outlines = {
        side: _lung(body, changes, offset=0.010 * sign) for side, sign in SIDES
    }
    lungs = {
        side: canvas.blur(canvas.fill(line), sigma=0.003, min_pixels=0.5)
        for side, line in outlines.items()
    }
    both = np.minimum(lungs["right"], lungs["left"])
    spine = _spine(changes)
    heart = _heart(body, changes)
    texture = parenchyma(rng, height=canvas.height, width=canvas.width)
    trachea = curve([(0.060, -0.62), (0.045, -0.40), (0.028, -0.25), (0.036, -0.11)])
    soft = _draw_soft(
        canvas, body=body, heart=heart, both=both, changes=changes, rng=rng
    )
    airway = canvas.fill(ribbon(trachea, 0.019))
    soft -= 0.14 * canvas.blur(airway, sigma=0.004)
    soft += _draw_abdomen(canvas, outlines, both=both)
    depth = canvas.dome(np.maximum(lungs["right"], lungs["left"]), radius=0.11)
    air = _AIR * (0.5 * lungs["right"] + 0.5 * lungs["left"]) * (0.45 + 0.55 * depth)
    air *= 1.0 + 0.10 * changes.inflation + 0.022 * texture
    # Shoulders and arms cover the upper third.
    air *= 0.62 + 0.38 * smooth_step((canvas.y + 0.30) / 0.20)
    hilum = np.array([0.040, body.hilum_height])
    guides = _guides(body, trachea=trachea, spine=spine, heart=heart, hilum=hilum)
    return Scene(
        canvas=canvas,
        soft=soft,
        bone=_draw_bones(canvas, body=body, spine=spine),
        metal=canvas.blank(),
        air=air,
        vessels=_draw_vessels(canvas, hilum, body=body) * both,
        lungs=lungs,
        texture=texture,
        spots=_spots(outlines, heart=heart, hilum=hilum, spine=spine),
        outlines=outlines,
        guides=guides,
        breaks=_breaks(changes),
    )


def _lung(body: Body, changes: Changes, *, offset: float) -> Points:
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
    return outline + np.column_stack([np.zeros(len(outline)), offset * low])


def _spine(changes: Changes) -> Points:
    y = np.linspace(-0.62, 0.85, 50)
    kyphosis = 0.060 + 1.2 * abs(changes.scoliosis)
    x = 0.150 + kyphosis * np.exp(-(((y - 0.0) / 0.25) ** 2)) - 0.02 * y
    return np.column_stack([x, y])


def _heart(body: Body, changes: Changes) -> Points:
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
    return middle + size * outline


def _torso(body: Body) -> Points:
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


def _draw_soft(
    canvas: Canvas,
    *,
    body: Body,
    heart: Points,
    both: Floats,
    changes: Changes,
    rng: np.random.Generator,
) -> Floats:
    torso = canvas.fill(_torso(body))
    soft = 0.35 * canvas.dome(torso, radius=0.05) + 0.72 * canvas.dome(torso, radius=0.2)
    soft *= body.thickness
    # Arms are held up: they cross the neck and the apex.
    arm = canvas.fill(
        ribbon(curve([(0.06, -0.26), (-0.02, -0.42), (-0.16, -0.75)]), 0.085)
    )
    soft += 0.30 * canvas.blur(canvas.dome(arm, radius=0.07), sigma=0.012)
    soft += 0.05 * cloud(rng, height=canvas.height, width=canvas.width, cells=5) * torso
    mass = canvas.fill(heart) * both
    soft += 0.16 * canvas.dome(mass, radius=0.05) + 0.20 * canvas.dome(mass, radius=0.11)
    arch = curve(
        [(-0.085, 0.03), (-0.090, -0.10), (-0.02, -0.165), (0.06, -0.145), (0.12, -0.04)]
    )
    width = 0.034 * body.aorta_size * (1 + 0.7 * changes.widening)
    soft += 0.09 * canvas.dome(canvas.fill(ribbon(arch, width)), radius=0.03)
    return canvas.blur(soft, sigma=0.003, min_pixels=0.6)


def _draw_abdomen(
    canvas: Canvas, outlines: dict[str, Points], *, both: Floats
) -> Floats:
    layer = canvas.blank()
    for side, strength in (("right", 0.13), ("left", 0.11)):
        outline = outlines[side]
        low = int(np.argmax(outline[:, 1]))
        dome = outline[low : low + 48]
        front, back = float(dome[-1, 0]), float(dome[0, 0])
        below = canvas.fill(np.concatenate([dome, [(front, 1.2), (back, 1.2)]]))
        below *= smooth_step((canvas.x - front + 0.01) / 0.05)
        below *= smooth_step((back + 0.01 - canvas.x) / 0.05)
        layer += strength * below * (1.0 - both)
    return canvas.blur(layer, sigma=0.003, min_pixels=0.6)


def _draw_bones(canvas: Canvas, *, body: Body, spine: Points) -> Floats:
    bone = canvas.blank()
    outer, inner = [], []
    for number in range(9):
        y = body.lung_top + 0.03 + 0.062 * number
        for shift in (-0.010, 0.012):
            reach = np.interp(number, [0, 3, 8], [0.10, 0.30, 0.42])
            line = curve(
                [
                    (0.215 + shift, y),
                    (0.225 + shift, y + 0.035),
                    (0.215 - 0.35 * reach, y + 0.10),
                    (0.215 - 0.75 * reach, y + 0.17),
                    (0.215 - reach, y + 0.185),
                ]
            )
            outer.append(ribbon(line, 0.0100))
            inner.append(ribbon(line, 0.0066))
    rib, core = canvas.fill(*outer), canvas.fill(*inner)
    bone += 0.045 * rib + 0.07 * np.maximum(rib - core, 0.0)
    sternum = curve([(-0.150, -0.24), (-0.222, -0.06), (-0.232, 0.10)])
    bone += 0.08 * canvas.fill(ribbon(sternum, 0.011))
    blades = [
        curve([(0.150 + s, -0.28), (0.205 + s, -0.16), (0.235 + s, -0.05)])
        for s in (0.0, 0.028)
    ]
    bone += 0.07 * canvas.stroke(blades, width=0.010)
    bodies, plates = [], []
    for y in np.arange(-0.58, 0.75, 0.052):
        x = float(np.interp(y, spine[:, 1], spine[:, 0]))
        bodies.append(_rectangle(x - 0.034, y - 0.021, x + 0.034, y + 0.021))
        plates += [
            np.array([(x - 0.034, y + edge), (x + 0.034, y + edge)])
            for edge in (-0.021, 0.021)
        ]
    bone += 0.12 * canvas.fill(*bodies) + 0.07 * canvas.stroke(plates, width=0.0045)
    arches = canvas.fill(ribbon(spine + np.array([0.060, 0.0]), 0.026))
    bone += 0.07 * canvas.blur(arches, sigma=0.008)
    bone *= np.float32(body.rib_density)
    return canvas.blur(bone, sigma=0.0018, min_pixels=0.5)


def _draw_vessels(canvas: Canvas, hilum: Points, *, body: Body) -> Floats:
    layer = canvas.blank()
    for index, sign in enumerate((-1, 1)):
        rng = np.random.default_rng((body.seed, 31 + index))
        tree = 0.11 * draw_tree(canvas, hilum, sign=sign, rng=rng, crowding=0.85)
        layer = np.maximum(layer, canvas.blur(tree, sigma=0.0018, min_pixels=0.4))
    layer += 0.15 * canvas.blur(
        canvas.disc(hilum, radius=0.040, softness=0.8), sigma=0.006
    )
    return layer * np.float32(body.vessel_density)


def _guides(
    body: Body, *, trachea: Points, spine: Points, heart: Points, hilum: Points
) -> dict[str, Points]:
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


def _spots(
    outlines: dict[str, Points], *, heart: Points, hilum: Points, spine: Points
) -> dict[str, Spot]:
    """Return a spot for every place that a frontal image has one for."""
    places: dict[str, Points] = {
        "trachea": _rectangle(0.01, -0.45, 0.08, -0.10),
        "spine": ribbon(spine[(spine[:, 1] > -0.5) & (spine[:, 1] < 0.5)], 0.04),
        "aortic arch": _rectangle(-0.07, -0.18, 0.10, -0.08),
        "mediastinum": _rectangle(-0.15, -0.30, 0.10, 0.22),
        "upper mediastinum": _rectangle(-0.12, -0.30, 0.10, -0.05),
        "svc": _rectangle(-0.06, -0.22, 0.0, -0.03),
        "cardiac silhouette": heart,
        "cavoatrial junction": _rectangle(-0.07, -0.04, -0.02, 0.03),
        "right atrium": _rectangle(-0.10, 0.0, 0.0, 0.14),
        "carina": _rectangle(0.0, -0.14, 0.07, -0.09),
        "abdomen": _rectangle(-0.25, 0.18, 0.25, 0.46),
    }
    for side, sign in SIDES:
        lung = outlines[side]
        top, bottom = float(lung[:, 1].min()), float(lung[:, 1].max())
        length = bottom - top - 0.06
        shift = 0.015 * sign
        low = lung[np.argmax(lung[:, 1])]
        places |= {
            f"{side} lung": lung,
            f"{side} upper lung zone": clip_band(lung, low=top, high=top + 0.38 * length),
            f"{side} mid lung zone": clip_band(
                lung, low=top + 0.38 * length, high=top + 0.66 * length
            ),
            f"{side} lower lung zone": clip_band(
                lung, low=top + 0.66 * length, high=bottom
            ),
            f"{side} apical zone": clip_band(lung, low=top, high=top + 0.10),
            f"{side} hilar structures": hilum
            + _rectangle(-0.045, -0.06 + shift, 0.045, 0.06 + shift),
            f"{side} costophrenic angle": low + _rectangle(-0.09, -0.09, 0.02, 0.01),
            f"{side} hemidiaphragm": clip_band(lung, low=bottom - 0.15, high=bottom),
            f"{side} clavicle": _rectangle(-0.14, -0.34, 0.02, -0.25),
            f"{side} ribs": clip_band(lung, low=top + 0.1, high=bottom - 0.05),
            f"{side} chest wall": _rectangle(
                -0.235, -0.12 + shift, -0.155, -0.02 + shift
            ),
        }
    return {place: make_spot(place, outline) for place, outline in places.items()}


def _breaks(changes: Changes) -> dict[str, list[tuple[Points, float]]]:
    breaks: dict[str, list[tuple[Points, float]]] = {}
    for fracture in changes.fractures:
        y = -0.25 + 0.062 * fracture.number
        line = curve([(0.22, y), (0.12, y + 0.08), (0.0, y + 0.15), (-0.12, y + 0.18)])
        if fracture.place.endswith("clavicle"):
            line = curve([(-0.12, -0.26), (-0.06, -0.30), (0.0, -0.32)])
        breaks.setdefault(fracture.place, []).append((line, fracture.where))
    return breaks


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> Points:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
