"""The RSNA pneumonia layout: two label csv files and DICOM images named by patientId."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.layouts.dicom import DicomHeader, encode_dicom, uid_of
from asg_core.synthetic.layouts.files import (
    Mask,
    components,
    extent_of,
    union_mask,
    uuid_of,
    write_file,
)
from asg_core.synthetic.layouts.population import (
    Contribution,
    PatientJob,
    Population,
    first_frontal_image,
    meet,
    plan_benchmark_patient,
    render_image,
    view_at,
)
from asg_core.synthetic.world.world import PatientPlan

ROOT = "benchmarks/rsna"
LABELS = f"{ROOT}/stage_2_train_labels.csv"
CLASSES = f"{ROOT}/stage_2_detailed_class_info.csv"

OPACITIES: tuple[str, ...] = ("pneumonia", "consolidation", "infiltration", "opacity")
"""What the readers of the challenge drew boxes around."""

_MAX_BOXES = 4  # as many as the real labels have on one image
_UNLABELLED_EVERY = 20  # images of the challenge's own test part, without labels

LOOK = Acquisition(
    gamma=(0.85, 1.15),
    contrast=(0.80, 1.02),
    noise=(2.5, 6.0),
    blur=(0.0006, 0.0024),
    collimation=0.3,
    marker=0.75,
    portable_text=0.3,
    leads=0.3,
)
"""A part of the NIH images, stored again as DICOM."""


plan = partial(
    plan_benchmark_patient,
    stream=3,
    boosted=OPACITIES,
    boost=1.0,
)


def write_patient(
    patient: PatientPlan, job: PatientJob, config: SyntheticConfig, root: Path
) -> Contribution:
    """Write the one DICOM file of a patient under `root`."""
    place = first_frontal_image(patient)[0]
    person = meet(patient)
    radiograph = render_image(
        patient, place, size=config.benchmark_image_size, acquisition=LOOK
    )
    # The real patientId names an image, not a person.
    name = str(uuid_of("rsna", config.seed, job.index))
    header = DicomHeader(
        sop_instance_uid=uid_of("rsna image", name),
        study_instance_uid=uid_of("rsna study", name),
        series_instance_uid=uid_of("rsna series", name),
        patient_id=name,
        sex=person.sex,
        age=person.age,
        view=view_at(patient, place),
        pixel_spacing=0.143,
    )
    is_labelled = job.index % _UNLABELLED_EVERY != _UNLABELLED_EVERY - 1
    folder = "stage_2_train_images" if is_labelled else "stage_2_test_images"
    write_file(
        root / ROOT / folder / f"{name}.dcm",
        encode_dicom(radiograph.pixels, header=header),
    )
    made = Contribution()
    made.counts["images"] += 1
    if is_labelled:
        mask = union_mask(radiograph.masks, OPACITIES, like=radiograph.pixels)
        boxes = opacity_boxes(mask)
        is_normal = not patient.studies[place[0]].observations
        _add_labels(made, name, boxes=boxes, is_normal=is_normal)
    return made


def opacity_boxes(mask: Mask) -> list[tuple[int, int, int, int]]:
    """Return x, y, width, height around the largest opacities of a mask, top to bottom.

    Specks under a thousandth of the image get no box, as a reader would not see them.
    """
    kernel = np.ones((5, 5), np.uint8)
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    parts = components(closed, min_area=mask.size // 1000)
    largest = sorted(parts, key=lambda part: -int(part.sum()))[:_MAX_BOXES]
    return sorted(
        (extent_of(part) for part in largest), key=lambda box: (box[1], box[0])
    )


def _add_labels(
    made: Contribution,
    name: str,
    *,
    boxes: list[tuple[int, int, int, int]],
    is_normal: bool,
) -> None:
    if boxes:
        for box in boxes:
            made.add_line(LABELS, [name, *(float(value) for value in box), 1])
            made.add_line(CLASSES, [name, "Lung Opacity"])
        made.counts["positive_images"] += 1
        made.counts["boxes"] += len(boxes)
        return
    made.add_line(LABELS, [name, None, None, None, None, 0])
    kind = "Normal" if is_normal else "No Lung Opacity / Not Normal"
    made.add_line(CLASSES, [name, kind])


POPULATION = Population(
    name="rsna",
    num_images=800,
    headers={
        LABELS: "patientId,x,y,width,height,Target\n",
        CLASSES: "patientId,class\n",
    },
    images_of=first_frontal_image,
    plan=plan,
    write_patient=write_patient,
)
