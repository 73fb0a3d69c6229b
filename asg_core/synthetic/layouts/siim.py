"""The SIIM-ACR pneumothorax layout: DICOM files in study and series folders, RLE csv."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.layouts import rsna
from asg_core.synthetic.layouts.dicom import DicomHeader, encode_dicom, uid_of
from asg_core.synthetic.layouts.files import Mask, union_mask, uuid_of, write_file
from asg_core.synthetic.layouts.population import (
    Chance,
    Contribution,
    PatientJob,
    Population,
    first_frontal_image,
    meet,
    plan_benchmark_patient,
    render_image,
    stream_of_chance,
    view_at,
)
from asg_core.synthetic.world.world import PatientPlan

ROOT = "benchmarks/siim"
MASKS = f"{ROOT}/train-rle.csv"
FINDING = "pneumothorax"

_SPLIT_SHARE = 0.25  # of positive images whose mask was drawn in two pieces

LOOK = replace(rsna.LOOK, blur=(0.0004, 0.0020), leads=0.35)
"""Like RSNA, a little sharper: the benchmark is about thin lines."""


plan = partial(
    plan_benchmark_patient,
    stream=5,
    boosted=(FINDING,),
    boost=4.5,  # about 22 % of the images show one, as in the real data
)


def write_patient(
    patient: PatientPlan, job: PatientJob, config: SyntheticConfig, root: Path
) -> Contribution:
    """Write the one DICOM file of a patient under `root`."""
    place = first_frontal_image(patient)[0]
    study = patient.studies[place[0]]
    person = meet(patient)
    radiograph = render_image(
        patient, place, size=config.benchmark_image_size, acquisition=LOOK
    )
    header = DicomHeader(
        sop_instance_uid=uid_of("siim image", config.seed, job.index),
        study_instance_uid=uid_of("siim study", config.seed, job.index),
        series_instance_uid=uid_of("siim series", config.seed, job.index),
        patient_id=str(uuid_of("siim", config.seed, job.index)),
        sex=person.sex,
        age=person.age,
        view=view_at(patient, place),
        pixel_spacing=0.168,
    )
    image_id = header.sop_instance_uid
    folder = f"{header.study_instance_uid}/{header.series_instance_uid}"
    write_file(
        root / ROOT / "dicom-images-train" / folder / f"{image_id}.dcm",
        encode_dicom(radiograph.pixels, header=header),
    )
    made = Contribution()
    made.counts["images"] += 1
    mask = union_mask(radiograph.masks, [FINDING], like=radiograph.pixels)
    if not mask.any():
        made.add_line(MASKS, [image_id, "-1"])
        return made
    made.counts["positive_images"] += 1
    rng = stream_of_chance(study.seed, Chance.LABELS)
    for piece in annotated_pieces(mask, rng=rng):
        made.add_line(MASKS, [image_id, encode_runs(piece)])
        made.counts["mask_rows"] += 1
    return made


def annotated_pieces(mask: Mask, *, rng: np.random.Generator) -> list[Mask]:
    """Return the pieces that readers drew: together they are `mask`, which is not empty.

    Mostly one; sometimes an upper and a lower one, as where two readers shared the work.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) < 2 or rng.random() >= _SPLIT_SHARE:
        return [mask]
    middle = int(rows[len(rows) // 2])
    upper, lower = mask.copy(), mask.copy()
    upper[middle:] = False
    lower[:middle] = False
    return [upper, lower]


def encode_runs(mask: Mask) -> str:
    """Return the relative run lengths of a mask (H, W) that is not empty.

    Pixels count down the columns, from the left. Each run is a pair: the gap since the
    end of the run before (since the first pixel, for the first run), and its length.
    """
    flat = np.concatenate([[False], mask.T.ravel(), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    starts, ends = edges[::2], edges[1::2]
    gaps = starts - np.concatenate([[0], ends[:-1]])
    pairs = np.column_stack([gaps, ends - starts]).ravel()
    return " ".join(str(value) for value in pairs)


POPULATION = Population(
    name="siim",
    num_images=800,
    headers={MASKS: "ImageId, EncodedPixels\n"},  # the blank is in the real header
    images_of=first_frontal_image,
    plan=plan,
    write_patient=write_patient,
)
