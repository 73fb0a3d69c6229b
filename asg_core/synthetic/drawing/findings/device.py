"""Draws tubes, lines, pacemakers and wires, and the leads that no report names."""

import numpy as np

from asg_core.synthetic.drawing.canvas import Points, curve, ribbon
from asg_core.synthetic.drawing.places import Spot
from asg_core.synthetic.drawing.scene import Scene


def tip_position(scene: Scene, spot: Spot, rng: np.random.Generator) -> Points:
    """Return where in a place the tip of a device lies."""
    jitter = rng.uniform(-0.22, 0.22, size=2) * spot.half
    if spot.place == "carina":
        tip = scene.guides["trachea"][-1] + np.array([0.0, -0.006]) + 0.3 * jitter
    else:
        tip = spot.centre + jitter
    return np.asarray(tip, dtype=np.float64)


def draw_tube(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw an endotracheal tube: two walls and a dense stripe."""
    canvas = scene.canvas
    trachea = scene.guides["trachea"]
    stop = trachea[-1, 1] - rng.uniform(0.025, 0.060)
    path = trachea[trachea[:, 1] < stop]
    if "carina" in scene.tips:
        path = np.concatenate([path, scene.tips["carina"][None]])
    outline = ribbon(path, 0.0105)
    count = len(path)
    walls = [outline[:count], outline[count:]]
    scene.metal += (0.07 + 0.07 * severity) * canvas.stroke(walls, width=0.003)
    scene.soft += 0.05 * canvas.fill(outline)
    stripe = canvas.stroke([path + np.array([0.004, 0.0])], width=0.0060)
    scene.metal += (0.16 + 0.22 * severity) * stripe


def draw_line(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a central venous catheter, from the neck or below a clavicle."""
    ends = [place for place in scene.tips if place != "carina"]
    svc = scene.guides["svc"]
    if ends:
        target = scene.tips[ends[0]]
    else:
        target = svc[int(rng.integers(len(svc) // 3, 2 * len(svc) // 3))]
    above = svc[svc[:, 1] < target[1] - 0.03]
    if spot.side is None:
        neck = svc[0] + np.array([rng.uniform(-0.045, -0.02), -0.34])
        bend = svc[0] + np.array([rng.uniform(-0.03, -0.01), -0.13])
        start = [neck, bend]
    else:
        start = _subclavian(scene, spot.side)
    path = curve([*start, *above[::5], target])
    shadow = scene.canvas.stroke([path], width=0.0058)
    scene.metal += (0.14 + 0.22 * severity) * shadow


def draw_tip(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw the dense last piece of a catheter or tube."""
    tip = scene.tips[spot.place]
    lead = np.array([rng.uniform(-0.006, 0.006), -0.042])
    piece = scene.canvas.stroke([np.stack([tip + lead, tip])], width=0.0100)
    end = scene.canvas.disc(tip, radius=0.0090, softness=0.5)
    scene.metal += (0.20 + 0.30 * severity) * np.maximum(piece, end)


def draw_pacemaker(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw a generator in the chest wall and its leads to the right heart."""
    canvas = scene.canvas
    side = spot.side or "left"
    centre = spot.centre + 0.2 * spot.half * rng.uniform(-1, 1, size=2)
    angle = np.linspace(0, 2 * np.pi, 48)
    # A rounded rectangle: a circle pushed towards its corners.
    round_x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.6
    round_y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.6
    tilt = rng.uniform(-0.35, 0.35)
    case = np.column_stack([0.036 * round_x, 0.031 * round_y]) * (
        0.85 + 0.25 * severity
    )
    turned = case @ np.array(
        [[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]
    )
    body = canvas.fill(centre + turned)
    core = canvas.fill(centre + 0.62 * turned)
    scene.metal += (0.42 + 0.22 * severity) * body + 0.10 * core
    svc = scene.guides["svc"]
    ventricle = scene.guides["right ventricle"]
    entry = _subclavian(scene, side)
    loop = centre + np.array([0.0, 0.045])
    to_heart = [loop, *entry[:2], *svc[:: max(len(svc) // 4, 1)]]
    leads = [curve([*to_heart, ventricle[0], ventricle[1]])]
    if severity > 0.75:
        leads.append(
            curve(
                [
                    loop + np.array([0.012, 0.004]),
                    *entry[:2],
                    *svc[: 2 * len(svc) // 3 : 6],
                ]
            )
        )
    scene.metal += (0.16 + 0.16 * severity) * canvas.stroke(leads, width=0.0050)
    ends = np.maximum(
        canvas.disc(leads[0][-1], radius=0.007, softness=0.5),
        canvas.disc(leads[-1][-1], radius=0.007, softness=0.5),
    )
    scene.metal += 0.25 * ends


def draw_wires(
    scene: Scene, spot: Spot, severity: float, rng: np.random.Generator
) -> None:
    """Draw the wire loops that close a sternum."""
    sternum = scene.guides["sternum"]
    loops = []
    angle = np.linspace(0, 2 * np.pi, 20)
    for share in np.linspace(0.02, 0.98, 5 + round(2 * severity)):
        centre = sternum[0] + share * (sternum[1] - sternum[0])
        centre = centre + rng.uniform(-0.004, 0.004, size=2)
        across = 0.014 + 0.003 * rng.standard_normal()
        tilt = rng.uniform(-0.4, 0.4)
        loop = np.column_stack(
            [
                across * np.cos(angle),
                0.0065 * np.sin(angle) + tilt * across * np.cos(angle),
            ]
        )
        loops.append(centre + loop)
        loops.append(centre + np.array([(0.0, 0.005), (0.004, 0.012)]))
    shadow = scene.canvas.stroke(loops, width=0.0042)
    scene.metal += (0.20 + 0.22 * severity) * shadow


def draw_leads(scene: Scene, *, rng: np.random.Generator) -> None:
    """Draw monitoring leads across the chest, with electrodes; no report names them."""
    lines: list[Points] = []
    pads: list[Points] = []
    for _ in range(int(rng.integers(2, 5))):
        side = float(rng.choice([-1, 1]))
        pad = np.array([side * rng.uniform(0.18, 0.36), rng.uniform(-0.30, 0.25)])
        drop = rng.uniform(0.15, 0.45)
        lines.append(
            curve(
                [
                    pad,
                    pad + np.array([-side * rng.uniform(0.02, 0.16), 0.35 * drop]),
                    pad + np.array([-side * rng.uniform(-0.05, 0.22), 0.8 * drop]),
                    np.array([side * rng.uniform(0.3, 0.6), 0.7]),
                ]
            )
        )
        pads.append(pad)
    scene.metal += 0.13 * scene.canvas.stroke(lines, width=0.0045)
    for pad in pads:
        ring = scene.canvas.disc(pad, radius=0.013, softness=0.3)
        scene.metal += 0.07 * ring
        scene.metal += 0.22 * scene.canvas.disc(pad, radius=0.005, softness=0.5)


def _subclavian(scene: Scene, side: str) -> list[Points]:
    """Return points of the vein below a clavicle, from the outside to the middle."""
    clavicle = scene.guides[f"{side} clavicle"]
    picks = clavicle[[-14, len(clavicle) // 2, len(clavicle) // 5]]
    return list(picks + np.array([[0.0, 0.030], [0.0, 0.022], [0.0, 0.020]]))
