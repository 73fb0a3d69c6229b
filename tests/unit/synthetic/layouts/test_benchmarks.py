"""Each benchmark is read back with plain tools and compared with its plans."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.drawing.render import NIH, RSNA, SIIM
from asg_core.synthetic.layouts import chexpert, covidx, nih, rsna, siim
from asg_core.synthetic.make import make_synthetic
from asg_core.synthetic.world.population import (
    components,
    encode_jpeg,
    frontal_images,
    plan_benchmark_patient,
    render_image,
    uuid_of,
)
from asg_core.synthetic.world.world import GROUND_GLASS, Observation

CONFIG = SyntheticConfig(
    patients=1,
    broken_files=0,
    image_size=80,
    benchmark_image_size=64,
    benchmarks={"nih": 70, "chexpert": 30, "rsna": 40, "covidx": 24, "siim": 24},
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    make_synthetic(
        config=CONFIG,
        root=folder / "source",
        truth=folder / "truth",
        num_shards=1,
        num_processes=1,
    )
    return folder / "source" / "benchmarks"


def csv_rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as lines:
        return list(csv.reader(lines))


def files_in(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }


def nih_patients() -> Iterator[tuple[int, list[tuple[int, int]]]]:
    num_images = 0
    index = 0
    while num_images < CONFIG.benchmarks.nih:
        places = frontal_images(nih.plan(index, CONFIG))
        places = places[: CONFIG.benchmarks.nih - num_images]
        yield index, places
        num_images += len(places)
        index += 1


def decode_runs(text: str, *, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Walk along the columns as the benchmark describes its run lengths."""
    flat = [False] * (height * width)
    numbers = [int(number) for number in text.split()]
    position = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        position += gap
        for offset in range(length):
            flat[position + offset] = True
        position += length
    return np.array(flat).reshape(width, height).T


def test_nih_headers_have_commas_in_brackets(root: Path) -> None:
    entries = csv_rows(root / "nih" / "Data_Entry_2017_v2020.csv")
    boxes = csv_rows(root / "nih" / "BBox_List_2017.csv")

    assert entries[0] == [
        "Image Index",
        "Finding Labels",
        "Follow-up #",
        "Patient ID",
        "Patient Age",
        "Patient Gender",
        "View Position",
        "OriginalImage[Width",
        "Height]",
        "OriginalImagePixelSpacing[x",
        "y]",
    ]
    assert {len(row) for row in entries} == {11}
    assert (
        (root / "nih" / "BBox_List_2017.csv")
        .read_text()
        .startswith("Image Index,Finding Label,Bbox [x,y,w,h],,,\n")
    )
    assert {len(row) for row in boxes[1:]} == {9}


def test_nih_labels_are_what_the_plans_show(root: Path) -> None:
    rows = csv_rows(root / "nih" / "Data_Entry_2017_v2020.csv")[1:]

    expected = []
    for index, places in nih_patients():
        patient = nih.plan(index, CONFIG)
        for number, place in enumerate(places):
            study = patient.studies[place[0]]
            labels = sorted(
                nih.LABELS[finding]
                for finding in {seen.finding for seen in study.observations}
                if finding in nih.LABELS
            )
            expected.append(
                [
                    f"{index + 1:08d}_{number:03d}.png",
                    "|".join(labels) or "No Finding",
                    str(number),
                    str(index + 1),
                    study.views[place[1]].value,
                ]
            )
    assert [[*row[:4], row[6]] for row in rows] == expected
    assert len(rows) == 70
    assert any("|" in row[1] for row in rows)
    assert any(row[1] == "No Finding" for row in rows)


def test_nih_images_are_square_and_a_few_have_alpha(root: Path) -> None:
    paths = sorted((root / "nih").glob("images_*/images/*.png"))

    channels = Counter(
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[2:] for path in paths
    )
    names = {row[0] for row in csv_rows(root / "nih" / "Data_Entry_2017_v2020.csv")[1:]}
    assert {path.name for path in paths} == names
    assert {path.parent.parent.name for path in paths} == {
        f"images_{number:03d}" for number in range(1, 13)
    }
    assert channels == {(): 68, (4,): 2}
    assert cv2.imread(str(paths[0]), cv2.IMREAD_UNCHANGED).shape == (64, 64)


def test_nih_lists_split_all_images_by_patient(root: Path) -> None:
    train = (root / "nih" / "train_val_list.txt").read_text().split("\n")[:-1]
    test = (root / "nih" / "test_list.txt").read_text().split("\n")[:-1]

    train_patients = {name.partition("_")[0] for name in train}
    test_patients = {name.partition("_")[0] for name in test}
    assert len(train) + len(test) == 70
    assert len(train) > len(test) > 0
    assert not train_patients & test_patients


