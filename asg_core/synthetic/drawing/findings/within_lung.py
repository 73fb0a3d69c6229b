"""Where in a lung a finding lies: points, patches and bands of a place."""

import cv2
import numpy as np

from asg_core.synthetic.drawing.canvas import Floats, Points, smooth_step
from asg_core.synthetic.drawing.places import Spot
from asg_core.synthetic.drawing.scene import Scene
from asg_core.synthetic.drawing.texture import cloud
from asg_core.synthetic.drawing.vessels import Root


def point_in(
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


def patch_at(
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
    centre = point_in(scene, spot, rng, margin=0.35 * float(half.min()))
    noise = cloud(rng, canvas, cells=11)
    noise += 0.5 * cloud(rng, canvas, cells=28)
    away = np.hypot((canvas.x - centre[0]) / half[0], (canvas.y - centre[1]) / half[1])
    weight = smooth_step((1.0 - away + 0.24 * noise) / softness + 0.4)
    return np.asarray(weight * scene.lung(spot.side), dtype=np.float32)


def band_at(scene: Scene, spot: Spot, *, softness: float) -> Floats:
    """Return 1 between the top and the bottom of the spot, fading outside."""
    top, bottom = spot.centre[1] - spot.half[1], spot.centre[1] + spot.half[1]
    y = scene.canvas.y
    return np.minimum(
        smooth_step((y - top) / softness + 0.7),
        smooth_step((bottom - y) / softness + 0.7),
    )


def root_of(
    scene: Scene, spot: Spot, *, crowding: float = 1.0, upper_flow: float = 0.0
) -> Root:
    """Return the root of the vessels and airways of the spot's lung."""
    return Root(
        hilum=scene.guides[f"{spot.side or 'right'} hilum"][0],
        sign=spot.sign or 1,
        crowding=crowding,
        upper_flow=upper_flow,
    )
