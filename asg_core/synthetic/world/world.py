"""What is the case in the synthetic world, before anything is drawn or written.

A plan says who the patients are, which studies they have, what each study shows and what
the reader is sure of. The renderer draws a plan, the grammar writes about it, and both
are scored against it. Plans depend on (seed, stream, patient index) only, so patients can
be made in any order and in any process.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np

from asg_core.terms.views import View

_FINDINGS_FILE = Path(__file__).with_name("findings.tsv")

GROUND_GLASS = "peripheral ground glass"
"""The disease pattern of the COVIDx benchmark: drawn, but named by no report."""


class Change(StrEnum):
    """How an observation compares with the patient's earlier study."""

    NEW = "new"
    UNCHANGED = "unchanged"
    LARGER = "larger"
    SMALLER = "smaller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One thing that a study shows."""

    finding: str
    """A name of `terms.findings`, or `GROUND_GLASS`."""

    places: tuple[str, ...]
    """Names of `terms.regions.PLACES`; several when it is in all of them."""

    severity: float
    """Extent and contrast, in (0, 1]."""

    is_certain: bool
    """False when the reader hedges; the thing is then drawn, but faintly."""

    change: Change | None
    """Against the patient's earlier study; None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """One study: which images are taken and what they show."""

    study_id: str
    views: tuple[View, ...]
    observations: tuple[Observation, ...]
    resolved: tuple[Observation, ...]
    """What the earlier study showed and this one does not."""

    has_earlier: bool
    seed: tuple[int, ...]
    """Seeds everything else about this study: pose, noise, wording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientPlan:
    """One patient: a body, and studies in the order they were made."""

    patient_id: str
    split: str
    studies: tuple[StudyPlan, ...]
    seed: tuple[int, ...]
    """Seeds the body, which all studies of the patient share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPrior:
    """How often a finding occurs and where: one line of findings.tsv."""

    finding: str
    prevalence: float
    severity: tuple[float, float]
    places: tuple[tuple[str, ...], ...]
    companion: str | None
    companion_probability: float
    companion_places: tuple[tuple[str, ...], ...]


@cache
def finding_priors() -> tuple[FindingPrior, ...]:
    """Return the lines of findings.tsv, in file order."""
    with _FINDINGS_FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(_read_prior(row) for row in csv.DictReader(lines, delimiter="\t"))


def plan_patient(
    index: int, *, seed: int, stream: int, lateral_share: float
) -> PatientPlan:
    """Return patient number `index` of a stream, with one to three studies.

    Args:
        index: 0-based number of the patient in its stream.
        seed: The seed of the whole world.
        stream: Which population: 0 is the corpus, others are benchmarks.
        lateral_share: Share of studies that have a lateral image too.
    """
    rng = np.random.default_rng((seed, stream, index))
    patient_id = str(10_000_000 + stream * 1_000_000 + index * 7)
    draw = rng.random()
    split = "train" if draw < 0.8 else "validate" if draw < 0.9 else "test"
    studies: list[StudyPlan] = []
    for number in range(int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))):
        earlier = studies[-1].observations if studies else None
        observations, resolved = _next_observations(earlier, rng=rng)
        studies.append(
            StudyPlan(
                study_id=str(50_000_000 + stream * 1_000_000 + index * 21 + number),
                views=_draw_views(rng, lateral_share=lateral_share),
                observations=observations,
                resolved=resolved,
                has_earlier=earlier is not None,
                seed=(seed, stream, index, 2 + number),
            )
        )
    return PatientPlan(
        patient_id=patient_id,
        split=split,
        studies=tuple(studies),
        # Not 0: numpy gives (seed, stream, index, 0) the numbers of `rng` itself.
        seed=(seed, stream, index, 1),
    )


def draw_observations(
    rng: np.random.Generator, *, boosted: Sequence[str] = (), boost: float = 1.0
) -> tuple[Observation, ...]:
    """Draw what a study without an earlier one shows.

    Args:
        rng: Consumed.
        boosted: Findings that this population has more often than the corpus.
        boost: Their prevalence is multiplied by this, up to 0.9.
    """
    observations: list[Observation] = []
    # A third of all studies show nothing, as a third of real ones do.
    if rng.random() < (0.28 if not boosted else 0.15):
        return ()
    for prior in finding_priors():
        factor = boost if prior.finding in boosted else 1.0
        if rng.random() < min(prior.prevalence * factor, 0.9):
            observations.extend(_draw(prior, rng=rng))
    return tuple(observations)


def _draw(prior: FindingPrior, *, rng: np.random.Generator) -> list[Observation]:
    severity = float(rng.uniform(*prior.severity))
    places = prior.places[int(rng.integers(len(prior.places)))]
    is_certain = bool(rng.random() < 0.5 + 0.5 * severity)
    first = Observation(
        finding=prior.finding,
        places=places,
        severity=severity if is_certain else 0.6 * severity,
        is_certain=is_certain,
        change=None,
    )
    if prior.companion is None or rng.random() >= prior.companion_probability:
        return [first]
    where = prior.companion_places[int(rng.integers(len(prior.companion_places)))]
    return [first, replace(first, finding=prior.companion, places=where)]


def _next_observations(
    earlier: tuple[Observation, ...] | None, *, rng: np.random.Generator
) -> tuple[tuple[Observation, ...], tuple[Observation, ...]]:
    """Return what a study shows, and what of the earlier study is gone."""
    if earlier is None:
        return draw_observations(rng), ()
    kept, resolved = [], []
    for observation in earlier:
        if rng.random() < 0.3:
            resolved.append(observation)
            continue
        change = Change(
            rng.choice(["unchanged", "larger", "smaller"], p=[0.5, 0.25, 0.25])
        )
        factor = {Change.LARGER: 1.3, Change.SMALLER: 0.7}.get(change, 1.0)
        severity = min(observation.severity * factor, 1.0)
        kept.append(replace(observation, change=change, severity=severity))
    known = {observation.finding for observation in earlier}
    new = [
        replace(observation, change=Change.NEW)
        for observation in draw_observations(rng)
        if observation.finding not in known and rng.random() < 0.5
    ]
    return (*kept, *new), tuple(resolved)


def _draw_views(rng: np.random.Generator, *, lateral_share: float) -> tuple[View, ...]:
    """Return the images of one study: one or two frontals, sometimes a lateral."""
    frontal = View.PA if rng.random() < 0.5 else View.AP
    views = [frontal]
    if rng.random() < 0.06:
        views.append(View.AP)
    if rng.random() < lateral_share:
        views.append(View.LATERAL)
    return tuple(views)


def _read_prior(row: dict[str, str]) -> FindingPrior:
    return FindingPrior(
        finding=row["finding"],
        prevalence=float(row["prevalence"]),
        severity=(float(row["severity_low"]), float(row["severity_high"])),
        places=_read_places(row["places"]),
        companion=row["companion"] or None,
        companion_probability=float(row["companion_probability"] or 0),
        companion_places=_read_places(row["companion_places"]),
    )


def _read_places(cell: str) -> tuple[tuple[str, ...], ...]:
    """Read "a;b+c" as the alternatives (a,) and (b, c)."""
    alternatives = [alternative for alternative in cell.split(";") if alternative]
    return tuple(tuple(alternative.split("+")) for alternative in alternatives)
