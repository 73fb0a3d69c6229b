"""Draws what a study shows: which drawing belongs to which finding."""

from collections.abc import Callable, Sequence

import numpy as np

from asg_core.synthetic.drawing.changes import Changes, Fracture
from asg_core.synthetic.drawing.findings import airspace, bone, device, lung, pleura
from asg_core.synthetic.drawing.places import Spot, make_spot
from asg_core.synthetic.drawing.scene import Scene
from asg_core.synthetic.world.world import GROUND_GLASS, Observation
from asg_core.terms.findings import finding_index
from asg_core.terms.regions import side_of

Drawing = Callable[[Scene, Spot, float, np.random.Generator], None]
"""Draws a finding of a severity in (0, 1] at a place."""

_DRAWINGS: dict[str, Drawing] = {
    "pleural effusion": pleura.draw_effusion,
    "pneumothorax": pleura.draw_pneumothorax,
    "pleural thicken": pleura.draw_thickening,
    "blunt": pleura.draw_blunting,
    "opacity": airspace.draw_opacity,
    "consolidation": airspace.draw_consolidation,
    "pneumonia": airspace.draw_pneumonia,
    "infiltration": airspace.draw_infiltration,
    "atelectasis": airspace.draw_atelectasis,
    "edema": airspace.draw_edema,
    "nodule": lung.draw_nodule,
    "mass": lung.draw_mass,
    "emphysema": lung.draw_emphysema,
    "scar": lung.draw_scar,
    "calcification": lung.draw_calcification,
    "marking": lung.draw_marking,
    "engorgement": lung.draw_engorgement,
    GROUND_GLASS: airspace.draw_ground_glass,
    "fracture": bone.draw_fracture,
    "hernia": bone.draw_hernia,
    "hardware": bone.draw_hardware,
    "deformity": bone.draw_deformity,
    "tube": device.draw_tube,
    "line": device.draw_line,
    "tip": device.draw_tip,
    "pacemaker": device.draw_pacemaker,
    "wire": device.draw_wires,
}

_SHAPES = frozenset(
    {"cardiomegaly", "enlarged cardiomediastinum", "hyperinflate", "shift"}
)
"""Findings that only bend the anatomy."""

DRAWABLE: frozenset[str] = _SHAPES | frozenset(_DRAWINGS)
"""Every finding that the renderer can draw."""

_FAINT = 0.8  # what the reader is not sure of is harder to see


def shape_changes(
    observations: Sequence[Observation],
    *,
    turn: float,
    breath: float,
    rng: np.random.Generator,
) -> Changes:
    """Return how the observations, the turn and the breath bend the anatomy.

    Raises:
        ValueError: If a finding cannot be drawn.
    """
    # One draw whether or not there is a finding: the rest of the image stays the same.
    signs = rng.choice([-1.0, 1.0], size=4)
    fracture_rng = np.random.default_rng(rng.integers(2**62))
    strength = _strengths(observations)
    fractures = tuple(
        fracture
        for observation in observations
        if observation.finding == "fracture"
        for place in observation.places
        for fracture in _fractures(place, _visible_severity(observation), fracture_rng)
    )

    def bend(key: str, low: float, high: float) -> float:
        return low + (high - low) * strength[key] if key in strength else 0.0

    wide = bend("enlarged cardiomediastinum, mediastinum", 0.30, 0.95)
    return Changes(
        heart_growth=max(bend("cardiomegaly", 0.22, 1.0), 0.3 * wide),
        widening=max(
            bend("enlarged cardiomediastinum, upper mediastinum", 0.3, 1), wide
        ),
        mediastinum_shift=signs[0] * bend("shift, mediastinum", 0.030, 0.085),
        trachea_shift=signs[1] * bend("shift, trachea", 0.025, 0.060),
        inflation=bend("hyperinflate", 0.35, 1.15) + breath,
        scoliosis=signs[2] * bend("deformity", 0.014, 0.050),
        hernia=bend("hernia", 0.5, 1.0),
        fractures=fractures,
        turn=turn,
    )


def _strengths(observations: Sequence[Observation]) -> dict[str, float]:
    """Return how severe each finding is where it is worst.

    Findings that bend the anatomy elsewhere at another place have "finding, place".
    """
    strength: dict[str, float] = {}
    for observation in observations:
        if observation.finding not in DRAWABLE:
            raise ValueError(
                f"shape_changes: expected a finding of findings.tsv, 'tip', "
                f"'engorgement' or '{GROUND_GLASS}', found '{observation.finding}'; "
                "add a drawing to asg_core.synthetic.drawing.findings.draw"
            )
        severity = _visible_severity(observation)
        for place in observation.places:
            key = observation.finding
            if key in ("shift", "enlarged cardiomediastinum"):
                key = f"{key}, {place}"
            strength[key] = max(strength.get(key, 0.0), severity)
    return strength


def draw_findings(
    scene: Scene, observations: Sequence[Observation], *, seed: int
) -> None:
    """Draw the observations onto the scene, each in all of its places.

    What a finding looks like depends on `seed`, its name and its place only, and not on
    the other findings.

    Raises:
        ValueError: If a finding is in a place that cannot be drawn.
    """
    for observation in observations:
        if observation.finding == "tip":
            for place in observation.places:
                rng = _generator(seed, "tip", place)
                scene.tips[place] = device.tip_position(scene, _spot(scene, place), rng)
    for observation in observations:
        drawing = _DRAWINGS.get(observation.finding)
        if drawing is None:
            continue
        for place in observation.places:
            rng = _generator(seed, observation.finding, place)
            spot = _spot(scene, place, finding=observation.finding)
            drawing(scene, spot, _visible_severity(observation), rng)


def _visible_severity(observation: Observation) -> float:
    return observation.severity * (1.0 if observation.is_certain else _FAINT)


def _spot(scene: Scene, place: str, *, finding: str = "tip") -> Spot:
    outline = scene.places.get(place)
    if outline is None:
        raise ValueError(
            f"draw_findings: expected a region or a place that is drawn for "
            f"'{finding}', found '{place}'; choose one of asg_core.synthetic.drawing."
            "places.frontal_places"
        )
    return make_spot(place, outline)


def _generator(seed: int, finding: str, place: str) -> np.random.Generator:
    code = 1_000 if finding == GROUND_GLASS else finding_index(finding)
    return np.random.default_rng((seed, code, *place.encode()))


def _fractures(
    place: str, severity: float, rng: np.random.Generator
) -> tuple[Fracture, ...]:
    """Return one break of a clavicle, or breaks of one to three neighbouring ribs."""
    first, where = int(rng.integers(2, 6)), float(rng.uniform(0.30, 0.44))
    if side_of(place) is None or not place.endswith(("ribs", "clavicle")):
        raise ValueError(
            f"shape_changes: expected a fracture of ribs or a clavicle, found '{place}'"
        )
    if place.endswith("clavicle"):
        step = 0.014 + 0.022 * severity
        return (Fracture(place=place, number=0, where=where + 0.12, step=step),)
    return tuple(
        Fracture(
            place=place,
            number=first + offset,
            where=where + 0.01 * offset,
            step=0.008 + 0.010 * severity,
        )
        for offset in range(1 + round(2 * severity))
    )
