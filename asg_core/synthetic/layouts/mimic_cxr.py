"""The corpus on disk: MIMIC-CXR-JPG, MIMIC-CXR reports and Chest ImaGenome, with truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.drawing.render import Radiograph
from asg_core.synthetic.layouts import chest_imagenome, chexpert, mimic_metadata
from asg_core.synthetic.layouts.broken import Damage, damaged_patients, truncated
from asg_core.synthetic.layouts.files import encode_jpeg, hex_of, write_file
from asg_core.synthetic.layouts.population import (
    Chance,
    Contribution,
    PatientJob,
    Person,
    Population,
    all_images,
    meet,
    render_image,
    stream_of_chance,
)
from asg_core.synthetic.world.world import PatientPlan, StudyPlan, plan_patient
from asg_core.synthetic.writing.report import WrittenReport, write_report
from asg_core.terms.existence import Context, Existence
from asg_core.terms.views import FRONTAL

METADATA = "mimic-cxr-2.0.0-metadata.csv.gz"
SPLIT = "mimic-cxr-2.0.0-split.csv.gz"
LABELS = "mimic-cxr-2.0.0-chexpert.csv.gz"

_LABEL_COLUMNS = tuple(sorted(chexpert.LABELS))
_IMAGE_DAMAGE = (
    Damage.TRUNCATED_IMAGE,
    Damage.MISSING_IMAGE,
    Damage.DUPLICATE_IMAGE_ID,
    Damage.MISSING_SCENE_GRAPH,
    Damage.SWAPPED_SIDES,
)
_BOX_DAMAGE = (Damage.BOX_OUTSIDE_IMAGE, Damage.BOX_WITHOUT_AREA)
_SHOWN = (Context.CURRENT, Context.COMPARISON)
_SMALLEST = 0.88  # of `image_size`: the longest side of the smallest images

LOOK = Acquisition(
    gamma=(0.95, 1.25),
    contrast=(0.82, 1.14),
    noise=(1.2, 3.5),
    blur=(0.0, 0.0012),
    collimation=0.35,
    marker=0.6,
    portable_text=0.5,
    leads=0.35,
    aspect_ratios=(0.82, 0.83, 1.0, 1.2, 1.22),
)
"""The pre-training corpus: one hospital, well exposed, all sizes of film."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """One study of one patient, about to be written."""

    patient: PatientPlan
    person: Person
    number: int
    """0-based among the studies of the patient."""

    report: WrittenReport
    damage: Damage | None
    imagenome_split: str | None

    @property
    def study(self) -> StudyPlan:
        return self.patient.studies[self.number]

    @property
    def folder(self) -> str:
        patient_id = self.patient.patient_id
        return f"files/p{patient_id[:2]}/p{patient_id}/s{self.study.study_id}"


def plan(index: int, config: SyntheticConfig) -> PatientPlan:
    """Return patient `index` of the corpus."""
    return plan_patient(
        index,
        seed=config.seed,
        stream=0,
        lateral_share=config.lateral_share,
    )


def write_patient(
    patient: PatientPlan, job: PatientJob, config: SyntheticConfig, root: Path
) -> Contribution:
    """Write reports, JPEG files and scene graphs of one patient under `root`."""
    person = meet(patient)
    damage = damaged_patients(
        num_broken=config.broken_files, num_patients=config.patients
    ).get(job.index)
    imagenome_split = chest_imagenome.split_of(
        stream_of_chance(patient.seed, Chance.SPLIT)
    )
    made = Contribution()
    made.counts["patients"] += 1
    for number, study in enumerate(patient.studies):
        visit = _Visit(
            patient=patient,
            person=person,
            number=number,
            report=write_report(study, rng=stream_of_chance(study.seed, Chance.REPORT)),
            damage=damage if number == 0 else None,
            imagenome_split=imagenome_split,
        )
        _write_report(visit, made=made, root=root)
        for view_index in range(len(study.views)):
            _write_image(visit, view_index, made=made, config=config, root=root)
    return made


def image_id_of(plan: PatientPlan, place: tuple[int, int], *, seed: int) -> str:
    """Return the dicom_id of an image: five groups of eight hexadecimal digits."""
    study_id = plan.studies[place[0]].study_id
    digits = hex_of("corpus", seed, study_id, place[1], num_bytes=20)
    return "-".join(digits[start : start + 8] for start in range(0, 40, 8))


def study_labels(claims: Sequence[chest_imagenome.GraphClaim]) -> dict[str, str]:
    """Return the codes of a study in the label file, from what its report claims.

    Over a report, present comes before uncertain and uncertain before absent; a label
    that the report does not mention stays blank.
    """
    codes: dict[str, str] = {}
    for existence, code in (
        (Existence.ABSENT, chexpert.NEGATIVE),
        (Existence.UNCERTAIN, chexpert.UNCERTAIN),
        (Existence.PRESENT, chexpert.POSITIVE),
    ):
        for claim in claims:
            if claim.existence is existence and claim.finding in chexpert.LABEL_OF:
                codes[chexpert.LABEL_OF[claim.finding]] = code
    return codes | chexpert.no_finding(codes)


def _write_report(visit: _Visit, *, made: Contribution, root: Path) -> None:
    """Write the report, its truth and the labels of its study."""
    study_id = visit.study.study_id
    text = visit.report.text
    if visit.damage is Damage.EMPTY_REPORT:
        text = ""
        _note_damage(study_id, visit=visit, made=made)
    write_file(root / f"{visit.folder}.txt", text.encode())
    made.truth.setdefault("sentences", []).extend(_sentence_rows(visit))
    made.truth.setdefault("triplets", []).extend(_triplet_rows(visit))
    codes = study_labels(_claims(visit))
    ids = [visit.patient.patient_id, study_id]
    made.add_line(LABELS, [*ids, *(codes.get(label) for label in _LABEL_COLUMNS)])
    made.counts["studies"] += 1
    made.counts["reports"] += 1


def _write_image(
    visit: _Visit,
    view_index: int,
    *,
    made: Contribution,
    config: SyntheticConfig,
    root: Path,
) -> None:
    """Write one image, its rows, and for a frontal one its boxes."""
    place = (visit.number, view_index)
    image_id = image_id_of(visit.patient, place, seed=config.seed)
    damage = visit.damage if view_index == 0 else None
    rng = stream_of_chance(visit.study.seed, Chance.LABELS, 1 + view_index)
    radiograph = render_image(
        visit.patient,
        place,
        size=round(config.image_size * float(rng.uniform(_SMALLEST, 1.0))),
        acquisition=LOOK,
    )
    content = encode_jpeg(radiograph.pixels)
    if damage is Damage.TRUNCATED_IMAGE:
        content = truncated(content)
    if damage is not Damage.MISSING_IMAGE:
        write_file(root / visit.folder / f"{image_id}.jpg", content)
    height, width = radiograph.pixels.shape
    row = mimic_metadata.metadata_row(
        visit.patient, place, image_id=image_id, size=(width, height), rng=rng
    )
    for _ in range(2 if damage is Damage.DUPLICATE_IMAGE_ID else 1):
        made.add_line(METADATA, row)
    patient_id, study_id = visit.patient.patient_id, visit.study.study_id
    made.add_line(SPLIT, [image_id, study_id, patient_id, visit.patient.split])
    made.counts["images"] += 1
    if damage in _IMAGE_DAMAGE:
        _note_damage(image_id, visit=visit, made=made)
    if visit.study.views[view_index] in FRONTAL:
        image = _graph_image(visit, place, radiograph=radiograph, seed=config.seed)
        _write_boxes(image, visit=visit, damage=damage, made=made, root=root)


def _graph_image(
    visit: _Visit, place: tuple[int, int], *, radiograph: Radiograph, seed: int
) -> chest_imagenome.GraphImage:
    """Return what a scene graph says of an image."""
    height, width = radiograph.pixels.shape
    return chest_imagenome.GraphImage(
        image_id=image_id_of(visit.patient, place, seed=seed),
        patient_id=visit.patient.patient_id,
        study_id=visit.study.study_id,
        view=visit.study.views[place[1]],
        width=width,
        height=height,
        boxes=radiograph.boxes,
        study_number=visit.number + 1,
        sex=visit.person.sex,
        age=visit.person.age,
        previous_image_id=(
            image_id_of(visit.patient, (visit.number - 1, 0), seed=seed)
            if visit.number
            else None
        ),
    )


def _write_boxes(
    image: chest_imagenome.GraphImage,
    *,
    visit: _Visit,
    damage: Damage | None,
    made: Contribution,
    root: Path,
) -> None:
    """Write the scene graph of a frontal image, its truth, and its line in the splits."""
    made.truth.setdefault("region_boxes", []).extend(
        {
            "image_id": image.image_id,
            "region": region,
            "box_xyxy": list(box),
            "score": 1.0,
            "origin": "truth",
        }
        for region, box in image.boxes.items()
    )
    ids = [image.patient_id, image.study_id, image.image_id]
    path = f"{visit.folder}/{image.image_id}.dcm"
    cells = [*ids, path, image.view.value]
    if visit.imagenome_split is None:
        made.add_line(chest_imagenome.AVOID, cells)
    else:
        number = int(image.study_id) * 10 + made.counts["images"]
        file = chest_imagenome.SPLITS[visit.imagenome_split]
        made.add_line(file, [number, *cells])
    if damage in _BOX_DAMAGE:
        region = chest_imagenome.damaged_region(image)
        _note_damage(f"{image.image_id}/{region}", visit=visit, made=made)
    if damage is Damage.MISSING_SCENE_GRAPH:
        return
    content = chest_imagenome.encode_scene_graph(
        image, claims=_claims(visit), damage=damage
    )
    write_file(
        root / chest_imagenome.GRAPHS / f"{image.image_id}_SceneGraph.json", content
    )
    made.counts["scene_graphs"] += 1


def _note_damage(item_id: str, *, visit: _Visit, made: Contribution) -> None:
    if visit.damage is not None:
        made.broken.append({"id": item_id, "kind": visit.damage.value})


def _sentence_rows(visit: _Visit) -> list[dict[str, object]]:
    """Return the rows of the table `sentences` of a study."""
    study_id = visit.study.study_id
    return [{"study_id": study_id, **row} for row in visit.report.sentences]


def _triplet_rows(visit: _Visit) -> list[dict[str, object]]:
    """Return the rows of the table `triplets` of a study."""
    study_id = visit.study.study_id
    return [{"study_id": study_id, **row} for row in visit.report.triplets]


def _claims(visit: _Visit) -> list[chest_imagenome.GraphClaim]:
    """Return what the report claims about these images and their change."""
    phrases = {
        row["sentence_index"]: (number, str(row["text"]))
        for number, row in enumerate(visit.report.sentences)
    }
    changes = {
        (place, observation.finding): observation.change
        for observation in visit.study.observations
        for place in observation.places
    }
    claims: list[chest_imagenome.GraphClaim] = []
    for row in visit.report.triplets:
        if row["context"] not in _SHOWN:
            continue
        region, finding = str(row["region"]), str(row["finding"])
        number, phrase = phrases[row["sentence_index"]]
        claims.append(
            chest_imagenome.GraphClaim(
                region=region,
                finding=finding,
                existence=Existence(str(row["existence"])),
                sentence_index=number,
                phrase=phrase,
                change=changes.get((region, finding)),
            )
        )
    return claims


POPULATION = Population(
    name="corpus",
    headers={
        METADATA: ",".join(mimic_metadata.COLUMNS) + "\n",
        SPLIT: "dicom_id,study_id,subject_id,split\n",
        LABELS: ",".join(("subject_id", "study_id", *_LABEL_COLUMNS)) + "\n",
        **{
            path: ",".join(("", *chest_imagenome.COLUMNS)) + "\n"
            for path in chest_imagenome.SPLITS.values()
        },
        chest_imagenome.AVOID: ",".join(chest_imagenome.COLUMNS) + "\n",
    },
    images_of=all_images,
    plan=plan,
    write_patient=write_patient,
)