def test_nih_boxes_are_around_masks_of_test_images(root: Path) -> None:
    rows = csv_rows(root / "nih" / "BBox_List_2017.csv")[1:]
    test = set((root / "nih" / "test_list.txt").read_text().split())
    finding_of = {label: finding for finding, label in nih.LABELS.items()}
    finding_of["Infiltrate"] = "infiltration"

    assert rows
    for name, label, *cells in rows:
        index, number = int(name[:8]) - 1, int(name[9:12])
        patient = nih.plan(index, CONFIG)
        place = frontal_images(patient)[number]
        radiograph = render_image(patient, place, size=64, acquisition=NIH)
        x, y, width, height = (float(cell) for cell in cells[:4])
        inside = np.zeros((64, 64), bool)
        inside[int(y) : int(y + height), int(x) : int(x + width)] = True
        covered = radiograph.masks[finding_of[label]] & inside
        assert name in test
        assert covered[int(y)].any()
        assert covered[int(y + height) - 1].any()
        assert covered[:, int(x)].any()
        assert covered[:, int(x + width) - 1].any()
        assert cells[4:] == ["", "", ""]


def test_chexpert_rows_name_the_files_and_the_views(root: Path) -> None:
    folder = root / "chexpert" / "CheXpert-v1.0-small"
    train, valid = csv_rows(folder / "train.csv"), csv_rows(folder / "valid.csv")
    rows = train[1:] + valid[1:]

    assert train[0] == valid[0]
    assert train[0][:7] == [
        "Path",
        "Sex",
        "Age",
        "Frontal/Lateral",
        "AP/PA",
        "No Finding",
        "Enlarged Cardiomediastinum",
    ]
    assert len(train[0]) == 19
    assert len(rows) == 30
    assert valid[1:]
    assert {f"CheXpert-v1.0-small/{name}" for name in files_in(folder)} == {
        *(row[0] for row in rows),
        "CheXpert-v1.0-small/train.csv",
        "CheXpert-v1.0-small/valid.csv",
    }
    laterals = [row for row in rows if row[3] == "Lateral"]
    assert laterals
    assert all(row[4] == "" and row[0].endswith("_lateral.jpg") for row in laterals)
    assert {row[4] for row in rows if row[3] == "Frontal"} == {"AP", "PA"}
    assert {row[1] for row in rows} == {"Female", "Male"}


def test_chexpert_codes_of_train_and_valid_differ(root: Path) -> None:
    folder = root / "chexpert" / "CheXpert-v1.0-small"
    train = csv_rows(folder / "train.csv")[1:]
    valid = csv_rows(folder / "valid.csv")[1:]

    assert {cell for row in train for cell in row[5:]} == {"", "0.0", "1.0", "-1.0"}
    assert {cell for row in valid for cell in row[5:]} == {"0.0", "1.0"}
    by_study: dict[str, set[tuple[str, ...]]] = {}
    for row in train + valid:
        by_study.setdefault(row[0].rpartition("/")[0], set()).add(tuple(row[5:]))
    assert {len(labels) for labels in by_study.values()} == {1}


def seen(finding: str, *, is_certain: bool = True) -> Observation:
    return Observation(
        finding=finding,
        places=("left lung",),
        severity=0.5,
        is_certain=is_certain,
        change=None,
    )


def test_chexpert_codes_of_one_training_study() -> None:
    observations = [
        seen("opacity", is_certain=False),
        seen("infiltration"),  # the same label, and certain
        seen("edema", is_certain=False),
        seen("hernia"),  # no label of this benchmark
    ]

    codes = [
        chexpert.train_labels(observations, rng=np.random.default_rng(seed))
        for seed in range(60)
    ]

    assert all(code["Lung Opacity"] == "1.0" for code in codes)
    assert all(code["Edema"] == "-1.0" for code in codes)
    assert not any("No Finding" in code or "Fracture" in code for code in codes)
    # Ruled out in a quarter of the reports, and blank in the others.
    ruled_out = sum(code.get("Pneumothorax") == "0.0" for code in codes)
    assert 6 <= ruled_out <= 26


def test_chexpert_codes_of_validation_studies() -> None:
    device = chexpert.valid_labels([seen("tube")])
    hedged = chexpert.valid_labels([seen("mass", is_certain=False)])

    assert {label for label, code in device.items() if code == "1.0"} == {
        "No Finding",
        "Support Devices",
    }
    assert {label for label, code in hedged.items() if code == "1.0"} == {"Lung Lesion"}
    assert set(hedged) == set(chexpert.LABELS)


