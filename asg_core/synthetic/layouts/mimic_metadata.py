"""The rows of the metadata file of MIMIC-CXR-JPG: what the DICOM headers said."""

import datetime
from collections.abc import Sequence

import numpy as np

from asg_core.synthetic.layouts.population import Chance, stream_of_chance
from asg_core.synthetic.world.world import PatientPlan
from asg_core.terms.views import View

COLUMNS: tuple[str, ...] = (
    "dicom_id",
    "subject_id",
    "study_id",
    "PerformedProcedureStepDescription",
    "ViewPosition",
    "Rows",
    "Columns",
    "StudyDate",
    "StudyTime",
    "ProcedureCodeSequence_CodeMeaning",
    "ViewCodeSequence_CodeMeaning",
    "PatientOrientationCodeSequence_CodeMeaning",
)
_MEANINGS = {
    View.PA: "postero-anterior",
    View.AP: "antero-posterior",
    View.LATERAL: "lateral",
}


def metadata_row(
    patient: PatientPlan,
    place: tuple[int, int],
    *,
    image_id: str,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> list[object]:
    """Return the cells of one image, in the order of `COLUMNS`.

    Args:
        patient: Whose image it is.
        place: Positions of its study and view.
        image_id: Its dicom_id.
        size: Its width and height, pixels.
        rng: Consumed.
    """
    study = patient.studies[place[0]]
    view = study.views[place[1]]
    procedure = _procedure(study.views)
    # A few real rows leave the view position blank; the coded meaning still says it.
    position = "" if rng.random() < 0.01 else view.value
    taken = _start_of(patient) + datetime.timedelta(
        days=173 * place[0], minutes=3 * place[1]
    )
    return [
        image_id,
        patient.patient_id,
        study.study_id,
        procedure,
        position,
        size[1],
        size[0],
        f"{taken:%Y%m%d}",
        f"{taken:%H%M%S}.{taken.microsecond // 1000:03d}",
        procedure,
        _MEANINGS[view],
        "Recumbent" if view is View.AP else "Erect",
    ]


def _start_of(patient: PatientPlan) -> datetime.datetime:
    """Return when the patient's first image was taken, shifted far ahead as the real dates."""
    rng = stream_of_chance(patient.seed, Chance.LABELS)
    start = datetime.datetime(2110, 1, 1, tzinfo=datetime.UTC)
    return start + datetime.timedelta(
        milliseconds=int(rng.integers(90 * 365 * 86_400_000))
    )


def _procedure(views: Sequence[View]) -> str:
    if View.LATERAL not in views:
        return "CHEST (PORTABLE AP)" if View.AP in views else "CHEST (SINGLE VIEW)"
    return "CHEST (PA AND LAT)" if View.PA in views else "CHEST (AP AND LAT)"
