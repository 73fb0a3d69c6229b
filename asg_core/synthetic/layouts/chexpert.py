"""The CheXpert layout: train.csv, valid.csv and patient/study/view JPEG files."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.layouts.files import encode_jpeg, write_file
from asg_core.synthetic.layouts.population import (
    Chance,
    Contribution,
    PatientJob,
    Population,
    all_images,
    meet,
    plan_benchmark_patient,
    render_image,
    stream_of_chance,
    view_at,
)
from asg_core.synthetic.world.world import Observation, PatientPlan
from asg_core.terms.views import View

NAME = "CheXpert-v1.0-small"
ROOT = f"benchmarks/chexpert/{NAME}"
TRAIN = f"{ROOT}/train.csv"
VALID = f"{ROOT}/valid.csv"

LABELS: tuple[str, ...] = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
"""The label columns, in file order."""

LABEL_OF: dict[str, str] = {
    "enlarged cardiomediastinum": "Enlarged Cardiomediastinum",
    "cardiomegaly": "Cardiomegaly",
    "opacity": "Lung Opacity",
    "infiltration": "Lung Opacity",
    "nodule": "Lung Lesion",
    "mass": "Lung Lesion",
    "lesion": "Lung Lesion",
    "edema": "Edema",
    "consolidation": "Consolidation",
    "pneumonia": "Pneumonia",
    "atelectasis": "Atelectasis",
    "collapse": "Atelectasis",
    "pneumothorax": "Pneumothorax",
    "pleural effusion": "Pleural Effusion",
    "pleural thicken": "Pleural Other",
    "fracture": "Fracture",
    "tube": "Support Devices",
    "line": "Support Devices",
    "pacemaker": "Support Devices",
    "wire": "Support Devices",
    "device": "Support Devices",
    "stent": "Support Devices",
    "hardware": "Support Devices",
}
"""The label that a finding belongs to, here and in the label file of MIMIC-CXR-JPG."""

POSITIVE, NEGATIVE, UNCERTAIN = "1.0", "0.0", "-1.0"

# How often a report rules out what is not there: about the shares of 0 in the real
# frontal training rows, where the rest of what is not there is blank.
_RULED_OUT = {
    "Cardiomegaly": 0.04,
    "Edema": 0.08,
    "Consolidation": 0.10,
    "Pneumonia": 0.02,
    "Atelectasis": 0.01,
    "Pneumothorax": 0.25,
    "Pleural Effusion": 0.13,
    "Enlarged Cardiomediastinum": 0.05,
}
_BOOSTED = (
    "atelectasis",
    "cardiomegaly",
    "consolidation",
    "edema",
    "pleural effusion",
    "tube",
    "line",
)
_FIRST_VALID_PATIENT = 64_541  # the real numbering goes on from train to valid

LOOK = Acquisition(
    gamma=(0.80, 1.05),
    contrast=(0.95, 1.20),
    noise=(2.0, 5.5),
    blur=(0.0004, 0.0020),
    max_turn=0.025,
    collimation=0.55,
    marker=0.7,
    portable_text=0.4,
    leads=0.45,
    aspect_ratios=(0.82, 1.0, 1.19),
)
"""Hard contrast, many portable images and visible field edges."""


plan = partial(
    plan_benchmark_patient, stream=2, boosted=_BOOSTED, boost=1.8, lateral_share=0.15
)


def write_patient(
    patient: PatientPlan, job: PatientJob, config: SyntheticConfig, root: Path
) -> Contribution:
    """Write the JPEG files of one patient under `root`."""
    person = meet(patient)
    made = Contribution()
    is_valid = patient.split == "test"
    number = _FIRST_VALID_PATIENT + job.index if is_valid else job.index + 1
    labels = [
        valid_labels(study.observations)
        if is_valid
        else train_labels(
            study.observations, rng=stream_of_chance(study.seed, Chance.LABELS)
        )
        for study in patient.studies
    ]
    for study_index, view_index in all_images(patient)[: job.num_images]:
        place = (study_index, view_index)
        view = view_at(patient, place)
        radiograph = render_image(
            patient, place, size=config.benchmark_image_size, acquisition=LOOK
        )
        side = "lateral" if view is View.LATERAL else "frontal"
        path = (
            f"{'valid' if is_valid else 'train'}/patient{number:05d}/"
            f"study{study_index + 1}/view{view_index + 1}_{side}.jpg"
        )
        write_file(root / ROOT / path, encode_jpeg(radiograph.pixels))
        made.add_line(
            VALID if is_valid else TRAIN,
            [
                f"{NAME}/{path}",
                "Female" if person.sex == "F" else "Male",
                min(person.age + study_index, 90),
                side.capitalize(),
                None if view is View.LATERAL else view.value,
                *(labels[study_index].get(label) for label in LABELS),
            ],
        )
        made.counts["images"] += 1
    return made


def train_labels(
    observations: Iterable[Observation], *, rng: np.random.Generator
) -> dict[str, str]:
    """Return the codes of a training study; a label that is missing stays blank.

    "1.0" is certain, "-1.0" is hedged, "0.0" is what a report happens to rule out.
    """
    codes: dict[str, str] = {}
    for observation in observations:
        label = LABEL_OF.get(observation.finding)
        if label is not None and (observation.is_certain or label not in codes):
            codes[label] = POSITIVE if observation.is_certain else UNCERTAIN
    for label, share in _RULED_OUT.items():
        is_ruled_out = rng.random() < share
        if is_ruled_out and label not in codes:
            codes[label] = NEGATIVE
    return codes | no_finding(codes)


def valid_labels(observations: Iterable[Observation]) -> dict[str, str]:
    """Return the codes of a validation study: every label "1.0" or "0.0"."""
    shown = {LABEL_OF.get(observation.finding) for observation in observations}
    codes = {label: POSITIVE if label in shown else NEGATIVE for label in LABELS[1:]}
    return {"No Finding": NEGATIVE} | codes | no_finding(codes)


def no_finding(codes: Mapping[str, str]) -> dict[str, str]:
    """Return {"No Finding": "1.0"} unless something but a device is seen or suspected."""
    seen = {label for label, code in codes.items() if code in {POSITIVE, UNCERTAIN}}
    return {} if seen - {"Support Devices"} else {"No Finding": POSITIVE}


_HEADER = ",".join(["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *LABELS]) + "\n"

POPULATION = Population(
    name="chexpert",
    num_images=900,
    headers={TRAIN: _HEADER, VALID: _HEADER},
    images_of=all_images,
    plan=plan,
    write_patient=write_patient,
)
