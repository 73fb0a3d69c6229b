"""The synthetic corpus on disk: layout, truth, damage, and the same bytes every time."""

import csv
import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.layouts import chest_imagenome, chexpert, mimic_cxr
from asg_core.synthetic.layouts.broken import Damage, damaged_patients
from asg_core.synthetic.layouts.chest_imagenome import GraphClaim, GraphImage
from asg_core.synthetic.make import POPULATIONS, make_synthetic
from asg_core.synthetic.world.world import Change
from asg_core.tables.catalog import REGION_BOXES, SENTENCES, STAGE_METRICS, TRIPLETS
from asg_core.tables.schema import read_table, read_tables
from asg_core.tables.shards import shard_of
from asg_core.terms.existence import Existence
from asg_core.terms.views import View

CONFIG = SyntheticConfig(
    patients=10,
    broken_files=8,
    image_size=100,
    benchmark_image_size=64,
    benchmarks={"nih": 5, "chexpert": 4, "rsna": 3, "covidx": 3, "siim": 0},
)
PLANS = [mimic_cxr.plan(index, CONFIG) for index in range(10)]
IMAGES = {
    mimic_cxr.image_id_of(patient, (number, view_index), seed=0): (
        patient,
        study,
        study.views[view_index],
    )
    for patient in PLANS
    for number, study in enumerate(patient.studies)
    for view_index in range(len(study.views))
}
FRONTAL = {name for name, (*_, view) in IMAGES.items() if view is not View.LATERAL}


