"""Draws the normal frontal chest, layer by layer."""

import numpy as np

from asg_core.synthetic.drawing.anatomy.frontal import SIDES, Anatomy
from asg_core.synthetic.drawing.canvas import (
    Canvas,
    Floats,
    Points,
    curve,
    ribbon,
    rounded,
    smooth_step,
)
from asg_core.synthetic.drawing.changes import Changes
from asg_core.synthetic.drawing.places import frontal_places
from asg_core.synthetic.drawing.scene import Scene
from asg_core.synthetic.drawing.skeleton import draw_skeleton
from asg_core.synthetic.drawing.texture import cloud, parenchyma
from asg_core.synthetic.drawing.vessels import Root, draw_tree
from asg_core.synthetic.world.body import Body
from asg_core.terms.views import View

_AIR = 0.75  # how much of the torso's attenuation a full lung takes away


def draw_frontal(
    canvas: Canvas,
    anatomy: Anatomy,
    *,
    body: Body,
    view: View,
    changes: Changes,
    regions: dict[str, Points],
    rng: np.random.Generator,
) -> Scene:
    """Draw a chest with nothing in it but what `changes` bent."""
    lungs = {side: canvas.fill(anatomy.lungs[side]) for side, _ in SIDES}
    lungs = {
        side: canvas.blur(lung, sigma=0.0022, min_pixels=0.5)
        for side, lung in lungs.items()
    }
    both = np.maximum(lungs["right"], lungs["left"])
    heart = canvas.fill(anatomy.heart)
    soft = _draw_body(canvas, anatomy, body=body, rng=rng)
    belly = _draw_abdomen(canvas, anatomy, body=body, both=both, changes=changes)
    # The heart rests on the diaphragm: below its dome there is belly instead.
    above = 1.0 - np.minimum(2.4 * np.maximum(belly, 0.0), 0.75)
    soft += belly + above * _draw_mediastinum(canvas, anatomy, heart)
    air = _draw_air(canvas, anatomy, both=both, heart=heart, changes=changes)
    air *= 1.0 + 0.022 * parenchyma(rng, canvas)
    bone = draw_skeleton(
        canvas, anatomy, body=body, scapula_contrast=1.3 if view is View.AP else 0.9
    )
    # Little of the beam is left below the diaphragm to show a rib.
    bone *= 1.0 - np.minimum(1.5 * np.maximum(belly, 0.0), 0.6)
    return Scene(
        canvas=canvas,
        soft=soft,
        bone=bone,
        metal=canvas.blank(),
        air=air,
        vessels=_draw_vessels(
            canvas, anatomy, body=body, inside=both - 0.7 * heart * both
        ),
        lungs=lungs,
        places=frontal_places(anatomy, regions),
        outlines=anatomy.lungs,
        guides=_guides(anatomy),
        breaks=_breaks(anatomy, changes),
    )


def _draw_body(
    canvas: Canvas, anatomy: Anatomy, *, body: Body, rng: np.random.Generator
) -> Floats:
    """Draw torso, arms, breasts: everything that is neither lung nor organ."""
    torso = canvas.fill(anatomy.torso)
    arms = canvas.fill(*anatomy.arms.values())
    depth = canvas.depth(torso)
    soft = 0.38 * rounded(depth, radius=0.05)
    soft += 0.65 * rounded(depth, radius=0.24)
    soft *= body.thickness
    soft = np.maximum(soft, 0.66 * canvas.dome(arms, radius=0.08))
    skin = canvas.fill(ribbon(anatomy.torso, 0.004))
    soft += 0.05 * skin * torso
    # Shoulders are as deep as wide only near the neck.
    shoulders = smooth_step((-0.20 - canvas.y) / 0.16)
    soft *= 1.0 - 0.12 * shoulders * smooth_step((np.abs(canvas.x) - 0.12) / 0.3)
    # The chest wall is cut tangentially at the flanks: muscle and ribs add up.
    soft += 0.06 * cloud(rng, canvas, cells=5) * torso
    for breast in anatomy.breasts.values():
        mask = canvas.fill(breast)
        soft += (0.05 + 0.13 * body.breast) * canvas.dome(mask, radius=0.11) * torso
    return canvas.blur(soft, sigma=0.002, min_pixels=0.6)