def test_rsna_labels_and_classes_say_the_same(root: Path) -> None:
    labels = csv_rows(root / "rsna" / "stage_2_train_labels.csv")
    classes = csv_rows(root / "rsna" / "stage_2_detailed_class_info.csv")

    assert labels[0] == ["patientId", "x", "y", "width", "height", "Target"]
    assert classes[0] == ["patientId", "class"]
    assert [row[0] for row in labels] == [row[0] for row in classes]
    kinds = {"Lung Opacity": 0, "Normal": 0, "No Lung Opacity / Not Normal": 0}
    for label, (_, kind) in zip(labels[1:], classes[1:], strict=True):
        kinds[kind] += 1
        assert label[5] == ("1" if kind == "Lung Opacity" else "0")
        assert all(label[1:5]) == (kind == "Lung Opacity")
    assert all(kinds.values())
    # Two of the forty patients are in the part without labels.
    assert len({row[0] for row in labels[1:]}) == 38
    assert len(list((root / "rsna" / "stage_2_test_images").iterdir())) == 2


def test_rsna_boxes_hold_the_opacities(root: Path) -> None:
    boxes: dict[str, list[tuple[float, ...]]] = {}
    for name, *cells in csv_rows(root / "rsna" / "stage_2_train_labels.csv")[1:]:
        corners = tuple(float(cell) for cell in cells[:4]) if cells[0] else ()
        boxes.setdefault(name, []).append(corners)
    paths = {
        path.stem: path for path in (root / "rsna" / "stage_2_train_images").iterdir()
    }

    names = list(boxes)
    indices = [index for index in range(40) if index % 20 != 19]
    assert set(paths) == set(names)
    for name, index in zip(names, indices, strict=True):
        patient = rsna.plan(index, CONFIG)
        place = frontal_images(patient)[0]
        radiograph = render_image(patient, place, size=64, acquisition=RSNA)
        mask = np.zeros((64, 64), bool)
        for finding in ("pneumonia", "consolidation", "infiltration", "opacity"):
            mask |= radiograph.masks.get(finding, mask)
        inside = np.zeros((64, 64), bool)
        for x, y, width, height in filter(None, boxes[name]):
            inside[int(y) : int(y + height), int(x) : int(x + width)] = True
        assert (mask & ~inside).sum() <= 0.1 * mask.sum()
        assert mask.any() or boxes[name] == [()]


def test_rsna_boxes_of_a_mask_worked_by_hand() -> None:
    mask = np.zeros((100, 100), bool)
    mask[50:70, 10:30] = True
    mask[52:60, 70:80] = True
    mask[5:7, 5:7] = True  # a speck: 4 pixels are under a thousandth of 10,000

    boxes = rsna.opacity_boxes(mask)

    assert boxes == [(10, 50, 20, 20), (70, 52, 10, 8)]
    assert rsna.opacity_boxes(np.zeros((100, 100), bool)) == []


def test_rsna_images_are_8_bit_jpeg_named_by_patient_id(root: Path) -> None:
    paths = sorted((root / "rsna" / "stage_2_train_images").iterdir())
    index = next(
        index for index in range(40) if str(uuid_of("rsna", 0, index)) == paths[0].stem
    )
    patient = rsna.plan(index, CONFIG)
    place = frontal_images(patient)[0]

    image = pydicom.dcmread(paths[0])

    drawn = render_image(patient, place, size=64, acquisition=RSNA).pixels
    coded = cv2.imdecode(
        np.frombuffer(encode_jpeg(drawn), np.uint8), cv2.IMREAD_GRAYSCALE
    )
    assert image.PatientID == paths[0].stem
    assert image.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert image.PhotometricInterpretation == "MONOCHROME2"
    assert (image.BitsStored, image.BitsAllocated, image.HighBit) == (8, 8, 7)
    assert image.ViewPosition == patient.studies[0].views[0].value
    decoded = image.pixel_array.astype(int)
    # Two decoders may differ by rounding.
    assert np.abs(decoded - coded.astype(int)).max() <= 2


def test_covidx_rows_are_four_words_of_a_known_class(root: Path) -> None:
    folder = root / "covidx"
    train = [
        line.split(" ") for line in (folder / "train.txt").read_text().splitlines()
    ]
    test = [line.split(" ") for line in (folder / "test.txt").read_text().splitlines()]

    assert len(train) + len(test) == 24
    assert {len(row) for row in train + test} == {4}
    assert {row[2] for row in train} == {"normal", "pneumonia", "COVID-19"}
    assert {f"train/{row[1]}" for row in train} | {
        f"test/{row[1]}" for row in test
    } == (files_in(folder) - {"train.txt", "test.txt"})
    assert {row[3] for row in test if row[2] == "COVID-19"} <= {"ricord"}
    assert {row[3] for row in test if row[2] != "COVID-19"} <= {"rsna"}
    assert not {row[0] for row in train} & {row[0] for row in test}
    for row in train + test:
        part = "train" if row in train else "test"
        assert cv2.imread(str(folder / part / row[1])) is not None


