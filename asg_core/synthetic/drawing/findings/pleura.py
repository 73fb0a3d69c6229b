"""Draws findings of the pleural space: fluid, air and scars."""

import numpy as np

from asg_core.synthetic.drawing.canvas import Floats, Points, smooth_step
from asg_core.synthetic.drawing.places import Spot
from asg_core.synthetic.drawing.scene import Scene


def draw_effusion(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw fluid that fills the base and climbs along the wall."""
    lung = scene.lung(spot.side)
    height = 0.055 + 0.30 * severity**1.2 + rng.uniform(-0.01, 0.01)
    weight = _fluid(scene, spot, height=height) * lung
    _fill(scene, weight, density=0.20)
    # Fluid behind the lung veils what is above the meniscus.
    veil = smooth_step((scene.canvas.y - spot.centre[1] + height + 0.12) / 0.2) * lung
    scene.flood(veil, share=0.14 * severity)
    scene.mark("pleural effusion", weight, level=0.5)


def draw_blunting(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a costophrenic angle that has lost its tip."""
    height = 0.030 + 0.038 * severity + rng.uniform(-0.003, 0.003)
    weight = _fluid(scene, spot, height=height) * scene.lung(spot.side)
    angle = _angle(scene, spot)
    weight *= smooth_step((0.14 - np.abs(scene.canvas.x - angle[0])) / 0.06)
    _fill(scene, weight, density=0.16)


def draw_pneumothorax(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a lung that has left the chest wall, most at the apex."""
    canvas = scene.canvas
    side = spot.side or "right"
    lung = scene.lung(spot.side)
    outline = scene.outlines[side]
    hilum = scene.guides[f"{side} hilum"][0]
    top, bottom = outline[:, 1].min(), outline[:, 1].max()
    height = (outline[:, 1] - top) / (bottom - top)
    collapse = (0.10 + 0.34 * severity) * (1.0 + rng.uniform(-0.08, 0.08))
    # The gap is widest at the apex and closes at the base unless the lung collapses.
    pull = collapse * np.maximum(1.0 - (1.25 - 0.6 * severity) * height, 0.0)
    retracted = outline + (hilum - outline) * pull[:, None]
    inside = canvas.blur(canvas.fill(retracted), sigma=0.002, min_pixels=0.5)
    gap = np.maximum(lung - inside, 0.0)
    scene.vessels *= 1.0 - gap
    scene.air += (0.07 + 0.05 * severity) * gap
    scene.flood(inside * lung, share=0.05 + 0.18 * severity)
    # Only the lateral border leaves a line; its points come first.
    lateral = np.arange(len(outline)) < np.argmax(outline[:, 1])
    edge = canvas.stroke([retracted[lateral & (pull > 0.02)]], width=0.0045)
    scene.soft += 0.13 * canvas.blur(edge, sigma=0.0012) * lung
    scene.mark("pneumothorax", gap, level=0.5)


def draw_thickening(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a rim of scar along the inside of the chest wall."""
    canvas = scene.canvas
    side = spot.side or "right"
    outline = scene.outlines[side]
    low, high = spot.centre - spot.half, spot.centre + spot.half
    low, high = low - 0.02, high + 0.02
    near = ((outline > low) & (outline < high)).all(axis=1)
    rim = np.flatnonzero(near)
    if len(rim) < 2:
        return
    width = (0.026 + 0.034 * severity) * rng.uniform(0.92, 1.08)
    band = canvas.stroke([outline[rim[0] : rim[-1] + 1]], width=width)
    weight = canvas.blur(band, sigma=0.004) * scene.lung(spot.side)
    _fill(scene, weight, density=0.04 + 0.06 * severity)


def _fluid(scene: Scene, spot: Spot, *, height: float) -> Floats:
    """Return 1 below a meniscus that stands `height` above the angle."""
    canvas = scene.canvas
    angle = _angle(scene, spot)
    # 0 at the angle, 1 at the mediastinum; the surface sinks inwards.
    inward = np.clip(np.abs(canvas.x - angle[0]) / max(abs(angle[0]), 1e-3), 0, 1)
    surface = angle[1] - height * (0.72 + 0.28 * (1 - inward) ** 2)
    surface -= 0.34 * height * np.exp(-inward / 0.07)
    softness = 0.022 + 0.05 * height
    return smooth_step((canvas.y - surface) / softness + 0.5)


def _fill(scene: Scene, weight: Floats, *, density: float) -> None:
    scene.flood(weight, share=0.94)
    scene.soft += density * weight


def _angle(scene: Scene, spot: Spot) -> Points:
    outline = scene.outlines[spot.side or "right"]
    return np.asarray(outline[np.argmax(outline[:, 1])])
