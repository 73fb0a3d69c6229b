"""Draws the normal lateral chest, layer by layer."""

import numpy as np

from asg_core.synthetic.drawing.anatomy.frontal import SIDES
from asg_core.synthetic.drawing.anatomy.lateral import (
    lateral_breaks,
    lateral_guides,
    lateral_places,
    trace_heart,
    trace_lung,
    trace_spine,
    trace_torso,
)
from asg_core.synthetic.drawing.canvas import (
    Canvas,
    Floats,
    Points,
    curve,
    ribbon,
    smooth_step,
)
from asg_core.synthetic.drawing.changes import Changes
from asg_core.synthetic.drawing.outlines import rectangle
from asg_core.synthetic.drawing.scene import Scene
from asg_core.synthetic.drawing.texture import cloud, parenchyma
from asg_core.synthetic.drawing.vessels import Root, draw_tree
from asg_core.synthetic.world.body import Body

_AIR = 0.70


def draw_lateral(
    canvas: Canvas, *, body: Body, changes: Changes, rng: np.random.Generator
) -> Scene:
    """Draw a lateral chest with nothing in it but what `changes` bent."""
    outlines = {
        side: trace_lung(body, changes, offset=0.010 * sign) for side, sign in SIDES
    }
    lungs = {
        side: canvas.blur(canvas.fill(line), sigma=0.003, min_pixels=0.5)
        for side, line in outlines.items()
    }
    both = np.minimum(lungs["right"], lungs["left"])
    spine = trace_spine(changes)
    heart = trace_heart(body, changes)
    texture = parenchyma(rng, canvas)
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
    guides = lateral_guides(
        body, trachea=trachea, spine=spine, heart=heart, hilum=hilum
    )
    return Scene(
        canvas=canvas,
        soft=soft,
        bone=_draw_bones(canvas, body=body, spine=spine),
        metal=canvas.blank(),
        air=air,
        vessels=_draw_vessels(canvas, hilum, body=body) * both,
        lungs=lungs,
        places=lateral_places(outlines, heart=heart, hilum=hilum, spine=spine),
        outlines=outlines,
        guides=guides,
        breaks=lateral_breaks(changes),
    )


def _draw_soft(
    canvas: Canvas,
    *,
    body: Body,
    heart: Points,
    both: Floats,
    changes: Changes,
    rng: np.random.Generator,
) -> Floats:
    torso = canvas.fill(trace_torso(body))
    soft = 0.35 * canvas.dome(torso, radius=0.05) + 0.72 * canvas.dome(
        torso, radius=0.2
    )
    soft *= body.thickness
    # Arms are held up: they cross the neck and the apex.
    arm = canvas.fill(
        ribbon(curve([(0.06, -0.26), (-0.02, -0.42), (-0.16, -0.75)]), 0.085)
    )
    soft += 0.30 * canvas.blur(canvas.dome(arm, radius=0.07), sigma=0.012)
    soft += 0.05 * cloud(rng, canvas, cells=5) * torso
    mass = canvas.fill(heart) * both
    soft += 0.16 * canvas.dome(mass, radius=0.05) + 0.20 * canvas.dome(
        mass, radius=0.11
    )
    arch = curve(
        [
            (-0.085, 0.03),
            (-0.090, -0.10),
            (-0.02, -0.165),
            (0.06, -0.145),
            (0.12, -0.04),
        ]
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
            reach = float(np.interp(number, [0, 3, 8], [0.10, 0.30, 0.42]))
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
        bodies.append(rectangle(x - 0.034, y - 0.021, x + 0.034, y + 0.021))
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
    rng = np.random.default_rng((body.seed, 31))
    roots = [Root(hilum=hilum, sign=sign, crowding=0.85) for sign in (-1, 1)]
    tree = draw_tree(canvas, roots, rng=rng)
    layer = 0.11 * canvas.blur(tree, sigma=0.0018, min_pixels=0.4)
    layer += 0.15 * canvas.blur(
        canvas.disc(hilum, radius=0.040, softness=0.8), sigma=0.006
    )
    return layer * np.float32(body.vessel_density)
