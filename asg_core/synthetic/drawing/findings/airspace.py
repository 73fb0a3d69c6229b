"""Draws findings that fill or collapse the air spaces of the lung."""

import numpy as np

from asg_core.synthetic.drawing.canvas import Floats, curve, ribbon, smooth_step
from asg_core.synthetic.drawing.findings.within_lung import (
    band_at,
    patch_at,
    point_in,
    root_of,
)
from asg_core.synthetic.drawing.places import Spot
from asg_core.synthetic.drawing.scene import Scene
from asg_core.synthetic.drawing.texture import patchiness, ridges
from asg_core.synthetic.drawing.vessels import draw_tree


def draw_opacity(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a hazy, ill-defined patch."""
    weight = patch_at(scene, spot, rng, size=0.60 + 0.35 * severity, softness=0.9)
    scene.flood(weight, share=0.30 + 0.40 * severity)
    scene.soft += 0.05 * severity * weight
    scene.mark("opacity", weight)


def draw_consolidation(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw dense airspace filling with a sharp side and air bronchograms."""
    weight = patch_at(scene, spot, rng, size=0.62 + 0.38 * severity, softness=0.42)
    # A fissure bounds one side.
    edge = spot.centre[1] + spot.half[1] * rng.uniform(0.45, 0.8)
    slope = spot.sign * rng.uniform(-0.25, 0.15)
    line = edge + slope * (scene.canvas.x - spot.centre[0])
    weight = weight * smooth_step((line - scene.canvas.y) / 0.012 + 0.5)
    scene.flood(weight, share=0.55 + 0.38 * severity)
    scene.soft += (0.05 + 0.07 * severity) * weight
    _draw_bronchograms(scene, spot, weight, rng)
    scene.mark("consolidation", weight)


def draw_pneumonia(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw clustered patches with fluffy edges, denser in the middle."""
    weight = patch_at(scene, spot, rng, size=0.72 + 0.35 * severity, softness=0.8)
    clumps = patchiness(rng, scene.canvas, cells=22)
    weight *= 0.45 + 0.75 * clumps
    weight = np.minimum(weight, 1.0)
    scene.flood(weight, share=0.48 + 0.40 * severity)
    scene.soft += 0.05 * severity * weight
    _draw_bronchograms(scene, spot, weight, rng, contrast=0.05)
    scene.mark("pneumonia", scene.canvas.blur(weight, sigma=0.012))


def draw_infiltration(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a streaky, netted haze."""
    weight = patch_at(scene, spot, rng, size=0.85 + 0.25 * severity, softness=1.0)
    net = ridges(rng, scene.canvas, cells=52)
    scene.flood(weight, share=0.14 + 0.20 * severity)
    scene.soft += (0.07 + 0.11 * severity) * weight * net
    scene.mark("infiltration", weight)


def draw_ground_glass(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw faint haze along the outer lung that leaves the vessels visible."""
    canvas = scene.canvas
    lung = scene.lung(spot.side)
    core = canvas.dome(lung, radius=0.20)
    rim = lung * smooth_step((0.93 - core) / 0.35)
    # The rim next to the mediastinum is spared.
    wall = np.abs(scene.outlines[spot.side or "right"][:, 0]).max()
    rim *= smooth_step((np.abs(canvas.x) / wall - 0.38) / 0.22)
    rim *= band_at(scene, spot, softness=0.05)
    clumps = patchiness(rng, canvas, cells=9)
    weight = rim * smooth_step((clumps - 0.30) / 0.45)
    scene.air *= 1.0 - (0.20 + 0.32 * severity) * weight
    scene.vessels *= 1.0 - 0.25 * weight
    scene.mark("peripheral ground glass", weight)


def draw_atelectasis(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw plates of collapsed lung and a hazy base."""
    canvas = scene.canvas
    lung = scene.lung(spot.side)
    plates = []
    for _ in range(1 + round(2 * severity)):
        middle = point_in(scene, spot, rng, margin=0.03)
        half = rng.uniform(0.060, 0.085) * (0.75 + 0.5 * severity)
        tilt = -(spot.sign or 1) * rng.uniform(0.0, 0.45)
        bow = rng.uniform(-0.012, 0.012)
        line = curve(
            [
                middle + half * np.array([-1.0, -tilt]),
                middle + np.array([0.0, bow]),
                middle + half * np.array([1.0, tilt]),
            ]
        )
        place = np.linspace(-1, 1, len(line))
        width = (0.0065 + 0.0075 * severity) * (1 - 0.75 * place**2)
        plates.append(ribbon(line, width + 0.001))
    band = canvas.blur(canvas.fill(*plates), sigma=0.003, min_pixels=0.5) * lung
    scene.soft += (0.12 + 0.17 * severity) * band
    haze = canvas.blur(band, sigma=0.03) * lung
    base = band_at(scene, spot, softness=0.05) * smooth_step(
        (canvas.y - spot.centre[1]) / max(1.4 * spot.half[1], 1e-3) + 0.2
    )
    scene.flood(
        np.minimum(0.8 * haze + 0.5 * base * lung, 1.0), share=0.12 + 0.24 * severity
    )
    scene.mark("atelectasis", band)


def draw_edema(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw perihilar haze, blurred vessels and septal lines at the bases."""
    canvas = scene.canvas
    lung = scene.lung(spot.side)
    hilum = scene.guides[f"{spot.side or 'right'} hilum"][0]
    away = np.hypot(canvas.x - hilum[0], 0.75 * (canvas.y - hilum[1] - 0.05))
    wing = np.exp(-((away / (0.13 + 0.09 * severity)) ** 2)) * lung
    clumps = patchiness(rng, canvas, cells=20)
    haze = wing * (0.55 + 0.6 * clumps)
    haze += 0.22 * lung * smooth_step((canvas.y + 0.05) / 0.25)
    blurred = canvas.blur(scene.vessels, sigma=0.008)
    scene.vessels += (blurred * 1.5 - scene.vessels) * (0.75 * severity * lung)
    scene.flood(np.minimum(haze, 1.0), share=0.25 + 0.45 * severity)
    scene.soft += _septal_lines(scene, spot, rng) * (0.07 + 0.10 * severity) * lung
    scene.mark("edema", wing)


def _draw_bronchograms(
    scene: Scene,
    spot: Spot,
    weight: Floats,
    rng: np.random.Generator,
    *,
    contrast: float = 0.09,
) -> None:
    """Draw the airways that stay dark inside filled lung."""
    tree = draw_tree(scene.canvas, [root_of(scene, spot)], rng=rng)
    scene.soft -= contrast * tree * weight


def _septal_lines(scene: Scene, spot: Spot, rng: np.random.Generator) -> Floats:
    """Return short horizontal lines at the lower lateral border of the lung."""
    outline = scene.outlines[spot.side or "right"]
    low = spot.centre[1] + 0.30 * spot.half[1]
    border = outline[
        (outline[:, 1] > low)
        & (np.abs(outline[:, 0]) > 0.75 * np.abs(outline[:, 0]).max())
    ]
    if len(border) == 0:
        return scene.canvas.blank()
    chosen = border[rng.integers(len(border), size=9)]
    inward = -np.sign(chosen[:, :1] - spot.centre[0])
    ends = chosen + np.column_stack(
        [inward[:, 0] * rng.uniform(0.025, 0.045, 9), rng.uniform(-0.008, 0.008, 9)]
    )
    return scene.canvas.stroke(list(np.stack([chosen, ends], axis=1)), width=0.003)