def _draw_mediastinum(canvas: Canvas, anatomy: Anatomy, heart: Floats) -> Floats:
    """Draw heart, great vessels, trachea and bronchi."""
    upper = canvas.fill(anatomy.mediastinum)
    x, y, radius = anatomy.knob
    # One shadow: there are no edges where the vessels enter the heart.
    layer = 0.22 * canvas.dome(np.maximum(heart, upper), radius=0.045)
    layer *= 0.35 + 0.65 * smooth_step((canvas.y + 0.44) / 0.16)
    layer += 0.25 * canvas.blur(canvas.dome(heart, radius=0.14), sigma=0.02)
    layer += 0.06 * canvas.disc(np.array([x, y]), radius=radius, softness=0.5)
    aorta = canvas.fill(ribbon(anatomy.descending_aorta, 0.030))
    layer += 0.05 * canvas.dome(aorta, radius=0.02)
    width = np.interp(
        anatomy.trachea[:, 1], [-0.5, -0.15, -0.10], [0.019, 0.019, 0.024]
    )
    airway = canvas.fill(ribbon(anatomy.trachea, width))
    for side, line in anatomy.bronchi.items():
        narrow = np.linspace(0.0155 if side == "right" else 0.0135, 0.008, len(line))
        airway = np.maximum(airway, 0.6 * canvas.fill(ribbon(line, narrow)))
    airway *= 0.17 + 0.07 * smooth_step((-0.26 - canvas.y) / 0.1)
    layer -= canvas.blur(airway, sigma=0.004, min_pixels=0.6)
    return canvas.blur(layer, sigma=0.0025, min_pixels=0.6)


def _draw_air(
    canvas: Canvas, anatomy: Anatomy, *, both: Floats, heart: Floats, changes: Changes
) -> Floats:
    """Draw what the lungs take away; they also reach behind heart and diaphragm."""
    cage = canvas.fill(*anatomy.cages.values())
    inside = canvas.depth(cage)
    depth = rounded(inside, radius=0.15)
    depth *= 0.45 + 0.55 * rounded(inside, radius=0.045)
    # Apices and bases are shallower than the middle of the lung.
    height = smooth_step((canvas.y + 0.40) / 0.26)
    depth *= 0.62 + 0.38 * height
    recess = canvas.blur(
        canvas.fill(
            *[lung + np.array([0.0, 0.055]) for lung in anatomy.lungs.values()]
        ),
        sigma=0.014,
    )
    visible = np.maximum(both, 0.13 * recess * cage)
    full = _AIR * (1 + 0.10 * changes.inflation)
    media = canvas.fill(anatomy.mediastinum)
    blocked = np.maximum(0.42 * heart, 0.62 * media)
    # The lungs meet in front of the spine's edge, not at its middle.
    return np.asarray(full * depth * visible * (1.0 - blocked), dtype=np.float32)


