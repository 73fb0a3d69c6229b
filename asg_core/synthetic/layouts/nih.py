"""The NIH ChestX-ray14 layout: images_001..012/images/*.png, label csv, boxes, two lists."""

from pathlib import Path

import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.render import NIH, Radiograph
from asg_core.synthetic.world.population import (
    Chance,
    Contribution,
    Layout,
    PatientJob,
    Pixels,
    Stream,
    components,
    encode_png,
    extent_of,
    findings_of,
    frontal_images,
    meet,
    plan_benchmark_patient,
    render_image,
    stream_of_chance,
    view_at,
    write_file,
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
_BOOST = 1.3


def plan(index: int, config: SyntheticConfig) -> PatientPlan:
    """Return patient `index` of this population."""
    return plan_benchmark_patient(
        index, seed=config.seed, stream=Stream.NIH, boosted=tuple(LABELS), boost=_BOOST
    )


def write_patient(job: PatientJob, config: SyntheticConfig, root: Path) -> Contribution:
    """Write the PNG files of one patient under `root`."""
    patient = plan(job.index, config)
    person = meet(patient)
    made = Contribution()
    is_test = patient.split != "train"
    for number, place in enumerate(frontal_images(patient)[: job.num_images]):
        study = patient.studies[place[0]]
        rng = stream_of_chance(study.seed, Chance.LABELS, place[1])
        radiograph = render_image(
            patient, place, size=config.benchmark_image_size, acquisition=NIH
        )
        name = f"{job.index + 1:08d}_{number:03d}.png"
        ordinal = job.first_image + number
        folder = f"images_{1 + ordinal * _NUM_FOLDERS // config.benchmarks.nih:03d}"
        pixels = radiograph.pixels
        has_alpha = ordinal % _RGBA_EVERY == 5
        write_file(
            root / ROOT / folder / "images" / name,
            encode_png(_with_alpha(pixels) if has_alpha else pixels),
        )
        findings = findings_of(study.observations)
        labels = [label for finding, label in LABELS.items() if finding in findings]
        scale = int(rng.integers(10, 20))
        spacing = float(rng.choice([0.139, 0.143, 0.168, 0.171, 0.19431]))
        made.add_line(
            ENTRIES,
            [
                name,
                "|".join(labels) or "No Finding",
                number,
                job.index + 1,
                min(person.age + place[0], 95),
                person.sex,
                view_at(patient, place).value,
                pixels.shape[1] * scale,
                pixels.shape[0] * scale,
                spacing,
                spacing,
            ],
        )
        made.add_text(TEST if is_test else TRAIN_VAL, name)
        made.counts["images"] += 1
        if is_test:
            for finding in _BOXED:
                if finding in findings and rng.random() < _BOX_SHARE:
                    _add_boxes(made, name, finding=finding, radiograph=radiograph)
    return made


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


LAYOUT = Layout(
    name="nih",
    stream=Stream.NIH,
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
