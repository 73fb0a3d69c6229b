"""Draws the bones of a frontal chest, with brighter edges than middles."""

import numpy as np

from asg_core.sources.synthetic.anatomy import SIDES, Anatomy
from asg_core.sources.synthetic.anatomy_bones import RIB_FLANK
from asg_core.sources.synthetic.body import Body
from asg_core.sources.synthetic.canvas import Canvas, Floats, Points, ribbon
from asg_core.sources.synthetic.places import vertebral_levels


def draw_skeleton(
    canvas: Canvas, anatomy: Anatomy, *, body: Body, scapula_contrast: float
) -> Floats:
    """Return the attenuation of ribs, clavicles, scapulae, humeri and spine."""
    bone = _draw_ribs(canvas, anatomy)
    bone += _draw_clavicles(canvas, anatomy)
    bone += scapula_contrast * _draw_scapulae(canvas, anatomy)
    bone += _draw_humeri(canvas, anatomy)
    bone += _draw_spine(canvas, anatomy)
    bone *= np.float32(body.rib_density)
    return bone


def _draw_ribs(canvas: Canvas, anatomy: Anatomy) -> Floats:
    """Draw the back and the front halves as two layers that add where they cross."""
    layer = canvas.blank()
    lines = np.stack([p for side, _ in SIDES for p in anatomy.pieces[f"{side} ribs"]])
    # The back half is denser and thinner than the flat front half.
    for is_back, half_width, fill, edge in (
        (True, 0.0105, 0.058, 0.080),
        (False, 0.0130, 0.034, 0.030),
    ):
        half = lines[:, : RIB_FLANK + 1] if is_back else lines[:, RIB_FLANK - 2 :]
        outer = canvas.fill(*ribbon(half, half_width))
        inner = canvas.fill(*ribbon(half, half_width - 0.0034))
        rib = fill * outer + edge * np.maximum(outer - inner, 0.0)
        layer += canvas.blur(rib, sigma=0.0016, min_pixels=0.45)
    # A rib seen along its curve, at the flank, is longer in the beam.
    flank = lines[:, 10:18]
    layer += 0.07 * canvas.blur(canvas.stroke(flank, width=0.020), sigma=0.012)
    return layer


def _draw_clavicles(canvas: Canvas, anatomy: Anatomy) -> Floats:
    layer = canvas.blank()
    for side, sign in SIDES:
        for line in anatomy.pieces[f"{side} clavicle"]:
            # Flared at the sternum and at the shoulder, slim between.
            out = sign * line[:, 0]
            width = 0.0100 + 0.0050 * np.exp(-(((out - 0.03) / 0.05) ** 2))
            width += 0.003 * np.exp(-(((out - 0.31) / 0.06) ** 2))
            layer += _tube(canvas, ribbon(line, width), ribbon(line, width - 0.0032))
    return canvas.blur(layer, sigma=0.0016, min_pixels=0.45)


def _tube(canvas: Canvas, outer: Points, inner: Points) -> Floats:
    """Draw a bone with a dense shell: `inner` is its marrow."""
    shell, marrow = canvas.fill(outer), canvas.fill(inner)
    return np.asarray(0.105 * shell + 0.075 * np.maximum(shell - marrow, 0.0))


def _draw_scapulae(canvas: Canvas, anatomy: Anatomy) -> Floats:
    blade = canvas.fill(*anatomy.scapulae.values())
    layer = 0.07 * canvas.blur(blade, sigma=0.006)
    layer += canvas.stroke(
        [np.concatenate([s, s[:1]]) for s in anatomy.scapulae.values()],
        width=0.0060,
        value=0.055,
    )
    for outline in anatomy.scapulae.values():
        # The spine of the scapula, from the inner border to the acromion.
        start, end = outline[-9], outline[12] + np.array([0.0, -0.055])
        layer += canvas.stroke([np.array([start, end])], width=0.020, value=0.09)
    return canvas.blur(layer, sigma=0.004, min_pixels=0.5)


def _draw_humeri(canvas: Canvas, anatomy: Anatomy) -> Floats:
    layer = canvas.blank()
    for line in anatomy.humeri.values():
        shaft = np.linspace(line[0], line[-1], 12)
        width = np.interp(np.linspace(0, 1, 12), [0, 0.12, 0.3], [0.032, 0.024, 0.020])
        layer += _tube(canvas, ribbon(shaft, width), ribbon(shaft, width - 0.0065))
        layer += 0.10 * canvas.disc(line[0], radius=0.038, softness=0.3)
    return 0.75 * canvas.blur(layer, sigma=0.002, min_pixels=0.5)


def _draw_spine(canvas: Canvas, anatomy: Anatomy) -> Floats:
    """Draw the column: bodies with bright end plates, pedicles, spinous processes."""
    centres = vertebral_levels(anatomy)
    heights = np.gradient(centres[:, 1])
    half = np.interp(
        centres[:, 1], [-0.55, -0.35, 0.0, 0.5], [0.026, 0.03, 0.033, 0.045]
    )
    column = canvas.fill(ribbon(anatomy.spine, 0.036))
    layer = 0.04 * column
    bodies, plates, dots = [], [], []
    for (x, y), height, width in zip(centres, heights, half, strict=True):
        up, down = y - 0.40 * height, y + 0.40 * height
        waist = 0.90 * width
        bodies.append(
            np.array(
                [
                    (x - width, up), (x + width, up), (x + waist, y),
                    (x + width, down), (x - width, down), (x - waist, y),
                ]
            )
        )  # fmt: skip
        plates += [
            np.array([(x - width, level), (x + width, level)]) for level in (up, down)
        ]
        dots += [
            np.array([(x + at, y - 0.16 * height), (x + at, y + 0.10 * height)])
            for at in (-0.62 * width, 0.62 * width)
        ]
        dots.append(np.array([(x, y + 0.1 * height), (x, y + 0.55 * height)]))
    layer += 0.035 * canvas.fill(*bodies)
    layer += 0.045 * canvas.stroke(plates, width=0.004)
    layer += 0.045 * canvas.blur(canvas.stroke(dots, width=0.010), sigma=0.003)
    ribs_side = canvas.fill(ribbon(anatomy.spine, 0.055)) - column
    layer += 0.035 * ribs_side
    return canvas.blur(layer, sigma=0.0022, min_pixels=0.5)
