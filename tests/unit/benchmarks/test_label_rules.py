"""Each benchmark's own codes and faults, on label files written by hand."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from asg_core.benchmarks.chexpert import FIVE
from asg_core.benchmarks.config import BenchmarkName, BenchmarksConfig
from asg_core.benchmarks.form import BenchmarkTables, part_ids
from asg_core.benchmarks.layouts import CHEXPERT_LABELS
from asg_core.benchmarks.read import read_benchmark
from asg_core.sources.reading.files import SourceError

NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
    "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
CHEXPERT_HEADER = ",".join(
    ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT_LABELS]
)


def written(root: Path, files: dict[str, list[str]]) -> Path:
    for name, lines in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    return root


def read(name: BenchmarkName, root: Path, **settings: object) -> BenchmarkTables:
    config = BenchmarksConfig.model_validate({name: settings})
    return read_benchmark(name, config=config, root=root, require_images=False)


def reasons(tables: BenchmarkTables) -> dict[str, str]:
    return dict(tables.rejects.select("item_id", "reason").iter_rows())


def values(tables: BenchmarkTables, image_id: str) -> dict[str, float]:
    rows = tables.labels.filter(pl.col("image_id") == image_id)
    return dict(rows.select("target", "value").iter_rows())


def nih_row(name: str, labels: str, patient: int) -> str:
    return f"{name},{labels},0,{patient},57,M,PA,2682,2749,0.143,0.143"


def nih(root: Path, rows: list[str], lists: dict[str, list[str]]) -> Path:
    boxes = ["Image Index,Finding Label,Bbox [x,y,w,h],,,"]
    return written(
        root,
        {
            "Data_Entry_2017.csv": [NIH_HEADER, *rows],
            "BBox_List_2017.csv": boxes,
            **lists,
        },
    )


def test_nih_labels_of_one_row_and_rows_that_cannot_be_used(tmp_path: Path) -> None:
    rows = [
        nih_row("a.png", "Hernia|Mass", 1),
        nih_row("b.png", "No Finding", 2),
        nih_row("c.png", "Effusion", 3),
        nih_row("d.png", "Hernia|No Finding", 4),
        nih_row("e.png", "Hemia", 5),
        nih_row("a.png", "Edema", 1),
        nih_row("f.png", "Edema", 6),
        nih_row("", "Edema", 7),
    ]
    lists = {
        "train_val_list.txt": ["a.png", "", "c.png", "d.png", "z.png", "e.png"],
        "test_list.txt": ["b.png"],
    }

    tables = read("nih", nih(tmp_path, rows, lists))

    assert sorted(tables.images["image_id"]) == ["a.png", "b.png", "c.png"]
    assert {target for target, value in values(tables, "a.png").items() if value} == {
        "Hernia",
        "Mass",
    }
    assert len(values(tables, "a.png")) == 14
    assert not any(values(tables, "b.png").values())
    assert reasons(tables) == {
        "Data_Entry_2017.csv:4": "unknown_label",
        "Data_Entry_2017.csv:5": "unknown_label",
        "Data_Entry_2017.csv:6": "duplicate_row",
        "Data_Entry_2017.csv:8": "malformed_row",
        "train_val_list.txt:5": "unknown_image",
        "f.png": "unlisted_image",
    }
    assert tables.num_items == 9


def test_nih_takes_an_image_from_no_two_lists_and_no_patient_from_two(
    tmp_path: Path,
) -> None:
    rows = [
        nih_row(f"{name}.png", "No Finding", patient)
        for name, patient in (("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 4))
    ]
    lists = {
        "train_val_list.txt": ["a.png", "b.png", "c.png", "d.png"],
        "test_list.txt": ["e.png", "c.png"],
    }

    tables = read("nih", nih(tmp_path, rows, lists))

    assert part_ids(tables.images, split="test") == ["e.png"]
    assert set(tables.images["image_id"]) == {"a.png", "b.png", "e.png"}
    assert reasons(tables) == {
        "train_val_list.txt:3": "listed_twice",
        "test_list.txt:2": "listed_twice",
        "d.png": "patient_in_two_parts",
    }


def test_nih_takes_three_lists_and_counts_what_they_share(tmp_path: Path) -> None:
    rows = [
        nih_row(f"{name}.png", "No Finding", patient)
        for name, patient in (("a", 1), ("b", 2), ("c", 1))
    ]
    lists = {"1.txt": ["a.png"], "2.txt": ["b.png"], "3.txt": ["c.png"]}

    tables = read(
        "nih",
        nih(tmp_path, rows, lists),
        split="lists",
        train_list="1.txt",
        validate_list="2.txt",
        test_list="3.txt",
    )

    assert (tables.split, tables.recipe) == ("lists", "lists (1.txt, 2.txt, 3.txt)")
    assert [part_ids(tables.images, split=split) for split in ("validate", "test")] == [
        ["b.png"],
        ["c.png"],
    ]
    assert tables.overlaps["train/test"] == {"images": 0, "patients": 1}
    assert tables.overlaps["train/validate"] == {"images": 0, "patients": 0}


def test_nih_lists_may_name_folders_and_repeat_labels(tmp_path: Path) -> None:
    rows = [nih_row(f"{name}.png", "No Finding", ord(name)) for name in "abcd"]
    lists = {
        "train.txt": ["images_002/d.png 0 1 0", "images_001/images/b.png 0 0 0"],
        "val.txt": ["./images/a.png\t1"],
        "test.txt": ["images_012\\c.png 0 0 0"],
    }

    tables = read(
        "nih",
        nih(tmp_path, rows, lists),
        split="lists",
        train_list="train.txt",
        validate_list="val.txt",
        test_list="test.txt",
    )

    assert reasons(tables) == {}
    listed = tables.images.sort("split", "split_index").select("split", "image_id")
    assert listed.rows() == [
        ("train", "d.png"),
        ("train", "b.png"),
        ("validate", "a.png"),
        ("test", "c.png"),
    ]
    # The words behind a name are another's labels; those of the label file count.
    assert not any(values(tables, "d.png").values())


def chexpert_row(number: int, *, codes: dict[str, str], side: str = "Frontal") -> str:
    part = "valid" if number > 64_540 else "train"
    path = f"CheXpert-v1.0-small/{part}/patient{number:05d}/study1/view1_x.jpg"
    view = "AP" if side == "Frontal" else ""
    return ",".join(
        [
            path,
            "Male",
            "60",
            side,
            view,
            *(codes.get(key, "") for key in CHEXPERT_LABELS),
        ]
    )


def chexpert(root: Path, train: list[str]) -> Path:
    zeros = dict.fromkeys(CHEXPERT_LABELS, "0.0")
    return written(
        root,
        {
            "train.csv": [CHEXPERT_HEADER, *train],
            "valid.csv": [CHEXPERT_HEADER, chexpert_row(64_541, codes=zeros)],
        },
    )


CODES = {
    "Atelectasis": "-1.0",
    "Cardiomegaly": "-1.0",
    "Consolidation": "1.0",
    "Edema": "0.0",
    "Fracture": "-1.0",
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (1, 0, 1, 0, 0)),
        ({"uncertain": "positive"}, (1, 1, 1, 0, 0)),
        ({"uncertain": "negative"}, (0, 0, 1, 0, 0)),
        ({"uncertain": "ignore"}, (None, None, 1, 0, 0)),
        ({"blank": "ignore"}, (1, 0, 1, 0, None)),
    ],
)
def test_chexpert_codes_under_each_policy(
    tmp_path: Path, settings: dict[str, Any], expected: tuple[float | None, ...]
) -> None:
    root = chexpert(tmp_path, [chexpert_row(number, codes=CODES) for number in (1, 2)])

    tables = read("chexpert", root, **settings)

    found = values(tables, "train/patient00001/study1/view1_x.jpg")
    assert tables.targets == FIVE
    assert tuple(found.get(target) for target in FIVE) == expected


def test_chexpert_has_fourteen_targets_when_asked(tmp_path: Path) -> None:
    root = chexpert(tmp_path, [chexpert_row(number, codes=CODES) for number in (1, 2)])

    tables = read("chexpert", root, targets="fourteen", uncertain="positive")

    found = values(tables, "train/patient00001/study1/view1_x.jpg")
    assert tables.targets == CHEXPERT_LABELS
    assert {target for target, value in found.items() if value} == {
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Fracture",
    }


def test_chexpert_rows_that_cannot_be_used(tmp_path: Path) -> None:
    train = [
        chexpert_row(1, codes={}),
        chexpert_row(2, codes={}),
        chexpert_row(3, codes={"Edema": "2.0"}),
        chexpert_row(4, codes={}, side="Oblique"),
        chexpert_row(1, codes={}),
        chexpert_row(5, codes={}).replace("patient", "person"),
        chexpert_row(64_541, codes={}).replace("valid", "train"),
        chexpert_row(6, codes={}) + ",0.0",
        chexpert_row(7, codes={}, side="Lateral"),
    ]

    tables = read("chexpert", chexpert(tmp_path, train))

    assert reasons(tables) == {
        "train.csv:3": "unknown_label",
        "train.csv:4": "unknown_view",
        "train.csv:5": "duplicate_row",
        "train.csv:6": "malformed_path",
        "train/patient64541/study1/view1_x.jpg": "patient_in_two_parts",
        "train.csv:8": "malformed_row",
    }
    assert len(tables.images) == 3
    assert tables.notes["laterals_left_out"] == 1


def test_chexpert_images_keep_the_order_of_the_file_and_laterals_leave_no_gap(
    tmp_path: Path,
) -> None:
    sides = {7: "Lateral", 4: "Lateral"}
    numbers = [9, 7, 2, 30, 4, 1, 11, 5]
    train = [
        chexpert_row(number, codes=CODES, side=sides.get(number, "Frontal"))
        for number in numbers
    ]

    tables = read("chexpert", chexpert(tmp_path, train))

    listed = [
        int(image_id.partition("patient")[2][:5])
        for image_id in tables.images.filter(pl.col("split") == "train").sort(
            "split_index"
        )["image_id"]
    ]
    validate = part_ids(tables.images, split="validate")
    drawn = {int(image_id.partition("patient")[2][:5]) for image_id in validate}
    expected = [number for number in numbers if number not in {*sides, *drawn}]
    assert listed == expected
    assert tables.num_listed == {
        "train": len(expected),
        "validate": len(validate),
        "test": len(part_ids(tables.images, split="test")),
    }


def test_chexpert_published_split_needs_the_released_file(tmp_path: Path) -> None:
    root = chexpert(tmp_path, [chexpert_row(1, codes=CODES)])

    with pytest.raises(SourceError, match=r"takes 200 rows .* found 0"):
        read("chexpert", root, split="mgca")


def rsna(root: Path, rows: list[str]) -> Path:
    good = [f"good{number},,,,,0" for number in range(10)]
    header = "patientId,x,y,width,height,Target"
    return written(root, {"stage_2_train_labels.csv": [header, *good, *rows]})


def test_rsna_rows_that_cannot_be_used_take_their_image_with_them(
    tmp_path: Path,
) -> None:
    rows = [
        "boxed,1.0,2.0,3.0,4.0,1",
        "boxed,10,20,30,40,1",
        "bad,1,2,0,4,1",
        "bad,1,2,3,4,1",
        "empty,,,,,1",
        "other,,,,,2",
        "both,,,,,0",
        "both,1,2,3,4,1",
        "twice,,,,,0",
        "twice,,,,,0",
        "drawn,1,2,3,4,0",
    ]

    tables = read("rsna", rsna(tmp_path, rows))

    where = "stage_2_train_labels.csv"
    assert reasons(tables) == {
        f"{where}:13": "malformed_box",
        f"{where}:15": "malformed_box",
        f"{where}:16": "unknown_label",
        f"{where}:18": "contradictory_rows",
        f"{where}:20": "contradictory_rows",
        f"{where}:21": "malformed_box",
        **dict.fromkeys(
            ("bad", "empty", "other", "both", "twice", "drawn"), "incomplete_labels"
        ),
    }
    assert set(tables.images["image_id"]) == {
        "boxed",
        *(f"good{number}" for number in range(10)),
    }
    assert tables.boxes.select("image_id", "box_index", "box_xyxy").rows() == [
        ("boxed", 0, [1, 2, 4, 6]),
        ("boxed", 1, [10, 20, 40, 60]),
    ]
    assert values(tables, "boxed") == {"Pneumonia": 1}
    assert tables.segmentation_target == "Pneumonia"


def test_rsna_image_of_a_row_that_is_cut_short_is_left_out(tmp_path: Path) -> None:
    rows = ["boxed,1,2,3,4,1", "half,1,2,3,4,1", "half,10,20,30"]

    tables = read("rsna", rsna(tmp_path, rows))

    assert reasons(tables) == {
        "stage_2_train_labels.csv:13": "malformed_row",
        "half": "incomplete_labels",
    }
    assert "half" not in set(tables.images["image_id"])
    assert set(tables.boxes["image_id"]) == {"boxed"}


def test_rsna_split_for_detection_needs_the_released_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be drawn from 10 images"):
        read("rsna", rsna(tmp_path, []), split="mgca-detection")


def test_covidx_rows_are_read_from_the_right(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "train.txt": [
                "3 a.png normal",
                "4 b.jpg pneumonia cohen",
                "COVID case 7 c.JPG COVID-19 rnsa",
                "5 d.png influenza rsna",
                "e.png normal rsna",
                "4 b.jpg pneumonia cohen",
                "9 g.png normal rsna",
            ],
            "test.txt": ["8 a.png COVID-19 ricord", "9 f.png normal rsna"],
        },
    )

    tables = read("covidx", root)

    assert tables.targets == ("normal", "pneumonia", "COVID-19")
    assert tables.is_exclusive
    patients = dict(tables.images.select("image_id", "patient_id").iter_rows())
    assert patients == {
        "train/a.png": "3",
        "train/b.jpg": "4",
        "train/c.JPG": "COVID case 7",
        "test/a.png": "8",
        "test/f.png": "9",
    }
    assert values(tables, "train/c.JPG") == {"normal": 0, "pneumonia": 0, "COVID-19": 1}
    assert values(tables, "test/f.png") == {"normal": 1, "pneumonia": 0, "COVID-19": 0}
    assert tables.notes == {
        "test COVID-19 of ricord": 1,
        "test normal of rsna": 1,
    }
    assert reasons(tables) == {
        "train.txt:4": "malformed_row",
        "train.txt:5": "malformed_row",
        "train.txt:6": "duplicate_row",
        "train/g.png": "patient_in_two_parts",
    }


def test_covidx_binary_version_with_a_validation_list(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "train.txt": ["1 a.png positive sirm", "2 b.png negative rsna"],
            "val.txt": ["2 c.png negative rsna"],
            "test.txt": ["3 d.png positive ricord"],
        },
    )

    tables = read("covidx", root, split="lists")

    assert tables.targets == ("negative", "positive")
    assert part_ids(tables.images, split="validate") == ["val/c.png"]
    assert tables.overlaps["train/validate"] == {"images": 0, "patients": 1}


def test_covidx_published_split_goes_by_image_and_counts_shared_patients(
    tmp_path: Path,
) -> None:
    train = [f"{number % 4} {number}.png normal rsna" for number in range(20)]
    root = written(tmp_path, {"train.txt": train, "test.txt": ["9 t.png normal rsna"]})

    tables = read("covidx", root, split="mgca")

    assert len(part_ids(tables.images, split="train")) == 16
    assert len(part_ids(tables.images, split="validate")) == 4
    assert tables.overlaps["train/validate"]["patients"] > 0


def test_covidx_lists_of_two_versions_are_refused(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {"train.txt": ["1 a.png normal rsna"], "test.txt": ["3 d.png positive ricord"]},
    )

    with pytest.raises(SourceError, match="lists of one version of COVIDx"):
        read("covidx", root)


@pytest.mark.parametrize(
    ("header", "blank"),
    [("ImageId, EncodedPixels", " "), ("ImageId,EncodedPixels", "")],
)
def test_siim_blanks_of_either_edition(tmp_path: Path, header: str, blank: str) -> None:
    rows = [f"{number},{blank}-1" for number in range(9)]
    rows += [f"p,{blank}0 2 3 1", f"p,{blank}1 3"]
    root = written(tmp_path, {"stage_2_train.csv": [header, *rows]})

    tables = read("siim", root)

    assert len(tables.images) == 10
    assert tables.masks["runs"].to_list() == [
        [{"start": 0, "length": 4}, {"start": 5, "length": 1}]
    ]
    assert sum(tables.labels["value"]) == 1


def test_siim_image_whose_rows_disagree_is_rejected(tmp_path: Path) -> None:
    rows = [*(f"{number},-1" for number in range(9)), "x,-1", "x,1 3"]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    tables = read("siim", root)

    assert reasons(tables) == {"x": "contradictory_rows"}
    assert len(tables.images) == 9


def test_siim_image_of_a_row_that_is_cut_short_is_left_out(tmp_path: Path) -> None:
    rows = [*(f"{number},-1" for number in range(9)), "x,1 3", "x"]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    tables = read("siim", root)

    assert reasons(tables) == {
        "train-rle.csv:11": "malformed_row",
        "x": "incomplete_labels",
    }
    assert len(tables.images) == 9


def test_siim_split_by_row_gives_a_shared_image_two_ids_and_two_masks(
    tmp_path: Path,
) -> None:
    rows = [f"x,{number} 1" for number in range(20)]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    tables = read("siim", root, split="mgca-rows")

    assert tables.images.select("image_id", "patient_id", "split").rows() == [
        ("x@train", "x", "train"),
        ("x@validate", "x", "validate"),
        ("x", "x", "test"),
    ]
    masks = dict(tables.masks.select("image_id", "runs").iter_rows())
    pixels = {
        image_id: {run["start"] + step for run in runs for step in range(run["length"])}
        for image_id, runs in masks.items()
    }
    assert {name: len(inside) for name, inside in pixels.items()} == {
        "x@train": 14,
        "x@validate": 3,
        "x": 3,
    }
    assert set.union(*pixels.values()) == set(range(20))
    assert set(tables.overlaps["train/test"].values()) == {1}
