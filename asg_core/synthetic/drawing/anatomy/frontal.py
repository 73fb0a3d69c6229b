"""The outlines of a frontal chest: a body in a view, bent by what is wrong with it.

Outlines are (N, 2) points in anatomy units (body.py). "right" and "left" are the
patient's: the right side has negative x and is on the image's left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from asg_core.synthetic.drawing.anatomy import bones, organs, wall
from asg_core.synthetic.drawing.canvas import Points
from asg_core.synthetic.drawing.changes import Changes
from asg_core.synthetic.world.body import Body
from asg_core.terms.views import View

Outline = TypeVar("Outline")

SIDES: tuple[tuple[str, int], ...] = (("right", -1), ("left", 1))
"""The patient's sides and the sign of x on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """The outlines of one frontal radiograph."""

    lungs: dict[str, Points]
    """The lung of each side; its medial border runs behind heart and mediastinum."""

    cages: dict[str, Points]
    """The lung of each side, continued below the diaphragm."""

    domes: dict[str, Points]
    """The diaphragm of each side, from the costophrenic angle to the midline."""

    heart: Points
    mediastinum: Points
    descending_aorta: Points
    knob: tuple[float, float, float]
    """x, y and radius of the aortic knob."""

    trachea: Points
    """Centre line from the neck to the carina."""

    bronchi: dict[str, Points]
    """The centre line of each main bronchus, from the carina to the hilum."""

    hila: dict[str, Points]
    """Where the vessels enter the lung of each side, (2,)."""

    spine: Points
    """Centre line from the neck to below the film."""

    ribs: dict[str, list[Points]]
    """The centre lines of the ribs of each side, the first rib first, from the spine round to
    the front."""

    clavicles: dict[str, Points]
    """The centre line of each clavicle, from the sternum to the shoulder."""

    pieces: dict[str, list[Points]]
    """The clavicles and ribs of each place as they are drawn, broken ones with a step."""

    scapulae: dict[str, Points]
    humeri: dict[str, Points]
    """The centre line of each upper arm bone, from its head down."""

    torso: Points
    arms: dict[str, Points]
    breasts: dict[str, Points]


def build_anatomy(body: Body, *, view: View, changes: Changes) -> Anatomy:
    """Return the outlines of `body` in a PA or AP view."""
    is_portable = view is View.AP
    spine = bones.trace_spine(body, changes)
    traced = [
        organs.trace_lung(body, height=height, sign=sign, changes=changes)
        for height, (_, sign) in zip(body.dome_heights, SIDES, strict=True)
    ]
    sides = [side for side, _ in SIDES]
    lungs, cages, domes = (
        dict(zip(sides, parts, strict=True)) for parts in zip(*traced, strict=True)
    )
    trachea = organs.trace_trachea(body, changes)
    hila = _trace_hila(body, changes)
    knob = organs.trace_knob(body, changes)
    heart = organs.trace_heart(body, changes, is_portable=is_portable)
    cage = body.cage_half_width * (1 + 0.03 * changes.inflation)
    ribs = _by_side(
        lambda sign: bones.trace_ribs(body, cage=cage, sign=sign, spine=spine)
    )
    clavicles = _by_side(
        partial(bones.trace_clavicle, body, changes, is_portable=is_portable)
    )
    return Anatomy(
        lungs=lungs,
        cages=cages,
        domes=domes,
        heart=heart,
        mediastinum=organs.trace_mediastinum(changes, knob=knob, heart=heart),
        descending_aorta=organs.trace_descending_aorta(knob, changes),
        knob=knob,
        trachea=trachea,
        bronchi={s: organs.trace_bronchus(trachea[-1], hila[s]) for s in sides},
        hila=hila,
        spine=spine,
        ribs=ribs,
        clavicles=clavicles,
        pieces=bones.break_bones(ribs, clavicles, changes.fractures),
        scapulae=_by_side(partial(bones.trace_scapula, body, is_portable=is_portable)),
        humeri=_by_side(partial(bones.trace_humerus, body, is_portable=is_portable)),
        torso=wall.trace_torso(body),
        arms=_by_side(partial(wall.trace_arm, body, is_portable=is_portable)),
        breasts=_by_side(partial(wall.trace_breast, body)) if body.breast > 0 else {},
    )


def _trace_hila(body: Body, changes: Changes) -> dict[str, Points]:
    """Return where the vessels enter the lungs."""
    x = 0.7 * (changes.turn + changes.mediastinum_shift)
    return {
        "right": np.array([-0.092 + x, body.hilum_height + 0.014]),
        "left": np.array([0.096 + x, body.hilum_height]),
    }


def _by_side(trace: Callable[..., Outline]) -> dict[str, Outline]:
    """Return what `trace` makes of the sign of x on each side."""
    return {side: trace(sign=sign) for side, sign in SIDES}