def make(folder: Path, *, num_processes: int = 1, num_shards: int = 2) -> pl.DataFrame:
    return make_synthetic(
        config=CONFIG,
        root=folder / "source",
        truth=folder / "truth",
        num_shards=num_shards,
        num_processes=num_processes,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    make(folder)
    return folder


@pytest.fixture(scope="module")
def root(made: Path) -> Path:
    return made / "source"


def packed_rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def broken_ids(root: Path, kind: str) -> set[str]:
    items = json.loads((root / "broken.json").read_text())
    return {item["id"] for item in items if item["kind"] == kind}


def jpeg_of(root: Path, image_id: str) -> Path:
    patient, study, _ = IMAGES[image_id]
    folder = f"p{patient.patient_id[:2]}/p{patient.patient_id}/s{study.study_id}"
    return root / "files" / folder / f"{image_id}.jpg"


def report_of(root: Path, study_id: str) -> Path:
    return next((root / "files").glob(f"*/*/s{study_id}.txt"))


def boxes_in(root: Path, image_id: str) -> dict[str, list[int]]:
    path = root / "silver_dataset" / "scene_graph" / f"{image_id}_SceneGraph.json"
    graph = json.loads(path.read_text())
    return {
        box["bbox_name"]: [
            box[f"original_{corner}"] for corner in ("x1", "y1", "x2", "y2")
        ]
        for box in graph["objects"]
    }


def true_boxes(made: Path) -> dict[str, dict[str, list[float]]]:
    paths = sorted((made / "truth" / "region_boxes").iterdir())
    boxes: dict[str, dict[str, list[float]]] = {}
    for row in read_tables(paths, schema=REGION_BOXES).iter_rows(named=True):
        boxes.setdefault(row["image_id"], {})[row["region"]] = list(row["box_xyxy"])
    return boxes


def test_the_bytes_do_not_depend_on_the_number_of_processes(
    made: Path, tmp_path: Path
) -> None:
    make(tmp_path, num_processes=2)

    expected = contents(made)
    assert contents(tmp_path) == expected
    assert len(expected) > 60


def test_the_manifest_lists_every_file_with_its_size_and_time(root: Path) -> None:
    manifest = json.loads((root / "manifest.json").read_text())

    names = set(contents(root)) - {".synthetic_world"}
    assert manifest["format"] == 1
    assert manifest["config"] == CONFIG.model_dump(mode="json")
    assert set(manifest["files"]) == names
    for name, stamp in manifest["files"].items():
        status = (root / name).stat()
        assert stamp == [status.st_size, status.st_mtime_ns]


def test_counts_are_what_the_plans_say(tmp_path: Path) -> None:
    counts = make(tmp_path)

    STAGE_METRICS.check(counts, where="make_synthetic")
    values = {
        (metric, target): value
        for metric, target, value in counts.select(
            "metric", "target", "value"
        ).iter_rows()
    }
    assert values["num_patients", "corpus"] == 10
    assert values["num_studies", "corpus"] == sum(len(plan.studies) for plan in PLANS)
    assert values["num_images", "corpus"] == len(IMAGES)
    assert values["num_scene_graphs", "corpus"] == len(FRONTAL) - 1
    assert values["num_images", "nih"] == 5
    assert values["num_images", "chexpert"] == 4
    assert values["num_broken", "swapped_sides"] == 1
    assert not any(target == "siim" for _, target in values)
    assert not (tmp_path / "source" / "benchmarks" / "siim").exists()


def test_a_benchmark_that_there_is_not_is_refused(tmp_path: Path) -> None:
    config = SyntheticConfig(patients=1, broken_files=0, benchmarks={"nhi": 3})

    with pytest.raises(ValueError, match=r"\['nih', .*found one of 'nhi'"):
        make_synthetic(
            config=config,
            root=tmp_path / "source",
            truth=tmp_path / "truth",
            num_shards=1,
            num_processes=1,
        )


def test_no_two_populations_share_their_patients() -> None:
    seeds = {one.plan(0, CONFIG).seed for one in POPULATIONS.values()}

    assert len(seeds) == len(POPULATIONS)


def position_of(row: Mapping[str, str]) -> str:
    """Return the view of a row; where the position is blank, its meaning says it."""
    meanings = {
        "postero-anterior": "PA",
        "antero-posterior": "AP",
        "lateral": "LATERAL",
    }
    return row["ViewPosition"] or meanings[row["ViewCodeSequence_CodeMeaning"].lower()]


def test_metadata_describe_the_planned_images(root: Path) -> None:
    rows = packed_rows(root / "mimic-cxr-2.0.0-metadata.csv.gz")
    splits = packed_rows(root / "mimic-cxr-2.0.0-split.csv.gz")

    assert list(rows[0]) == [
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
    ]
    assert list(splits[0]) == ["dicom_id", "study_id", "subject_id", "split"]
    assert {
        row["dicom_id"]: (row["subject_id"], row["study_id"], position_of(row))
        for row in rows
    } == {
        name: (patient.patient_id, study.study_id, view.value)
        for name, (patient, study, view) in IMAGES.items()
    }
    assert {row["dicom_id"]: row["split"] for row in splits} == {
        name: patient.split for name, (patient, *_) in IMAGES.items()
    }
    assert all(len(row["StudyDate"]) == 8 for row in rows)


def test_every_file_names_patient_and_study_in_its_own_columns(root: Path) -> None:
    for name in ("metadata", "split"):
        for row in packed_rows(root / f"mimic-cxr-2.0.0-{name}.csv.gz"):
            patient, study, _ = IMAGES[row["dicom_id"]]
            assert (row["subject_id"], row["study_id"]) == (
                patient.patient_id,
                study.study_id,
            )
    for part in ("train", "valid", "test", "images_to_avoid"):
        for row in rows_of(root / "silver_dataset" / "splits" / f"{part}.csv"):
            patient, study, view = IMAGES[row["dicom_id"]]
            assert (row["subject_id"], row["study_id"], row["ViewPosition"]) == (
                patient.patient_id,
                study.study_id,
                view.value,
            )


def test_later_studies_are_taken_later(root: Path) -> None:
    taken = {
        row["dicom_id"]: (row["StudyDate"], row["StudyTime"])
        for row in packed_rows(root / "mimic-cxr-2.0.0-metadata.csv.gz")
    }
    num_later = 0
    for patient in PLANS:
        times = [
            taken[mimic_cxr.image_id_of(patient, (number, view_index), seed=0)]
            for number, study in enumerate(patient.studies)
            for view_index in range(len(study.views))
        ]
        assert times == sorted(times)
        num_later += len(patient.studies) > 1
    assert num_later > 0


def test_images_have_the_size_of_the_metadata(root: Path) -> None:
    unusable = broken_ids(root, "truncated_image") | broken_ids(root, "missing_image")

    sizes = set()
    for row in packed_rows(root / "mimic-cxr-2.0.0-metadata.csv.gz"):
        if row["dicom_id"] not in unusable:
            image = cv2.imread(
                str(jpeg_of(root, row["dicom_id"])), cv2.IMREAD_UNCHANGED
            )
            assert image.shape == (int(row["Rows"]), int(row["Columns"]))
            assert image.dtype == np.uint8
            sizes.add(max(image.shape))

    assert max(sizes) <= 100
    assert min(sizes) >= 88
    assert len(sizes) > 3


def test_packed_files_carry_no_time(root: Path) -> None:
    for path in root.glob("*.csv.gz"):
        head = path.read_bytes()[:10]
        assert head[4:8] == b"\0\0\0\0"  # the time
        assert head[3] == 0  # no file name


def test_truth_addresses_the_reports(made: Path, root: Path) -> None:
    patient_of = {
        study.study_id: patient.patient_id
        for patient in PLANS
        for study in patient.studies
    }
    empty = broken_ids(root, "empty_report")

    num_triplets = 0
    for shard in range(2):
        name = f"shard-{shard:04d}-of-0002.parquet"
        sentences = read_table(made / "truth" / "sentences" / name, schema=SENTENCES)
        triplets = read_table(made / "truth" / "triplets" / name, schema=TRIPLETS)
        num_triplets += len(triplets)
        for row in sentences.iter_rows(named=True):
            assert shard_of(patient_of[row["study_id"]], num_shards=2) == shard
            if row["study_id"] not in empty:
                text = report_of(root, row["study_id"]).read_bytes().decode()
                assert text[row["start"] : row["end"]] == row["text"]
        known = set(sentences.select("study_id", "sentence_index").iter_rows())
        assert set(triplets.select("study_id", "sentence_index").iter_rows()) <= known
    assert num_triplets > 10


def test_labels_of_a_study_take_the_strongest_claim() -> None:
    def claim(finding: str, existence: Existence) -> GraphClaim:
        return GraphClaim(
            region="left lung",
            finding=finding,
            existence=existence,
            sentence_index=0,
            phrase="",
            change=None,
        )

    codes = mimic_cxr.study_labels(
        [
            claim("edema", Existence.PRESENT),
            claim("edema", Existence.ABSENT),
            claim("nodule", Existence.ABSENT),
            claim("mass", Existence.UNCERTAIN),
            claim("pneumothorax", Existence.ABSENT),
        ]
    )

    assert codes == {"Edema": "1.0", "Lung Lesion": "-1.0", "Pneumothorax": "0.0"}
    assert mimic_cxr.study_labels([claim("tube", Existence.PRESENT)]) == {
        "Support Devices": "1.0",
        "No Finding": "1.0",
    }


def test_label_file_has_a_row_per_study(root: Path) -> None:
    rows = packed_rows(root / "mimic-cxr-2.0.0-chexpert.csv.gz")

    assert list(rows[0])[:4] == [
        "subject_id",
        "study_id",
        "Atelectasis",
        "Cardiomegaly",
    ]
    assert len(rows[0]) == 16
    assert [row["study_id"] for row in rows] == [
        study.study_id for patient in PLANS for study in patient.studies
    ]
    codes = {code for row in rows for code in list(row.values())[2:]}
    assert {"", "1.0"} < codes <= {"", "1.0", "0.0", "-1.0"}


def test_labels_stand_in_the_columns_of_what_the_report_claims(root: Path) -> None:
    rows = packed_rows(root / "mimic-cxr-2.0.0-chexpert.csv.gz")
    studies = {study.study_id: study for plan in PLANS for study in plan.studies}
    num_positive = 0
    for row in rows:
        certain = {
            chexpert.LABEL_OF[shown.finding]
            for shown in studies[row["study_id"]].observations
            if shown.is_certain and shown.finding in chexpert.LABEL_OF
        }
        positive = {label for label in chexpert.LABELS if row[label] == "1.0"}
        assert positive - {"No Finding"} == certain
        num_positive += len(certain)
    assert num_positive > 5


def test_splits_list_frontal_images_by_patient(root: Path) -> None:
    folder = root / "silver_dataset" / "splits"
    parts = {
        part: rows_of(folder / f"{part}.csv") for part in ("train", "valid", "test")
    }
    avoided = rows_of(folder / "images_to_avoid.csv")

    columns = ["subject_id", "study_id", "dicom_id", "path", "ViewPosition"]
    assert (folder / "train.csv").read_text().startswith("," + ",".join(columns) + "\n")
    header = (folder / "images_to_avoid.csv").read_text().partition("\n")[0]
    assert header == ",".join(columns)
    listed = [row for rows in parts.values() for row in rows] + avoided
    assert sorted(row["dicom_id"] for row in listed) == sorted(FRONTAL)
    patients = [{row["subject_id"] for row in rows} for rows in parts.values()]
    assert sum(map(len, patients)) == len(set.union(*patients))
    row = parts["train"][0]
    assert row["path"] == (
        f"files/p{row['subject_id'][:2]}/p{row['subject_id']}/s{row['study_id']}/"
        f"{row['dicom_id']}.dcm"
    )


def test_scene_graphs_repeat_the_true_boxes(made: Path, root: Path) -> None:
    truth = true_boxes(made)
    wrong = {
        name.partition("/")[0]
        for kind in ("box_outside_image", "box_without_area", "swapped_sides")
        for name in broken_ids(root, kind)
    }
    missing = broken_ids(root, "missing_scene_graph")

    assert set(truth) == FRONTAL
    checked = 0
    for image_id in FRONTAL - wrong - missing:
        found = boxes_in(root, image_id)
        assert set(found) == set(truth[image_id])
        for region, box in found.items():
            np.testing.assert_allclose(box, truth[image_id][region], atol=1.0)
            checked += 1
    assert checked > 100


def test_scene_graphs_say_what_the_report_says_of_this_study(
    made: Path, root: Path
) -> None:
    shards = [
        sorted((made / "truth" / name).iterdir()) for name in ("sentences", "triplets")
    ]
    sentences = read_tables(shards[0], schema=SENTENCES)
    triplets = read_tables(shards[1], schema=TRIPLETS)
    frame = triplets.join(sentences, on=["study_id", "sentence_index"])
    # What is gone is said of the earlier study, and not of these images.
    current = frame.filter(pl.col("context").is_in(["current", "comparison"]))
    said = {
        (study_id, region, text)
        for study_id, region, text in current.select(
            "study_id", pl.col("region").cast(pl.String), "text"
        ).iter_rows()
    }
    number_of = {
        (row["study_id"], row["text"]): row["sentence_index"]
        for row in sentences.iter_rows(named=True)
    }
    num_phrases = num_relations = 0
    for path in (root / "silver_dataset" / "scene_graph").iterdir():
        graph = json.loads(path.read_text())
        patient, study, _ = IMAGES[graph["image_id"]]
        number = patient.studies.index(study)
        assert graph["StudyOrder"] == number + 1
        assert str(graph["patient_id"]) == patient.patient_id
        for entry in graph["attributes"]:
            for phrase, name in zip(entry["phrases"], entry["phrase_IDs"], strict=True):
                assert (study.study_id, entry["bbox_name"], phrase) in said
                known = number_of[study.study_id, phrase]
                assert name == f"{study.study_id}|{known}"
                num_phrases += 1
        for relation in graph["relationships"]:
            earlier = mimic_cxr.image_id_of(patient, (number - 1, 0), seed=0)
            assert number > 0
            assert relation["object_id"] == f"{earlier}_{relation['bbox_name']}"
            num_relations += 1
    assert num_phrases > 20
    assert num_relations > 0


GRAPH_IMAGE = GraphImage(
    image_id="aa",
    patient_id="10000032",
    study_id="50414267",
    view=View.PA,
    width=200,
    height=400,
    boxes={
        "left lung": (110.2, 40.4, 190.0, 300.0),
        "right lung": (10.0, 42.0, 90.0, 310.0),
        "spine": (90.0, 0.0, 110.0, 399.6),
    },
    study_number=2,
    sex="F",
    age=63,
    previous_image_id="bb",
)


def test_a_scene_graph_worked_by_hand() -> None:
    claims = [
        GraphClaim(
            region="left lung",
            finding="opacity",
            existence=Existence.UNCERTAIN,
            sentence_index=4,
            phrase="Possible worsening left opacity.",
            change=Change.LARGER,
        ),
        GraphClaim(
            region="left lung",
            finding="edema",
            existence=Existence.ABSENT,
            sentence_index=11,
            phrase="No edema.",
            change=None,
        ),
        GraphClaim(
            region="left ribs",  # no box
            finding="fracture",
            existence=Existence.PRESENT,
            sentence_index=12,
            phrase="Rib fracture.",
            change=None,
        ),
    ]

    graph = json.loads(
        chest_imagenome.encode_scene_graph(GRAPH_IMAGE, claims=claims, damage=None)
    )

    # The letterbox halves the 400 pixels of height to 224 and pads 56 on each side:
    # x = 110 x 0.56 + 56 = 117.6, y = 40 x 0.56 = 22.4.
    left = graph["objects"][1]
    assert [box["bbox_name"] for box in graph["objects"]] == [
        "right lung",
        "left lung",
        "spine",
    ]
    assert left["object_id"] == "aa_left lung"
    assert [left[key] for key in ("x1", "y1", "x2", "y2")] == [118, 22, 162, 168]
    assert [left[f"original_{key}"] for key in ("x1", "y1", "x2", "y2")] == [
        110,
        40,
        190,
        300,
    ]
    assert (left["original_width"], left["original_height"]) == (80, 260)
    assert graph["viewpoint"] == "PA"
    assert len(graph["attributes"]) == 1
    said = graph["attributes"][0]
    assert said["bbox_name"] == "left lung"
    assert said["phrases"] == ["Possible worsening left opacity.", "No edema."]
    assert said["phrase_IDs"] == ["50414267|4", "50414267|11"]
    assert said["attributes"] == [
        ["nlp|yes|abnormal", "anatomicalfinding|yes|lung opacity"],
        ["nlp|yes|normal", "anatomicalfinding|no|pulmonary edema/hazy opacity"],
    ]
    assert said["comparison_cues"] == [["comparison|yes|worsened"], []]
    relation = graph["relationships"][0]
    assert len(graph["relationships"]) == 1
    assert relation["relationship_names"] == ["comparison|yes|worsened"]
    assert (relation["subject_id"], relation["object_id"]) == (
        "aa_left lung",
        "bb_left lung",
    )


@pytest.mark.parametrize(
    ("damage", "right", "left"),
    [
        (None, (10, 42, 90, 310), (110, 40, 190, 300)),
        (Damage.BOX_OUTSIDE_IMAGE, (210, 42, 290, 310), (110, 40, 190, 300)),
        (Damage.BOX_WITHOUT_AREA, (10, 42, 10, 310), (110, 40, 190, 300)),
        (Damage.SWAPPED_SIDES, (110, 40, 190, 300), (10, 42, 90, 310)),
    ],
)
def test_damaged_boxes_worked_by_hand(
    damage: Damage | None,
    right: tuple[int, int, int, int],
    left: tuple[int, int, int, int],
) -> None:
    boxes = chest_imagenome.damaged_boxes(GRAPH_IMAGE, damage=damage)

    assert boxes["right lung"] == right
    assert boxes["left lung"] == left
    assert boxes["spine"] == (90, 0, 110, 400)


def test_damage_is_spread_over_the_patients() -> None:
    damaged = damaged_patients(num_broken=4, num_patients=20)

    # (k + 1/2) x 20 / 4 = 2.5, 7.5, 12.5, 17.5.
    assert damaged == {
        2: Damage.TRUNCATED_IMAGE,
        7: Damage.EMPTY_REPORT,
        12: Damage.MISSING_IMAGE,
        17: Damage.DUPLICATE_IMAGE_ID,
    }
    assert damaged_patients(num_broken=0, num_patients=20) == {}
    assert len(damaged_patients(num_broken=20, num_patients=20)) == 20


def test_broken_files_are_broken_as_listed(made: Path, root: Path) -> None:
    items = json.loads((root / "broken.json").read_text())
    rows = packed_rows(root / "mimic-cxr-2.0.0-metadata.csv.gz")
    truth = true_boxes(made)
    by_kind = {item["kind"]: item["id"] for item in items}

    assert set(by_kind) == {kind.value for kind in Damage}
    assert len(items) == 8
    half = jpeg_of(root, by_kind["truncated_image"]).read_bytes()
    assert half.startswith(b"\xff\xd8")
    assert not half.endswith(b"\xff\xd9")
    assert report_of(root, by_kind["empty_report"]).read_bytes() == b""
    assert not jpeg_of(root, by_kind["missing_image"]).exists()
    listed = [row["dicom_id"] for row in rows]
    assert listed.count(by_kind["missing_image"]) == 1
    assert listed.count(by_kind["duplicate_image_id"]) == 2
    assert len(listed) == len(IMAGES) + 1

    outside, region = by_kind["box_outside_image"].split("/")
    width = {row["dicom_id"]: int(row["Columns"]) for row in rows}[outside]
    assert boxes_in(root, outside)[region][0] >= width
    flat, region = by_kind["box_without_area"].split("/")
    box = boxes_in(root, flat)[region]
    assert box[0] == box[2]
    graphs = {path.name for path in (root / "silver_dataset" / "scene_graph").iterdir()}
    assert graphs == {
        f"{name}_SceneGraph.json" for name in FRONTAL - {by_kind["missing_scene_graph"]}
    }
    swapped = by_kind["swapped_sides"]
    assert boxes_in(root, swapped)["right lung"][0] > truth[swapped]["spine"][0]


def test_every_other_report_and_image_is_whole(root: Path) -> None:
    empty = broken_ids(root, "empty_report")
    unusable = broken_ids(root, "truncated_image") | broken_ids(root, "missing_image")

    for patient in PLANS:
        for study in patient.studies:
            text = report_of(root, study.study_id).read_text()
            assert bool(text.strip()) == (study.study_id not in empty)
    for image_id in set(IMAGES) - unusable:
        assert jpeg_of(root, image_id).read_bytes().endswith(b"\xff\xd9")


def test_what_a_stopped_run_left_is_removed(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    (tmp_path / "source" / "manifest.json").unlink()
    (tmp_path / "source" / "files" / "p10" / "rest.txt").write_text("rest")
    (tmp_path / "source" / "rest.csv").write_text("rest")
    (tmp_path / "truth" / "triplets" / "shard-0002-of-0003.parquet").write_text("old")

    make(tmp_path)

    assert contents(tmp_path) == contents(made)
    assert (tmp_path / "source" / "manifest.json").exists()


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "source" / "thesis.txt"
    own.parent.mkdir()
    own.write_text("do not delete")

    with pytest.raises(ValueError, match=r"filled, found other files .* 'thesis.txt'"):
        make(tmp_path)

    assert own.read_text() == "do not delete"
    assert [path.name for path in tmp_path.rglob("*")] == ["source", "thesis.txt"]


def test_more_broken_files_than_patients_are_refused() -> None:
    with pytest.raises(
        ValidationError, match="broken_files is 3, but at most one file"
    ):
        SyntheticConfig(patients=2, broken_files=3)
