"""Draw the synthetic radiographs: a body and what a study shows -> pixels and boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.drawing.anatomy.frontal import build_anatomy
from asg_core.synthetic.drawing.canvas import Canvas
from asg_core.synthetic.drawing.film import develop
from asg_core.synthetic.drawing.findings.device import draw_leads
from asg_core.synthetic.drawing.findings.draw import draw_findings, shape_changes
from asg_core.synthetic.drawing.lateral import draw_lateral
from asg_core.synthetic.drawing.places import region_boxes, region_outlines
from asg_core.synthetic.drawing.thorax import draw_frontal
from asg_core.synthetic.world.body import Body
from asg_core.synthetic.world.world import Observation
from asg_core.terms.views import View

Boxes = dict[str, tuple[float, float, float, float]]

_MIN_SIZE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Radiograph:
    """One drawn image with the truth about it."""

    pixels: npt.NDArray[np.uint8]
    """(H, W) gray levels, dense tissue bright, the patient's right on the left."""

    boxes: Boxes
    """Region -> half-open xyxy in pixels of this image, clipped to it.

    Regions outside the frame have no entry; a lateral image has none at all.
    """

    masks: dict[str, npt.NDArray[np.bool_]]
    """Finding -> (H, W), for the findings that are areas; True inside."""


def render_radiograph(
    observations: Sequence[Observation],
    *,
    body: Body,
    view: View,
    size: int,
    acquisition: Acquisition,
    rng: np.random.Generator,
) -> Radiograph:
    """Draw one image of `body` that shows `observations`.

    Pose, noise and every finding have generators of their own, all seeded by `rng`: an
    image with a finding and one without differ by the finding only.

    Args:
        observations: Drawn in order; empty draws a normal chest.
        body: The body of the patient.
        view: PA, AP or LATERAL.
        size: Longest side, pixels.
        acquisition: The population's look.
        rng: Consumed by a fixed amount.

    Raises:
        ValueError: If `view` has no drawing, `size` is too small for one, or a finding
            or its place cannot be drawn.
    """
    _check(view, size=size)
    seeds = rng.integers(2**62, size=5)
    pose_rng, shape_rng, tissue_rng, film_rng = map(np.random.default_rng, seeds[:4])
    canvas = _pose(acquisition, size=size, rng=pose_rng)
    turn = acquisition.max_turn * float(pose_rng.uniform(-1, 1))
    breath = float(pose_rng.normal(-0.1 if view is View.PA else -0.55, 0.3))
    changes = shape_changes(observations, turn=turn, breath=breath, rng=shape_rng)
    boxes: Boxes = {}
    if view is View.LATERAL:
        scene = draw_lateral(canvas, body=body, changes=changes, rng=tissue_rng)
    else:
        anatomy = build_anatomy(body, view=view, changes=changes)
        regions = region_outlines(anatomy)
        boxes = region_boxes(regions, canvas=canvas)
        scene = draw_frontal(
            canvas,
            anatomy,
            body=body,
            view=view,
            changes=changes,
            regions=regions,
            rng=tissue_rng,
        )
    draw_findings(scene, observations, seed=int(seeds[4]))
    if view is View.AP and film_rng.random() < acquisition.leads:
        draw_leads(scene, rng=film_rng)
    pixels = develop(scene, view=view, acquisition=acquisition, rng=film_rng)
    return Radiograph(pixels=pixels, boxes=boxes, masks=scene.masks)


def _check(view: View, *, size: int) -> None:
    """Raise unless there is a drawing of this view in this size."""
    if view not in (View.PA, View.AP, View.LATERAL):
        raise ValueError(
            f"render_radiograph: expected view PA, AP or LATERAL, found '{view}'"
        )
    if size < _MIN_SIZE:
        raise ValueError(
            f"render_radiograph: expected size >= {_MIN_SIZE} pixels, found {size}"
        )


def _pose(acquisition: Acquisition, *, size: int, rng: np.random.Generator) -> Canvas:
    aspect = float(rng.choice(acquisition.aspect_ratios))
    limit = acquisition.max_shift
    return Canvas.posed(
        height=size if aspect <= 1 else max(1, round(size / aspect)),
        width=size if aspect >= 1 else max(1, round(size * aspect)),
        rotation_deg=float(rng.uniform(-1, 1)) * acquisition.max_rotation_deg,
        scale=float(rng.uniform(*acquisition.scale)),
        shift=(float(rng.uniform(-limit, limit)), float(rng.uniform(-limit, limit))),
    )
