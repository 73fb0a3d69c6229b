"""Draws findings of the lung tissue and its vessels."""

import cv2
import numpy as np

from asg_core.sources.synthetic.canvas import (
    Floats,
    Points,
    curve,
    ribbon,
    smooth_step,
)
from asg_core.sources.synthetic.places import Spot
from asg_core.sources.synthetic.scene import Scene
from asg_core.sources.synthetic.texture import cloud, patchiness, ridges
from asg_core.sources.synthetic.vessels import draw_tree


def draw_opacity(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a hazy, ill-defined patch."""
    weight = _patch(scene, spot, rng, size=0.60 + 0.35 * severity, softness=0.9)
    scene.flood(weight, share=0.30 + 0.40 * severity)
    scene.soft += 0.05 * severity * weight
    scene.mark("opacity", weight)


def draw_consolidation(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw dense airspace filling with a sharp side and air bronchograms."""
    weight = _patch(scene, spot, rng, size=0.62 + 0.38 * severity, softness=0.42)
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
    weight = _patch(scene, spot, rng, size=0.72 + 0.35 * severity, softness=0.8)
    size = {"height": scene.canvas.height, "width": scene.canvas.width}
    clumps = patchiness(rng, cells=22, **size)
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
    weight = _patch(scene, spot, rng, size=0.85 + 0.25 * severity, softness=1.0)
    size = {"height": scene.canvas.height, "width": scene.canvas.width}
    net = ridges(rng, cells=52, **size)
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
    rim *= _place_weight(scene, spot, softness=0.05)
    clumps = patchiness(rng, height=canvas.height, width=canvas.width, cells=9)
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
        middle = _point_in(scene, spot, rng, margin=0.03)
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
    base = _place_weight(scene, spot, softness=0.05) * smooth_step(
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
    clumps = patchiness(rng, height=canvas.height, width=canvas.width, cells=20)
    haze = wing * (0.55 + 0.6 * clumps)
    haze += 0.22 * lung * smooth_step((canvas.y + 0.05) / 0.25)
    blurred = canvas.blur(scene.vessels, sigma=0.008)
    scene.vessels += (blurred * 1.5 - scene.vessels) * (0.75 * severity * lung)
    scene.flood(np.minimum(haze, 1.0), share=0.25 + 0.45 * severity)
    scene.soft += _septal_lines(scene, spot, rng) * (0.07 + 0.10 * severity) * lung
    scene.mark("edema", wing)


def draw_nodule(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw one round, well-defined shadow."""
    radius = 0.020 + 0.015 * severity
    centre = _point_in(scene, spot, rng, margin=1.1 * radius)
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
        centre = _point_in(scene, spot, rng, margin=0.7 * radius)
    lobes = canvas.blank()
    for angle in rng.uniform(0, 2 * np.pi) + np.arange(4) * np.pi / 2:
        away = 0.42 * radius * np.array([np.cos(angle), np.sin(angle)])
        size = radius * rng.uniform(0.55, 0.80)
        lobes = np.maximum(lobes, canvas.disc(centre + away, radius=size, softness=0.4))
    spikes = [
        np.stack([centre + 0.6 * radius * ray, centre + rng.uniform(1.2, 1.7) * radius * ray])
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
    weight = _place_weight(scene, spot, softness=0.08) * lung
    clumps = patchiness(rng, height=canvas.height, width=canvas.width, cells=7)
    weight = weight * (0.55 + 0.6 * clumps)
    scene.air *= 1.0 + (0.09 + 0.15 * severity) * weight
    scene.vessels *= 1.0 - np.minimum(0.80 * (0.4 + 0.6 * severity) * weight, 1.0)
    for _ in range(2 + round(2 * severity)):
        radius = rng.uniform(0.022, 0.040) * (0.7 + 0.5 * severity)
        centre = _point_in(scene, spot, rng, margin=0.6 * radius)
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
    centre = _point_in(scene, spot, rng, margin=0.015)
    reach = 0.9 * float(np.clip(spot.half.max(), 0.03, 0.09))
    strands = []
    for angle in rng.uniform(0, 2 * np.pi, size=5 + round(4 * severity)):
        bend = rng.uniform(-0.5, 0.5)
        rays = [
            reach * along * np.array([np.cos(angle + bend * along), np.sin(angle + bend * along)])
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
    cluster = _point_in(scene, spot, rng, margin=0.02)
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
    weight = _place_weight(scene, spot, softness=0.06) * scene.lung(spot.side)
    net = ridges(rng, height=canvas.height, width=canvas.width, cells=56)
    side = spot.side or "right"
    tree = draw_tree(
        canvas,
        scene.guides[f"{side} hilum"][0],
        sign=spot.sign or 1,
        rng=rng,
        crowding=1.15,
        upper_flow=0.5,
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
        canvas, hilum, sign=spot.sign or 1, rng=rng, upper_flow=1.2, crowding=0.8
    )
    scene.soft += (0.05 + 0.07 * severity) * tree * scene.lung(spot.side)


def _point_in(
    scene: Scene, spot: Spot, rng: np.random.Generator, *, margin: float
) -> Points:
    """Return a point of the spot that is inside the lung by `margin`, clear of the heart.

    If no candidate is, the one that is deepest.
    """
    candidates = spot.centre + spot.half * rng.uniform(-0.72, 0.72, size=(24, 2))
    outline = scene.outlines[spot.side or "right"].astype(np.float32)[:, None]
    wall = float(np.abs(outline[:, 0, 0]).max())
    # Behind heart and hilum a shadow is lost, as it often is in reality.
    clear = 0.0 if "hilar" in spot.place else 0.42 * wall
    best, best_depth = candidates[0], -np.inf
    for candidate in candidates:
        depth = cv2.pointPolygonTest(
            outline, (float(candidate[0]), float(candidate[1])), measureDist=True
        )
        depth = min(depth - margin, abs(candidate[0]) - clear)
        if depth > 0:
            return np.asarray(candidate)
        if depth > best_depth:
            best, best_depth = candidate, depth
    return np.asarray(best)


def _patch(
    scene: Scene,
    spot: Spot,
    rng: np.random.Generator,
    *,
    size: float,
    softness: float,
) -> Floats:
    """Return an irregular patch in the lung at the spot, 1 in its middle."""
    canvas = scene.canvas
    half = np.clip(spot.half, 0.05, 0.13) * size
    centre = _point_in(scene, spot, rng, margin=0.35 * float(half.min()))
    noise = cloud(rng, height=canvas.height, width=canvas.width, cells=11)
    noise += 0.5 * cloud(rng, height=canvas.height, width=canvas.width, cells=28)
    away = np.hypot((canvas.x - centre[0]) / half[0], (canvas.y - centre[1]) / half[1])
    weight = smooth_step((1.0 - away + 0.24 * noise) / softness + 0.4)
    return np.asarray(weight * scene.lung(spot.side), dtype=np.float32)


def _place_weight(scene: Scene, spot: Spot, *, softness: float) -> Floats:
    """Return 1 between the top and the bottom of the spot, fading outside."""
    top, bottom = spot.centre[1] - spot.half[1], spot.centre[1] + spot.half[1]
    y = scene.canvas.y
    return np.minimum(
        smooth_step((y - top) / softness + 0.7), smooth_step((bottom - y) / softness + 0.7)
    )


def _draw_bronchograms(
    scene: Scene,
    spot: Spot,
    weight: Floats,
    rng: np.random.Generator,
    *,
    contrast: float = 0.09,
) -> None:
    """Draw the airways that stay dark inside filled lung."""
    side = spot.side or "right"
    tree = draw_tree(
        scene.canvas, scene.guides[f"{side} hilum"][0], sign=spot.sign or 1, rng=rng
    )
    scene.soft -= contrast * tree * weight


def _septal_lines(scene: Scene, spot: Spot, rng: np.random.Generator) -> Floats:
    """Return short horizontal lines at the lower lateral border of the lung."""
    outline = scene.outlines[spot.side or "right"]
    low = spot.centre[1] + 0.30 * spot.half[1]
    border = outline[(outline[:, 1] > low) & (np.abs(outline[:, 0]) > 0.75 * np.abs(outline[:, 0]).max())]
    if len(border) == 0:
        return scene.canvas.blank()
    chosen = border[rng.integers(len(border), size=9)]
    inward = -np.sign(chosen[:, :1] - spot.centre[0])
    ends = chosen + np.column_stack(
        [inward[:, 0] * rng.uniform(0.025, 0.045, 9), rng.uniform(-0.008, 0.008, 9)]
    )
    return scene.canvas.stroke(list(np.stack([chosen, ends], axis=1)), width=0.003)
