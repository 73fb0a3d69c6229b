"""The COVIDx 9A layout: train.txt and test.txt, blank-separated, and two image folders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.layouts.files import (
    encode_jpeg,
    encode_png,
    uuid_of,
    write_file,
)
from asg_core.synthetic.layouts.population import (
    Chance,
    Contribution,
    PatientJob,
    Population,
    frontal_images,
    plan_benchmark_patient,
    render_image,
    stream_of_chance,
)
from asg_core.synthetic.world.world import GROUND_GLASS, Observation, PatientPlan

ROOT = "benchmarks/covidx"
TRAIN = f"{ROOT}/train.txt"
TEST = f"{ROOT}/test.txt"

NORMAL, PNEUMONIA, COVID = "normal", "pneumonia", "COVID-19"
CLASSES: tuple[str, ...] = (NORMAL, PNEUMONIA, COVID)

_TEST_SHARES = (0.25, 0.25, 0.50)  # 100, 100 and 200 of the real 400
_TRAIN_SHARES = (0.27, 0.19, 0.54)  # 8,085, 5,555 and 16,490 of the real 30,130
_CONSOLIDATIONS = ("pneumonia", "consolidation", "infiltration", "opacity")
_BOTH_LUNGS = ("right lung", "left lung")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One collection that the benchmark was put together from."""

    name: str
    file_name: str
    """The name of an image; `{patient}`, `{number}` and `{uuid}` are filled in."""


_RSNA = Source(name="rsna", file_name="{uuid}.png")
_RICORD = Source(
    name="ricord",
    file_name="MIDRC-RICORD-1C-{patient:06d}-{number:06d}-{patient}-0.png",
)
_BIMCV = Source(
    name="bimcv",
    file_name="sub-S{patient:05d}_ses-E{number:05d}_run-1_bp-chest_vp-ap_dx.png",
)
_COHEN = Source(name="cohen", file_name="covid-case-{patient}-{number}.jpg")
_ACTMED = Source(name="actmed", file_name="CR.{patient}.{number}.JPG")
_SIRM = Source(name="sirm", file_name="COVID-19({patient}-{number}).png")
_FIG1 = Source(name="fig1", file_name="COVID-{patient:05d}-{number}.jpeg")

# In the real test set every COVID-19 image is from one collection that no other class
# has, so a model can score by knowing the collection. The layout keeps that trap.
_COVID_TRAIN = (_BIMCV, _BIMCV, _BIMCV, _COHEN, _ACTMED, _SIRM, _FIG1, _RICORD)
_PNEUMONIA_TRAIN = (_RSNA, _RSNA, _RSNA, _COHEN)

LOOK = Acquisition(
    gamma=(0.75, 1.20),
    contrast=(0.66, 1.05),
    noise=(2.2, 6.0),
    blur=(0.0008, 0.0036),
    max_turn=0.025,
    collimation=0.4,
    marker=0.5,
    portable_text=0.3,
    leads=0.4,
    aspect_ratios=(0.85, 1.0, 1.15, 1.22),
)
"""Gathered from many places: every look, several of them poor."""


def class_of(plan: PatientPlan) -> str:
    """Return the class of all images of a patient."""
    shares = _TRAIN_SHARES if plan.split == "train" else _TEST_SHARES
    rng = stream_of_chance(plan.seed, Chance.LABELS)
    return CLASSES[int(np.searchsorted(np.cumsum(shares), rng.random(), side="right"))]


def plan(index: int, config: SyntheticConfig) -> PatientPlan:
    """Return patient `index`: what the studies show follows from the patient's class."""
    patient = plan_benchmark_patient(index, config, stream=4)
    kind = class_of(patient)
    studies = []
    for study in patient.studies:
        rng = stream_of_chance(study.seed, Chance.LABELS)
        shown = _observations(study.observations, kind=kind, rng=rng)
        studies.append(replace(study, observations=shown))
    return replace(patient, studies=tuple(studies))


def write_patient(
    patient: PatientPlan, job: PatientJob, config: SyntheticConfig, root: Path
) -> Contribution:
    """Write the image files of one patient under `root`."""
    kind = class_of(patient)
    is_test = patient.split != "train"
    source = _source(patient, kind=kind, is_test=is_test)
    made = Contribution()
    for number, place in enumerate(frontal_images(patient)[: job.num_images], start=1):
        radiograph = render_image(
            patient, place, size=config.benchmark_image_size, acquisition=LOOK
        )
        uuid = uuid_of("covidx", config.seed, job.index, number)
        name = source.file_name.format(patient=job.index, number=number, uuid=uuid)
        # The collection of the RSNA images names no patients, only images.
        patient_id = str(uuid) if source is _RSNA else f"{source.name}-{job.index}"
        is_png = name.endswith(".png")
        encoded = (encode_png if is_png else encode_jpeg)(radiograph.pixels)
        write_file(root / ROOT / ("test" if is_test else "train") / name, encoded)
        made.add_text(
            TEST if is_test else TRAIN, f"{patient_id} {name} {kind} {source.name}"
        )
        made.counts["images"] += 1
    return made


def _observations(
    drawn: Sequence[Observation], *, kind: str, rng: np.random.Generator
) -> tuple[Observation, ...]:
    """Return what a study of this class shows, given what the corpus would show."""
    if kind == NORMAL:
        return ()
    severity = float(rng.uniform(0.35, 1.0))
    if kind == COVID:
        pattern = Observation(
            finding=GROUND_GLASS,
            places=_BOTH_LUNGS,
            severity=severity,
            is_certain=True,
            change=None,
        )
        others = [seen for seen in drawn if seen.finding not in _CONSOLIDATIONS]
        return (pattern, *others)
    if any(seen.finding == PNEUMONIA for seen in drawn):
        return tuple(drawn)
    zones = [
        f"{side} {zone} lung zone" for side in ("right", "left") for zone in _ZONES
    ]
    place = zones[int(rng.integers(len(zones)))]
    pneumonia = Observation(
        finding="pneumonia",
        places=(place,),
        severity=severity,
        is_certain=True,
        change=None,
    )
    return (*drawn, pneumonia)


_ZONES = ("upper", "mid", "lower")


def _source(plan: PatientPlan, *, kind: str, is_test: bool) -> Source:
    """Return the collection that a patient's images come from."""
    if is_test:
        return _RICORD if kind == COVID else _RSNA
    choices = {COVID: _COVID_TRAIN, PNEUMONIA: _PNEUMONIA_TRAIN, NORMAL: (_RSNA,)}[kind]
    rng = stream_of_chance(plan.seed, Chance.SPLIT)
    return choices[int(rng.integers(len(choices)))]


POPULATION = Population(
    name="covidx",
    num_images=800,
    headers={TRAIN: "", TEST: ""},
    images_of=frontal_images,
    plan=plan,
    write_patient=write_patient,
)
