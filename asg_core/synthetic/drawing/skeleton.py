"""Draws the bones of a frontal chest, with brighter edges than middles."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from asg_core.synthetic.drawing.anatomy.bones import RIB_FLANK
from asg_core.synthetic.drawing.anatomy.frontal import SIDES, Anatomy
from asg_core.synthetic.drawing.canvas import Canvas, Floats, Points, ribbon
from asg_core.synthetic.world.body import Body


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
            width += 0.003 * np.exp(-(((out - 0.36) / 0.06) ** 2))
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
    column = canvas.fill(ribbon(anatomy.spine, 0.036))
    sides = canvas.fill(ribbon(anatomy.spine, 0.055))
    layer = 0.04 * column + 0.035 * (sides - column)
    y, height, half = _vertebrae()
    x = np.interp(y, anatomy.spine[:, 1], anatomy.spine[:, 0])

    def trace(across: Sequence[float], down: Sequence[float]) -> Points:
        """Return one line per vertebra through corners in units of its half size."""
        return np.stack(
            [
                x[:, None] + half[:, None] * np.array(across),
                y[:, None] + height[:, None] * np.array(down),
            ],
            axis=-1,
        )

    # A body has a waist between its end plates.
    bodies = trace((-1, 1, 0.9, 1, -1, -0.9), (-0.4, -0.4, 0, 0.4, 0.4, 0))
    plates = [trace((-1, 1), (level, level)) for level in (-0.4, 0.4)]
    pedicles = [trace((at, at), (-0.16, 0.10)) for at in (-0.62, 0.62)]
    processes = trace((0, 0), (0.10, 0.55))
    layer += 0.030 * canvas.fill(*bodies)
    layer += 0.045 * canvas.stroke(np.concatenate(plates), width=0.004)
    dots = canvas.stroke(np.concatenate([*pedicles, processes]), width=0.010)
    layer += 0.045 * canvas.blur(dots, sigma=0.003)
    return canvas.blur(layer, sigma=0.0022, min_pixels=0.5)


@cache
def _vertebrae() -> tuple[Points, Points, Points]:
    """Return y, distance to the next, and half width of the vertebrae."""
    gaps = np.interp(np.linspace(-0.6, 0.8, 40), [-0.6, -0.35, 0.3], [0.03, 0.04, 0.06])
    y = np.cumsum(gaps) - 0.62
    y = y[y < 0.75]
    half = np.interp(y, [-0.55, -0.35, 0.0, 0.5], [0.026, 0.030, 0.033, 0.045])
    return y, np.gradient(y), half
