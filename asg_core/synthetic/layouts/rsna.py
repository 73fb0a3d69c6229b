"""The RSNA pneumonia layout: two label csv files and DICOM images named by patientId."""

from pathlib import Path

import cv2
import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.render import RSNA
from asg_core.synthetic.layouts.dicom import DicomHeader, encode_dicom, uid_of
from asg_core.synthetic.world.population import (
    Contribution,
    Layout,
    Mask,
    PatientJob,
    Stream,
    components,
    extent_of,
    first_frontal_image,
    meet,
    plan_benchmark_patient,
    render_image,
    union_mask,
    uuid_of,
    view_at,
    write_file,
)
from asg_core.synthetic.world.world import PatientPlan

ROOT = "benchmarks/rsna"
LABELS = f"{ROOT}/stage_2_train_labels.csv"
CLASSES = f"{ROOT}/stage_2_detailed_class_info.csv"

OPACITIES: tuple[str, ...] = ("pneumonia", "consolidation", "infiltration", "opacity")
"""What the readers of the challenge drew boxes around."""

_BOOST = 1.0
_MAX_BOXES = 4  # as many as the real labels have on one image
_UNLABELLED_EVERY = 20  # images of the challenge's own test part, without labels


def plan(index: int, config: SyntheticConfig) -> PatientPlan:
    """Return patient `index` of this population."""
    return plan_benchmark_patient(
        index, seed=config.seed, stream=Stream.RSNA, boosted=OPACITIES, boost=_BOOST
    )


def write_patient(job: PatientJob, config: SyntheticConfig, root: Path) -> Contribution:
    """Write the one DICOM file of a patient under `root`."""
    patient = plan(job.index, config)
    place = first_frontal_image(patient)[0]
    person = meet(patient)
    radiograph = render_image(
        patient, place, size=config.benchmark_image_size, acquisition=RSNA
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


LAYOUT = Layout(
    name="rsna",
    stream=Stream.RSNA,
    headers={
        LABELS: "patientId,x,y,width,height,Target\n",
        CLASSES: "patientId,class\n",
    },
    images_of=first_frontal_image,
    plan=plan,
    write_patient=write_patient,
)
