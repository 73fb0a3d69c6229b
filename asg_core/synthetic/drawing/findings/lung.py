"""Draws findings of the lung tissue and its vessels that leave the air in place."""

import numpy as np

from asg_core.synthetic.drawing.canvas import curve, smooth_step
from asg_core.synthetic.drawing.findings.within_lung import band_at, point_in, root_of
from asg_core.synthetic.drawing.places import Spot
from asg_core.synthetic.drawing.scene import Scene
from asg_core.synthetic.drawing.texture import patchiness, ridges
from asg_core.synthetic.drawing.vessels import draw_tree


def draw_nodule(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw one round, well-defined shadow."""
    radius = 0.020 + 0.015 * severity
    centre = point_in(scene, spot, rng, margin=1.1 * radius)
    disc = scene.canvas.disc(centre, radius=radius, softness=0.55)
    scene.soft += (0.18 + 0.16 * severity) * disc
    scene.mark("nodule", disc, level=0.4)


def draw_mass(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a large lobulated shadow with short spikes."""
    canvas = scene.canvas
    radius = 0.046 + 0.034 * severity
    if spot.place.endswith("hilar structures"):
        centre = spot.centre + np.array([0.012 * spot.sign, 0.0])
        centre = centre + 0.012 * rng.standard_normal(2)
    else:
        centre = point_in(scene, spot, rng, margin=0.7 * radius)
    lobes = canvas.blank()
    for angle in rng.uniform(0, 2 * np.pi) + np.arange(4) * np.pi / 2:
        away = 0.42 * radius * np.array([np.cos(angle), np.sin(angle)])
        size = radius * rng.uniform(0.55, 0.80)
        lobes = np.maximum(lobes, canvas.disc(centre + away, radius=size, softness=0.4))
    spikes = [
        np.stack(
            [centre + 0.6 * radius * ray, centre + rng.uniform(1.2, 1.7) * radius * ray]
        )
        for angle in rng.uniform(0, 2 * np.pi, size=9)
        for ray in [np.array([np.cos(angle), np.sin(angle)])]
    ]
    fringe = canvas.blur(canvas.stroke(spikes, width=0.004), sigma=0.003)
    scene.soft += 0.06 * fringe * scene.lung(spot.side)
    scene.soft += (0.24 + 0.16 * severity) * lobes
    scene.mark("mass", lobes, level=0.4)


def draw_emphysema(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw dark, vessel-poor lung with thin-walled bullae."""
    canvas = scene.canvas
    lung = scene.lung(spot.side)
    weight = band_at(scene, spot, softness=0.08) * lung
    clumps = patchiness(rng, canvas, cells=7)
    weight = weight * (0.55 + 0.6 * clumps)
    scene.air *= 1.0 + (0.09 + 0.15 * severity) * weight
    scene.vessels *= 1.0 - np.minimum(0.80 * (0.4 + 0.6 * severity) * weight, 1.0)
    for _ in range(2 + round(2 * severity)):
        radius = rng.uniform(0.022, 0.040) * (0.7 + 0.5 * severity)
        centre = point_in(scene, spot, rng, margin=0.6 * radius)
        bulla = canvas.disc(centre, radius=radius, softness=0.15)
        wall = bulla - canvas.disc(centre, radius=0.90 * radius, softness=0.15)
        scene.air += 0.10 * severity * bulla * lung
        scene.vessels *= 1.0 - 0.85 * bulla
        scene.soft += 0.05 * np.maximum(wall, 0.0) * lung


def draw_scar(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw strands that pull towards one point."""
    canvas = scene.canvas
    lung = scene.lung(spot.side)
    centre = point_in(scene, spot, rng, margin=0.015)
    reach = 0.9 * float(np.clip(spot.half.max(), 0.03, 0.09))
    strands = []
    for angle in rng.uniform(0, 2 * np.pi, size=5 + round(4 * severity)):
        bend = rng.uniform(-0.5, 0.5)
        rays = [
            reach
            * along
            * np.array([np.cos(angle + bend * along), np.sin(angle + bend * along)])
            for along in (0.0, 0.5, rng.uniform(0.75, 1.2))
        ]
        strands.append(curve([centre + ray for ray in rays]))
    lines = canvas.blur(canvas.stroke(strands, width=0.0060), sigma=0.0032) * lung
    scene.soft += (0.13 + 0.14 * severity) * lines
    haze = canvas.disc(centre, radius=0.7 * reach, softness=1.2) * lung
    scene.flood(haze, share=0.14 + 0.26 * severity)


def draw_calcification(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a calcified aortic wall, or small grains as dense as bone."""
    canvas = scene.canvas
    if spot.place == "aortic arch":
        arch = scene.guides["aortic arch"]
        first = int(rng.integers(2, 6))
        arc = arch[first : first + 7 + round(4 * severity)]
        wall = canvas.stroke([arc], width=0.006 + 0.003 * severity)
        scene.bone += (0.22 + 0.25 * severity) * canvas.blur(wall, sigma=0.0015)
        return
    is_hilum = spot.place.endswith("hilar structures")
    grains = canvas.blank()
    cluster = point_in(scene, spot, rng, margin=0.02)
    for _ in range((4 if is_hilum else 2) + round(4 * severity)):
        radius = rng.uniform(0.006, 0.010) * (0.75 + 0.45 * severity)
        centre = cluster + (0.020 if is_hilum else 0.016) * rng.standard_normal(2)
        grains = np.maximum(grains, canvas.disc(centre, radius=radius, softness=0.6))
    scene.bone += (0.22 + 0.25 * severity) * grains


def draw_marking(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw coarser vessels and a fine net out to the pleura."""
    canvas = scene.canvas
    weight = band_at(scene, spot, softness=0.06) * scene.lung(spot.side)
    net = ridges(rng, canvas, cells=56)
    tree = draw_tree(
        canvas, [root_of(scene, spot, crowding=1.15, upper_flow=0.5)], rng=rng
    )
    scene.vessels *= 1.0 + 0.5 * severity * weight
    scene.soft += (0.03 + 0.09 * severity) * net * weight
    scene.soft += (0.04 + 0.09 * severity) * tree * weight


def draw_engorgement(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a full hilum and wide vessels to the upper lobes."""
    canvas = scene.canvas
    side = spot.side or "right"
    hilum = scene.guides[f"{side} hilum"][0]
    away = np.hypot(
        (canvas.x - hilum[0] - 0.010 * spot.sign) / 0.048,
        (canvas.y - hilum[1] - 0.005) / 0.080,
    )
    fullness = smooth_step((1.15 - away) / 0.8)
    scene.soft += (0.08 + 0.12 * severity) * fullness * scene.lung(spot.side)
    tree = draw_tree(
        canvas, [root_of(scene, spot, crowding=0.8, upper_flow=1.2)], rng=rng
    )
    scene.soft += (0.05 + 0.07 * severity) * tree * scene.lung(spot.side)
