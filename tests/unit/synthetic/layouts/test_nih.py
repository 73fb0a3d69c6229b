"""ChestX-ray14 as it is made, read back with plain tools and compared with its plans."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from asg_core.synthetic.layouts import nih
from asg_core.synthetic.layouts.population import (
    frontal_images,
    meet,
    render_image,
)
from support.synthetic_benchmarks import rows_in, small_world

NUM_IMAGES = 70
CONFIG = small_world()


def nih_patients() -> Iterator[tuple[int, list[tuple[int, int]]]]:
    num_images = 0
    index = 0
    while num_images < NUM_IMAGES:
        places = frontal_images(nih.plan(index, CONFIG))
        places = places[: NUM_IMAGES - num_images]
        yield index, places
        num_images += len(places)
        index += 1


def test_nih_headers_have_commas_in_brackets(root: Path) -> None:
    entries = rows_in(root / "nih" / "Data_Entry_2017_v2020.csv")
    boxes = rows_in(root / "nih" / "BBox_List_2017.csv")

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
    rows = rows_in(root / "nih" / "Data_Entry_2017_v2020.csv")[1:]

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


def test_nih_rows_have_the_person_and_the_size_of_the_film(root: Path) -> None:
    header, *rows = rows_in(root / "nih" / "Data_Entry_2017_v2020.csv")
    named = [dict(zip(header, row, strict=True)) for row in rows]

    at = 0
    for index, places in nih_patients():
        person = meet(nih.plan(index, CONFIG))
        for place in places:
            row = named[at]
            assert row["Patient Gender"] == person.sex
            assert int(row["Patient Age"]) == min(person.age + place[0], 95)
            # The released images are 10 to 19 times smaller than the films.
            width, height = row["OriginalImage[Width"], row["Height]"]
            assert width == height
            assert int(width) in range(640, 1280, 64)
            assert row["OriginalImagePixelSpacing[x"] == row["y]"]
            assert 0.13 < float(row["y]"]) < 0.2
            at += 1
    assert at == NUM_IMAGES


def test_nih_images_are_square_and_a_few_have_alpha(root: Path) -> None:
    paths = sorted((root / "nih").glob("images_*/images/*.png"))

    channels = Counter(
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[2:] for path in paths
    )
    names = {row[0] for row in rows_in(root / "nih" / "Data_Entry_2017_v2020.csv")[1:]}
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
    rows = rows_in(root / "nih" / "BBox_List_2017.csv")[1:]
    test = set((root / "nih" / "test_list.txt").read_text().split())
    finding_of = {label: finding for finding, label in nih.LABELS.items()}
    finding_of["Infiltrate"] = "infiltration"

    assert rows
    for name, label, *cells in rows:
        index, number = int(name[:8]) - 1, int(name[9:12])
        patient = nih.plan(index, CONFIG)
        place = frontal_images(patient)[number]
        radiograph = render_image(patient, place, size=64, acquisition=nih.LOOK)
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
