"""Where the named places of a frontal chest lie: outlines for boxes and for findings."""

from dataclasses import dataclass

import numpy as np

from asg_core.synthetic.drawing.anatomy.frontal import SIDES, Anatomy
from asg_core.synthetic.drawing.canvas import Canvas, Points, ribbon
from asg_core.synthetic.drawing.outlines import clip_band, rectangle
from asg_core.terms.regions import REGIONS, side_of

_MIN_VISIBLE = 0.015  # of the longest side; thinner slivers of a region get no box

_ZONES = (("upper", 0.0, 0.38), ("mid", 0.38, 0.66), ("lower", 0.66, 2.0))
"""Lung zones as fractions of the height from the apex to the top of the diaphragm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place, as something a finding can be drawn in."""

    place: str
    side: str | None
    sign: int
    """The sign of x on this side; 0 for places in the middle."""

    centre: Points
    """(2,), anatomy units: middle of the place's extent."""

    half: Points
    """(2,), anatomy units: half of the place's extent."""


def region_outlines(anatomy: Anatomy) -> dict[str, Points]:
    """Return an outline for each of the 29 regions, in the order of `REGIONS`."""
    outlines: dict[str, Points] = {}
    for side, sign in SIDES:
        outlines |= _lung_regions(anatomy, side=side, sign=sign)
        clavicle = ribbon(anatomy.clavicles[side], 0.012)
        outlines[f"{side} clavicle"] = clavicle
    outlines |= _midline_regions(anatomy)
    return {region: outlines[region] for region in REGIONS}


def region_boxes(
    outlines: dict[str, Points], *, canvas: Canvas
) -> dict[str, tuple[float, float, float, float]]:
    """Return the boxes, in pixels of the canvas, of the regions that it shows.

    Boxes are half-open xyxy, clipped to the canvas. A region of which less than a
    sliver is inside has no box.
    """
    least = max(2.0, _MIN_VISIBLE * max(canvas.height, canvas.width))
    boxes = {}
    for region, outline in outlines.items():
        pixels = canvas.to_pixels(outline)
        x0, y0 = np.maximum(pixels.min(axis=0), 0.0)
        x1, y1 = np.minimum(pixels.max(axis=0), [canvas.width, canvas.height])
        if x1 - x0 >= least and y1 - y0 >= least:
            boxes[region] = (float(x0), float(y0), float(x1), float(y1))
    return boxes


def frontal_places(anatomy: Anatomy, outlines: dict[str, Points]) -> dict[str, Points]:
    """Return the places of a frontal image where findings can be drawn."""
    places = dict(outlines)
    for side, sign in SIDES:
        lung = anatomy.lungs[side]
        wall = float(np.abs(lung[:, 0]).max())
        top, bottom = lung[:, 1].min(), lung[:, 1].max()
        places[f"{side} ribs"] = clip_band(lung, low=top + 0.1, high=bottom - 0.05)
        places[f"{side} chest wall"] = rectangle(
            sign * 0.55 * wall, top + 0.13, sign * 0.98 * wall, top + 0.26
        )
    return places


def make_spot(place: str, outline: Points) -> Spot:
    """Return the spot of a place with this outline."""
    side = side_of(place) if place != "right atrium" else None
    low, high = outline.min(axis=0), outline.max(axis=0)
    return Spot(
        place=place,
        side=side,
        sign={"right": -1, "left": 1, None: 0}[side],
        centre=(low + high) / 2,
        half=(high - low) / 2,
    )


def _lung_regions(anatomy: Anatomy, *, side: str, sign: int) -> dict[str, Points]:
    lung, dome = anatomy.lungs[side], anatomy.domes[side]
    top, floor = float(lung[:, 1].min()), float(dome[:, 1].min())
    clavicle = anatomy.clavicles[side]
    angle = lung[np.argmax(lung[:, 1])]
    hilum = anatomy.hila[side]
    regions = {
        f"{side} {name} lung zone": clip_band(
            lung, low=top + low * (floor - top), high=top + high * (floor - top)
        )
        for name, low, high in _ZONES
    }
    apex = float(np.mean(clavicle[:, 1])) + 0.012
    return regions | {
        f"{side} lung": lung,
        f"{side} apical zone": clip_band(lung, low=top, high=apex),
        f"{side} hilar structures": rectangle(
            hilum[0] - sign * 0.038,
            hilum[1] - 0.072,
            hilum[0] + sign * 0.055,
            hilum[1] + 0.082,
        ),
        f"{side} costophrenic angle": rectangle(
            angle[0] - sign * 0.085,
            angle[1] - 0.080,
            angle[0] + sign * 0.014,
            angle[1] + 0.014,
        ),
        f"{side} hemidiaphragm": dome + np.array([0.0, -0.004]),
    }


def _midline_regions(anatomy: Anatomy) -> dict[str, Points]:
    heart, trachea = anatomy.heart, anatomy.trachea
    upper = clip_band(anatomy.mediastinum, low=-0.34, high=-0.045)
    carina = trachea[-1]
    x, y, radius = anatomy.knob
    left_heart, right_heart = float(heart[:, 0].max()), float(heart[:, 0].min())
    top, floor = float(heart[:, 1].min()), float(heart[:, 1].max())
    right_edge = float(upper[upper[:, 1] > -0.22, 0].min())
    middle = carina[0] - 0.012
    domes = np.concatenate(list(anatomy.domes.values()))
    wall = float(np.abs(domes[:, 0]).max()) + 0.02
    junction = top + 0.22 * (floor - top)
    spine = anatomy.spine
    return {
        "trachea": np.concatenate(
            [ribbon(trachea[trachea[:, 1] > -0.46], 0.022), carina[None]]
        ),
        "carina": rectangle(
            carina[0] - 0.036, carina[1] - 0.020, carina[0] + 0.036, carina[1] + 0.034
        ),
        "spine": ribbon(spine[(spine[:, 1] > -0.50) & (spine[:, 1] < 0.52)], 0.044),
        "aortic arch": rectangle(
            middle + 0.012, y - 1.2 * radius, x + radius, y + 1.25 * radius
        ),
        "mediastinum": np.concatenate([upper, heart]),
        "upper mediastinum": upper,
        "svc": rectangle(right_edge, -0.205, middle - 0.004, junction - 0.012),
        "cardiac silhouette": heart,
        "cavoatrial junction": rectangle(
            0.5 * (right_edge + right_heart) - 0.012,
            junction - 0.034,
            middle + 0.002,
            junction + 0.034,
        ),
        "right atrium": rectangle(
            right_heart,
            junction - 0.010,
            right_heart + 0.34 * (left_heart - right_heart),
            top + 0.86 * (floor - top),
        ),
        "abdomen": rectangle(-wall, float(domes[:, 1].min()), wall, 0.46),
    }
