"""What the corpus and the benchmarks share: people, streams of chance, what is written.

A population is a stream of patients that a layout writes to disk. It is asked for one
patient at a time and answers with the lines that this patient adds to its label files,
so patients can be made in any process and their lines joined in order.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.drawing.render import Radiograph, render_radiograph
from asg_core.synthetic.layouts.files import csv_line
from asg_core.synthetic.world.body import Body, sample_body
from asg_core.synthetic.world.world import (
    Observation,
    PatientPlan,
    StudyPlan,
    draw_observations,
    plan_patient,
)
from asg_core.terms.views import FRONTAL, View


class Chance(IntEnum):
    """What a seed of a plan is used for.

    The number follows the plan's seed, so that no two uses share random numbers. None is
    0: numpy reads a seed as the same seed with zeros behind it.
    """

    BODY = 1
    IMAGE = 2
    REPORT = 3
    PERSON = 4
    FINDINGS = 5
    LABELS = 6
    SPLIT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientJob:
    """One patient to be made."""

    index: int
    """0-based number of the patient in its population."""

    first_image: int
    """0-based number of the patient's first image in its population."""

    num_images: int
    """How many of the patient's images are wanted, from the first."""

    num_in_all: int = 0
    """How many images the population has; 0 where patients are counted and not images."""


@dataclass(slots=True, kw_only=True)
class Contribution:
    """What making patients adds, beside the image files themselves."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    """Lines of text to append, by file under the root."""

    truth: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    """Rows of the truth tables, by table."""

    broken: list[dict[str, str]] = field(default_factory=list)
    """What was damaged on purpose: `id` and `kind`."""

    counts: Counter[str] = field(default_factory=Counter)
    """How many of what was made."""

    def add_line(self, file: str, values: Iterable[object]) -> None:
        """Append one comma-separated line to `file`; None becomes an empty cell."""
        self.lines.setdefault(file, []).append(csv_line(values))

    def add_text(self, file: str, text: str) -> None:
        """Append one line to `file` as it is."""
        self.lines.setdefault(file, []).append(f"{text}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The patients of the corpus or of one benchmark, and how they lie on disk."""

    name: str
    """Names the population in counts and messages; of a benchmark its name."""

    headers: Mapping[str, str]
    """First line of every label file, by its path under the root; "" for none."""

    images_of: Callable[[PatientPlan], Sequence[tuple[int, int]]]
    """The images of a patient: positions of study and view, in the order written."""

    plan: Callable[[int, SyntheticConfig], PatientPlan]
    """The plan of a patient of this population."""

    write_patient: Callable[
        [PatientPlan, PatientJob, SyntheticConfig, Path], Contribution
    ]
    """Write a patient's images under the root, and say what else there is to write."""

    num_images: int | None = None
    """Images of a benchmark, where the configuration does not say how many; None: it is
    the corpus, whose patients are counted and not its images."""

    def num_wanted(self, config: SyntheticConfig) -> int | None:
        """Return how many images are to be made; None for those of `patients` patients."""
        if self.num_images is None:
            return None
        return config.images_of(self.name, default=self.num_images)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a patient is, as far as label files and headers tell."""

    body: Body
    sex: str
    """ "F" or "M". """

    age: int
    """Years at the first study."""


def stream_of_chance(
    seed: Sequence[int], use: Chance, *more: int
) -> np.random.Generator:
    """Return the generator for one use of a plan's seed."""
    return np.random.default_rng((*seed, int(use), *more))


def meet(plan: PatientPlan) -> Person:
    """Return the person that a plan is about, the same in all of their studies."""
    body = sample_body(stream_of_chance(plan.seed, Chance.BODY))
    rng = stream_of_chance(plan.seed, Chance.PERSON)
    age = int(np.clip(rng.normal(58, 17), 18, 94))
    return Person(body=body, sex="F" if body.breast > 0 else "M", age=age)


def plan_benchmark_patient(
    index: int,
    config: SyntheticConfig,
    *,
    stream: int,
    boosted: Sequence[str] = (),
    boost: float = 1.0,
    lateral_share: float = 0.0,
) -> PatientPlan:
    """Return patient `index` of a benchmark.

    A finding of one study is still there in the next with probability 0.6.

    Args:
        index: Number of the patient, from 0.
        config: The world.
        stream: Number of the population's stream of patients, which no other has.
        boosted: Findings that are more frequent than in the corpus.
        boost: How many times as frequent they are.
        lateral_share: The share of the studies that have a lateral image.
    """
    plan = plan_patient(
        index, seed=config.seed, stream=stream, lateral_share=lateral_share
    )
    studies: list[StudyPlan] = []
    earlier: tuple[Observation, ...] = ()
    for study in plan.studies:
        rng = stream_of_chance(study.seed, Chance.FINDINGS)
        drawn = draw_observations(rng, boosted=boosted, boost=boost)
        kept = [observation for observation in earlier if rng.random() < 0.6]
        known = {observation.finding for observation in earlier}
        new = [observation for observation in drawn if observation.finding not in known]
        earlier = (*kept, *new)
        studies.append(replace(study, observations=earlier, resolved=()))
    return replace(plan, studies=tuple(studies))


def frontal_images(plan: PatientPlan) -> list[tuple[int, int]]:
    """Return (study, view) positions of all frontal images of a patient."""
    return [place for place in all_images(plan) if view_at(plan, place) in FRONTAL]


def first_frontal_image(plan: PatientPlan) -> list[tuple[int, int]]:
    """Return the (study, view) position of a patient's first frontal image alone."""
    return frontal_images(plan)[:1]


def all_images(plan: PatientPlan) -> list[tuple[int, int]]:
    """Return (study, view) positions of all images of a patient, studies in order."""
    return [
        (study_index, view_index)
        for study_index, study in enumerate(plan.studies)
        for view_index in range(len(study.views))
    ]


def view_at(plan: PatientPlan, place: tuple[int, int]) -> View:
    """Return the view of the image at a (study, view) position."""
    study_index, view_index = place
    return plan.studies[study_index].views[view_index]


def render_image(
    plan: PatientPlan, place: tuple[int, int], *, size: int, acquisition: Acquisition
) -> Radiograph:
    """Draw the image at a (study, view) position; the same every time it is asked for."""
    study_index, view_index = place
    study = plan.studies[study_index]
    return render_radiograph(
        study.observations,
        body=meet(plan).body,
        view=study.views[view_index],
        size=size,
        acquisition=acquisition,
        rng=stream_of_chance(study.seed, Chance.IMAGE, 1 + view_index),
    )


def findings_of(observations: Iterable[Observation]) -> set[str]:
    """Return what is drawn, certain or not."""
    return {observation.finding for observation in observations}
