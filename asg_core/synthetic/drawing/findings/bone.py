"""Draws findings of bones and abdomen, and hardware in the spine."""

import numpy as np

from asg_core.synthetic.drawing.canvas import smooth_step
from asg_core.synthetic.drawing.places import Spot
from asg_core.synthetic.drawing.scene import Scene


def draw_fracture(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw the cleft and the callus; the pieces are displaced already."""
    canvas = scene.canvas
    for line, where in scene.breaks.get(spot.place, []):
        at = min(max(round(where * len(line)), 1), len(line) - 2)
        centre, along = line[at], line[at + 1] - line[at - 1]
        along = along / max(float(np.hypot(*along)), 1e-9)
        across = np.array([-along[1], along[0]])
        ends = np.stack([centre - 0.015 * across, centre + 0.015 * across])
        cleft = canvas.blur(canvas.stroke([ends], width=0.006), sigma=0.0018)
        callus = canvas.disc(centre, radius=rng.uniform(0.020, 0.026), softness=0.8)
        scene.bone += (0.06 + 0.14 * severity) * callus
        scene.bone -= (0.12 + 0.10 * severity) * cleft


def draw_deformity(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw bony spurs on the hollow side of the curve; the curve is drawn already."""
    canvas = scene.canvas
    spine = scene.guides["spine"]
    apex = int(rng.integers(len(spine) // 3, len(spine) // 2 + 2))
    side = float(rng.choice([-1, 1]))
    spurs = [
        spine[apex + step] + np.array([side * 0.036, 0.0]) for step in (-3, -1, 1, 3)
    ]
    lines = [np.stack([p, p + np.array([side * 0.012, 0.006])]) for p in spurs]
    spur = canvas.blur(canvas.stroke(lines, width=0.010), sigma=0.002)
    scene.bone += (0.06 + 0.10 * severity) * spur


def draw_hernia(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw the stomach behind the heart, with gas above a fluid level."""
    canvas = scene.canvas
    radius = 0.060 + 0.035 * severity
    top = spot.centre[1] - spot.half[1]
    middle = 0.30 * spot.half[0] * 0.2 + rng.uniform(-0.015, 0.025)
    centre = np.array([spot.centre[0] + middle, top + 0.25 * radius])
    sac = canvas.disc(centre, radius=radius, softness=0.16)
    wall = np.maximum(
        sac - canvas.disc(centre, radius=0.90 * radius, softness=0.16), 0.0
    )
    level = centre[1] + rng.uniform(-0.10, 0.15) * radius
    gas = canvas.disc(centre, radius=0.88 * radius, softness=0.2) * smooth_step(
        (level - canvas.y) / 0.006 + 0.5
    )
    scene.flood(sac, share=0.5)
    scene.soft += (0.07 + 0.07 * severity) * sac + 0.07 * wall
    scene.soft -= (0.24 + 0.16 * severity) * gas


def draw_hardware(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw two rods with screws along the spine."""
    canvas = scene.canvas
    spine = scene.guides["spine"]
    start = rng.uniform(-0.22, 0.02)
    stop = start + 0.14 + 0.20 * severity
    y = np.linspace(start, stop, 9)
    x = np.interp(y, spine[:, 1], spine[:, 0])
    rods = [np.column_stack([x + side, y]) for side in (-0.021, 0.021)]
    levels = np.linspace(start + 0.01, stop - 0.01, 3 + round(3 * severity))
    screws = []
    for level in levels:
        middle = float(np.interp(level, spine[:, 1], spine[:, 0]))
        for side in (-1, 1):
            inner, outer = middle + side * 0.006, middle + side * 0.031
            screws.append(np.array([(outer, level - 0.003), (inner, level + 0.006)]))
    shadow = 0.30 * canvas.stroke(rods, width=0.0085)
    shadow = np.maximum(shadow, 0.36 * canvas.stroke(screws, width=0.0075))
    scene.metal += (0.7 + 0.5 * severity) * canvas.blur(shadow, sigma=0.001)
