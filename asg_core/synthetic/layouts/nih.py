"""The NIH ChestX-ray14 layout: images_001..012/images/*.png, label csv, boxes, two lists."""

from functools import partial
from pathlib import Path

import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.drawing.render import Radiograph
from asg_core.synthetic.layouts.files import (
    Pixels,
    components,
    encode_png,
    extent_of,
    write_file,
)
from asg_core.synthetic.layouts.population import (
    Chance,
    Contribution,
    PatientJob,
    Population,
    findings_of,
    frontal_images,
    meet,
    plan_benchmark_patient,
    render_image,
    stream_of_chance,
    view_at,
)
from asg_core.synthetic.world.world import PatientPlan

ROOT = "benchmarks/nih"
ENTRIES = f"{ROOT}/Data_Entry_2017_v2020.csv"
BOXES = f"{ROOT}/BBox_List_2017.csv"
TRAIN_VAL = f"{ROOT}/train_val_list.txt"
TEST = f"{ROOT}/test_list.txt"

LABELS: dict[str, str] = {
    "atelectasis": "Atelectasis",
    "cardiomegaly": "Cardiomegaly",
    "consolidation": "Consolidation",
    "edema": "Edema",
    "pleural effusion": "Effusion",
    "emphysema": "Emphysema",
    "scar": "Fibrosis",
    "hernia": "Hernia",
    "infiltration": "Infiltration",
    "mass": "Mass",
    "nodule": "Nodule",
    "pleural thicken": "Pleural_Thickening",
    "pneumonia": "Pneumonia",
    "pneumothorax": "Pneumothorax",
}
"""The label of each finding that the benchmark knows, in the order labels are joined."""

_BOXED: dict[str, str] = {
    "atelectasis": "Atelectasis",
    "cardiomegaly": "Cardiomegaly",
    "pleural effusion": "Effusion",
    "infiltration": "Infiltrate",  # the box list spells it so, the label csv does not
    "mass": "Mass",
    "nodule": "Nodule",
    "pneumonia": "Pneumonia",
    "pneumothorax": "Pneumothorax",
}
_BOX_SHARE = 0.4  # of the findings of test images that have a box in the list
_NUM_FOLDERS = 12
_RGBA_EVERY = 60  # about 1 in 60 of the real files has an alpha channel

LOOK = Acquisition(
    gamma=(0.85, 1.10),
    contrast=(0.70, 0.96),
    noise=(2.2, 5.0),
    blur=(0.0008, 0.0030),
    collimation=0.3,
    marker=0.8,
    portable_text=0.2,
    leads=0.25,
)
"""Square, softer and noisier than the corpus."""


plan = partial(
    plan_benchmark_patient,
    stream=1,
    boosted=tuple(LABELS),
    boost=1.3,
)


def write_patient(
    patient: PatientPlan, job: PatientJob, config: SyntheticConfig, root: Path
) -> Contribution:
    """Write the PNG files of one patient under `root`."""
    person = meet(patient)
    made = Contribution()
    is_test = patient.split != "train"
    for number, place in enumerate(frontal_images(patient)[: job.num_images]):
        study = patient.studies[place[0]]
        rng = stream_of_chance(study.seed, Chance.LABELS, place[1])
        radiograph = render_image(
            patient, place, size=config.benchmark_image_size, acquisition=LOOK
        )
        name = f"{job.index + 1:08d}_{number:03d}.png"
        path = _path(job.first_image + number, name, num_in_all=job.num_in_all)
        has_alpha = (job.first_image + number) % _RGBA_EVERY == 5
        pixels = _with_alpha(radiograph.pixels) if has_alpha else radiograph.pixels
        write_file(root / ROOT / path, encode_png(pixels))
        findings = findings_of(study.observations)
        labels = [label for finding, label in LABELS.items() if finding in findings]
        cells = [name, "|".join(labels) or "No Finding", number, job.index + 1]
        cells += [min(person.age + place[0], 95), person.sex]
        cells += [view_at(patient, place).value, *_film(pixels, rng=rng)]
        made.add_line(ENTRIES, cells)
        made.add_text(TEST if is_test else TRAIN_VAL, name)
        made.counts["images"] += 1
        if is_test:
            for finding in _BOXED:
                if finding in findings and rng.random() < _BOX_SHARE:
                    _add_boxes(made, name, finding=finding, radiograph=radiograph)
    return made


def _path(ordinal: int, name: str, *, num_in_all: int) -> str:
    """Return where an image lies: the folders have equal shares of all images."""
    return f"images_{1 + ordinal * _NUM_FOLDERS // num_in_all:03d}/images/{name}"


def _film(pixels: Pixels, *, rng: np.random.Generator) -> list[float]:
    """Return width and height of the original film, and the spacing of its pixels."""
    scale = int(rng.integers(10, 20))
    spacing = float(rng.choice([0.139, 0.143, 0.168, 0.171, 0.19431]))
    return [pixels.shape[1] * scale, pixels.shape[0] * scale, spacing, spacing]


def _add_boxes(
    made: Contribution, name: str, *, finding: str, radiograph: Radiograph
) -> None:
    """Add a box for every part of a finding's mask; x, y, width, height in pixels."""
    if finding not in radiograph.masks:
        return
    for part in components(radiograph.masks[finding], min_area=9):
        cells = [f"{float(value)}" for value in extent_of(part)]
        made.add_line(BOXES, [name, _BOXED[finding], *cells, None, None, None])
        made.counts["boxes"] += 1


def _with_alpha(pixels: Pixels) -> Pixels:
    """Return (H, W, 4): three equal channels and an opaque fourth."""
    return np.dstack([pixels, pixels, pixels, np.full_like(pixels, 255)])


POPULATION = Population(
    name="nih",
    num_images=1500,
    headers={
        ENTRIES: "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,"
        "Patient Gender,View Position,OriginalImage[Width,Height],"
        "OriginalImagePixelSpacing[x,y]\n",
        BOXES: "Image Index,Finding Label,Bbox [x,y,w,h],,,\n",
        TRAIN_VAL: "",
        TEST: "",
    },
    images_of=frontal_images,
    plan=plan,
    write_patient=write_patient,
)