def test_covidx_classes_are_what_the_plans_show() -> None:
    for index in range(60):
        patient = covidx.plan(index, CONFIG)
        for study in patient.studies:
            findings = {seen.finding for seen in study.observations}
            match covidx.class_of(patient):
                case "normal":
                    assert not findings
                case "pneumonia":
                    assert "pneumonia" in findings
                    assert GROUND_GLASS not in findings
                case "COVID-19":
                    assert GROUND_GLASS in findings
                    assert "pneumonia" not in findings


def test_siim_runs_decode_to_the_mask(root: Path) -> None:
    path = root / "siim" / "train-rle.csv"
    text = path.read_text()
    runs: dict[str, list[str]] = {}
    for image_id, encoded in csv.reader(io.StringIO(text.partition("\n")[2])):
        runs.setdefault(image_id, []).append(encoded)
    files = {
        file.stem: file
        for file in (root / "siim" / "dicom-images-train").glob("*/*/*.dcm")
    }

    assert text.startswith("ImageId, EncodedPixels\n")
    assert set(files) == set(runs)
    assert len(runs) == 24
    num_rows = []
    for index, rows in enumerate(runs.values()):
        patient = siim.plan(index, CONFIG)
        place = frontal_images(patient)[0]
        radiograph = render_image(patient, place, size=64, acquisition=SIIM)
        expected = radiograph.masks.get("pneumothorax", np.zeros((64, 64), bool))
        decoded = np.zeros((64, 64), bool)
        for encoded in rows:
            if encoded != "-1":
                decoded |= decode_runs(encoded, height=64, width=64)
        np.testing.assert_array_equal(decoded, expected)
        assert (rows == ["-1"]) == (not expected.any())
        num_rows.append(len(rows))
    assert max(num_rows) > 1


def test_siim_files_say_where_they_lie(root: Path) -> None:
    path = sorted((root / "siim" / "dicom-images-train").glob("*/*/*.dcm"))[0]

    image = pydicom.dcmread(path)

    assert image.SOPInstanceUID == path.stem
    assert image.SeriesInstanceUID == path.parent.name
    assert image.StudyInstanceUID == path.parent.parent.name
    assert image.file_meta.MediaStorageSOPInstanceUID == path.stem
    assert image.Modality == "CR"
    assert image.pixel_array.shape == (64, 64)
    assert image.pixel_array.dtype == np.uint8


def test_runs_of_a_mask_worked_by_hand() -> None:
    # Down the columns: 0 1 0, 1 1 0, 0 0 1.
    mask = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1]], bool)

    encoded = siim.encode_runs(mask)

    # Skip 1, take 1; skip 1, take 2; skip 3, take 1.
    assert encoded == "1 1 1 2 3 1"
    np.testing.assert_array_equal(decode_runs(encoded, height=3, width=3), mask)


def test_pieces_of_a_mask_are_disjoint_and_complete() -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:10, 3:5] = True
    mask[11, 11] = True

    drawn = [
        siim.annotated_pieces(mask, rng=np.random.default_rng(seed))
        for seed in range(40)
    ]

    for pieces in drawn:
        np.testing.assert_array_equal(np.sum(pieces, axis=0), mask)
    counts = [len(pieces) for pieces in drawn]
    assert set(counts) == {1, 2}
    assert counts.count(1) > counts.count(2)
    two = next(pieces for pieces in drawn if len(pieces) == 2)
    # Of the nine rows with a pixel the fifth, row 6, begins the lower piece.
    assert np.flatnonzero(two[0].any(axis=1)).tolist() == [2, 3, 4, 5]
    assert np.flatnonzero(two[1].any(axis=1)).tolist() == [6, 7, 8, 9, 11]


def test_components_are_told_apart_by_area() -> None:
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = True
    mask[3:5, 2:5] = True

    assert len(components(mask, min_area=1)) == 2
    assert [int(part.sum()) for part in components(mask, min_area=2)] == [6]


def test_a_benchmark_has_its_findings_more_often() -> None:
    def share(boost: float) -> float:
        plans = [
            plan_benchmark_patient(
                index,
                seed=0,
                stream=siim.LAYOUT.stream,
                boosted=("pneumothorax",),
                boost=boost,
            )
            for index in range(400)
        ]
        shown = [
            any(seen.finding == "pneumothorax" for seen in plan.studies[0].observations)
            for plan in plans
        ]
        return sum(shown) / len(shown)

    assert share(1.0) == pytest.approx(0.06 * 0.85, abs=0.025)
    assert share(4.5) == pytest.approx(0.27 * 0.85, abs=0.05)