def _draw_abdomen(
    canvas: Canvas, anatomy: Anatomy, *, body: Body, both: Floats, changes: Changes
) -> Floats:
    """Draw liver and spleen below the diaphragm, the gastric bubble, bowel gas."""
    wall = float(np.abs(anatomy.lungs["left"][:, 0]).max())
    right, left = anatomy.domes["right"], anatomy.domes["left"]
    outline = np.concatenate(
        [
            right,
            left[::-1],
            [(0.9, left[0, 1]), (0.9, 1.2), (-0.9, 1.2), (-0.9, right[0, 1])],
        ]
    )
    below = canvas.fill(outline) * (1.0 - both)
    # The flank is soft tissue without an organ behind it.
    across = np.abs(canvas.x)
    flank = smooth_step((wall + 0.6 * body.fat - across) / (0.6 * body.fat + 0.02))
    flank *= smooth_step((canvas.y - right[0, 1] - 0.01) / 0.16)
    below *= np.maximum(smooth_step((wall - across) / 0.02 + 0.5), flank)
    layer = 0.30 * below
    layer += 0.14 * smooth_step((canvas.y - 0.2) / 0.25) * below
    size = min(body.stomach_gas, 1.6) - 1.2 * changes.hernia
    if size > 0.15:
        top = float(left[:, 1].min())
        centre = np.array([0.42 * wall, top + 0.022 + 0.030 * size])
        across = (canvas.x - centre[0]) / (0.048 + 0.030 * size)
        down = (canvas.y - centre[1]) / (0.014 + 0.026 * size)
        bubble = smooth_step((1.0 - np.hypot(across, down)) / 0.7 + 0.2)
        layer -= 0.22 * bubble * below
    rng = np.random.default_rng((body.seed, 12))
    gas = canvas.blank()
    for _ in range(int(rng.integers(2, 6))):
        bowel = np.array([rng.uniform(-0.15, 0.28), rng.uniform(0.37, 0.58)])
        for _ in range(4):
            centre = bowel + 0.018 * rng.standard_normal(2)
            radius = rng.uniform(0.010, 0.024)
            gas += 0.6 * canvas.disc(centre, radius=radius, softness=1.0)
    layer -= 0.14 * np.minimum(gas, 1.0) * below
    return canvas.blur(layer, sigma=0.0025, min_pixels=0.6)


def _draw_vessels(
    canvas: Canvas, anatomy: Anatomy, *, body: Body, inside: Floats
) -> Floats:
    """Draw the vessel trees and the hilar shadows."""
    rng = np.random.default_rng((body.seed, 21))
    roots = [
        Root(hilum=anatomy.hila[side], sign=sign, crowding=crowding)
        for side, sign in SIDES
        for crowding in (1.0, 1.12)
    ]
    tree = canvas.blur(draw_tree(canvas, roots, rng=rng), sigma=0.0016, min_pixels=0.4)
    # The lower lobe artery is the largest shadow of the hilum.
    trunks = []
    for side, sign in SIDES:
        path = np.array(
            [(-0.012, -0.030), (0.014, 0.010), (0.024, 0.060), (0.022, 0.105)]
        )
        trunks.append(
            ribbon(
                anatomy.hila[side] + path * np.array([sign, 1]),
                np.array([0.020, 0.019, 0.014, 0.007]),
            )
        )
    layer = 0.15 * tree + 0.16 * canvas.blur(canvas.fill(*trunks), sigma=0.006)
    layer *= np.float32(body.vessel_density)
    return layer * inside


def _breaks(
    anatomy: Anatomy, changes: Changes
) -> dict[str, list[tuple[Points, float]]]:
    breaks: dict[str, list[tuple[Points, float]]] = {}
    for fracture in changes.fractures:
        side = fracture.place.partition(" ")[0]
        line = (
            anatomy.clavicles[side]
            if fracture.place.endswith("clavicle")
            else anatomy.ribs[side][fracture.number]
        )
        breaks.setdefault(fracture.place, []).append((line, fracture.where))
    return breaks


def _guides(anatomy: Anatomy) -> dict[str, Points]:
    x, y, radius = anatomy.knob
    angle = np.linspace(-0.75 * np.pi, 0.15 * np.pi, 16)
    arch = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
    carina = anatomy.trachea[-1]
    heart = anatomy.heart
    middle, right = float(carina[0]), float(heart[:, 0].min())
    apex = heart[np.argmax(heart[:, 0])]
    svc = curve(
        [
            (middle - 0.036, -0.215),
            (middle - 0.042, -0.150),
            (0.5 * (middle + right), -0.02),
            (0.35 * middle + 0.65 * right, 0.07),
            (0.6 * middle + 0.4 * right, 0.16),
        ]
    )
    front = middle + 0.004
    sternum = np.array([(front, -0.20), (front, 0.13)])
    return {
        "trachea": anatomy.trachea,
        "svc": svc,
        "sternum": sternum,
        "spine": anatomy.spine,
        "aortic arch": arch,
        "right ventricle": np.array([svc[-1], apex + np.array([-0.05, 0.035])]),
        **{f"{side} clavicle": anatomy.clavicles[side] for side, _ in SIDES},
        **{f"{side} hilum": anatomy.hila[side][None] for side, _ in SIDES},
    }
