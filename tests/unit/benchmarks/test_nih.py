"""NIH ChestX-ray14: written by hand, as the synthetic world makes it, and as released."""

import csv
import gzip
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from asg_core.benchmarks.form import ReadBenchmark
from asg_core.benchmarks.nih.spec import NihConfig
from asg_core.sources.reading.files import SourceError
from asg_core.tables.catalog import SPLITS
from support.benchmark_folders import (
    Copied,
    expect_missed,
    read,
    read_labels,
    reasons,
    shared_in_all,
    values,
    written,
)
from support.reference import released_labels

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
    "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)


COUNTS = {
    "Atelectasis": 11_559,
    "Cardiomegaly": 2776,
    "Effusion": 13_317,
    "Infiltration": 19_894,
    "Mass": 5782,
    "Nodule": 6331,
    "Pneumonia": 1431,
    "Pneumothorax": 5302,
    "Consolidation": 4667,
    "Edema": 2303,
    "Emphysema": 2516,
    "Fibrosis": 1686,
    "Pleural_Thickening": 3385,
    "Hernia": 227,
}


def nih_row(name: str, labels: str, patient: int) -> str:
    return f"{name},{labels},0,{patient},57,M,PA,2682,2749,0.143,0.143"


def nih(root: Path, rows: list[str], lists: dict[str, list[str]]) -> Path:
    boxes = ["Image Index,Finding Label,Bbox [x,y,w,h],,,"]
    return written(
        root,
        {
            "Data_Entry_2017.csv": [HEADER, *rows],
            "BBox_List_2017.csv": boxes,
            **lists,
        },
    )


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("Data_Entry_2017_v2020.csv", "one file Data_Entry_2017"),
        ("BBox_List_2017.csv", "with the boxes"),
        ("train_val_list.txt", "names of images"),
        ("test_list.txt", "names of images"),
    ],
)
def test_nih_without_one_of_its_files_is_refused(
    gone: str, words: str, copied: Copied
) -> None:
    root = copied("nih")
    (root / gone).unlink()

    expect_missed("nih", root, words)


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("Data_Entry_2017_v2020.csv", "Finding Labels"),
        ("BBox_List_2017.csv", "Bbox [x"),
    ],
)
def test_nih_without_one_of_its_columns_is_refused(
    path: str, column: str, copied: Copied
) -> None:
    root = copied("nih")
    text = (root / path).read_text()
    (root / path).write_text(text.replace(column, "Other", 1))

    expect_missed("nih", root, "expected the columns")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"split": "lists", "test_list": "a.txt"}, "found 1 of the three"),
        ({"test_list": "a.txt"}, "nih.split is 'official' while 1"),
        ({"validate_share": 0}, "greater than 0"),
        ({"validate_share": 1}, "less than 1"),
    ],
)
def test_nih_settings_that_do_not_fit_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        NihConfig.model_validate(settings)


def test_nih_without_images_or_with_two_editions_is_refused(copied: Copied) -> None:
    root = copied("nih")
    (root / "Data_Entry_2017.csv").write_text("x\n")
    expect_missed("nih", root, r"found \['Data_Entry_2017.csv', 'Data_Entry_2017_v2020")
    (root / "Data_Entry_2017.csv").unlink()
    for path in sorted(root.glob("images_*")):
        path.rename(root / f"renamed_{path.name}")
    expect_missed("nih", root, r"image folders \['images_001'")


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

    tables = read_labels("nih", nih(tmp_path, rows, lists))

    assert sorted(tables.benchmark.images["image_id"]) == ["a.png", "b.png", "c.png"]
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

    tables = read_labels("nih", nih(tmp_path, rows, lists))

    assert tables.benchmark.part("test") == ["e.png"]
    assert set(tables.benchmark.images["image_id"]) == {"a.png", "b.png", "e.png"}
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

    tables = read_labels(
        "nih",
        nih(tmp_path, rows, lists),
        split="lists",
        train_list="1.txt",
        validate_list="2.txt",
        test_list="3.txt",
    )

    assert (tables.benchmark.split, tables.benchmark.recipe) == (
        "lists",
        "lists (1.txt, 2.txt, 3.txt)",
    )
    assert [tables.benchmark.part(split) for split in ("validate", "test")] == [
        ["b.png"],
        ["c.png"],
    ]
    assert tables.benchmark.overlaps["train/test"] == {"images": 0, "patients": 1}
    assert tables.benchmark.overlaps["train/validate"] == {"images": 0, "patients": 0}


def test_nih_lists_may_name_folders_and_repeat_labels(tmp_path: Path) -> None:
    rows = [nih_row(f"{name}.png", "No Finding", ord(name)) for name in "abcd"]
    lists = {
        "train.txt": ["images_002/d.png 0 1 0", "images_001/images/b.png 0 0 0"],
        "val.txt": ["./images/a.png\t1"],
        "test.txt": ["images_012\\c.png 0 0 0"],
    }

    tables = read_labels(
        "nih",
        nih(tmp_path, rows, lists),
        split="lists",
        train_list="train.txt",
        validate_list="val.txt",
        test_list="test.txt",
    )

    assert reasons(tables) == {}
    listed = tables.benchmark.images.sort("split", "split_index").select(
        "split", "image_id"
    )
    assert listed.rows() == [
        ("train", "d.png"),
        ("train", "b.png"),
        ("validate", "a.png"),
        ("test", "c.png"),
    ]
    # The words behind a name are another's labels; those of the label file count.
    assert not any(values(tables, "d.png").values())


def test_nih_keeps_the_first_row_of_an_image_even_if_it_cannot_be_used(
    tmp_path: Path,
) -> None:
    rows = [
        nih_row("a.png", "No Finding", 1),
        nih_row("b.png", "No Finding", 2),
        nih_row("c.png", "Hemia", 3),
        nih_row("c.png", "Hernia", 3),
        nih_row("d.png", "Mass|Other", 4),
        nih_row("e.png", "Mass", 5).replace(",0,5,", ",0,,"),
        nih_row("f.png", "No Finding", 6).replace(",PA,", ",AP,"),
    ]
    lists = {
        "train_val_list.txt": ["a.png", "b.png"],
        "test_list.txt": ["f.png", "c.png", "d.png", "e.png"],
    }

    tables = read_labels("nih", nih(tmp_path, rows, lists))

    assert reasons(tables) == {
        "Data_Entry_2017.csv:3": "unknown_label",
        "Data_Entry_2017.csv:4": "duplicate_row",
        "Data_Entry_2017.csv:5": "unknown_label",
        "Data_Entry_2017.csv:6": "malformed_row",
    }
    views = dict(tables.benchmark.images.select("image_id", "view").iter_rows())
    assert views == {"a.png": "PA", "b.png": "PA", "f.png": "AP"}


def test_nih_boxes_that_cannot_be_used(tmp_path: Path) -> None:
    rows = [
        nih_row("a.png", "No Finding", 1),
        nih_row("b.png", "No Finding", 2),
        nih_row("c.png", "Mass", 3),
        nih_row("d.png", "Hemia", 4),
    ]
    lists = {
        "train_val_list.txt": ["a.png", "b.png"],
        "test_list.txt": ["c.png"],
    }
    root = nih(tmp_path, rows, lists)
    with (root / "BBox_List_2017.csv").open("a") as lines:
        lines.write("c.png,Infiltrate,1,2,3,4,,,\nc.png,Hemia,1,2,3,4,,,\n")
        lines.write("c.png,Mass,1,2,0,4,,,\nx.png,Mass,1,2,3,4,,,\n")
        lines.write("d.png,Mass,1,2,3,4,,,\n")

    tables = read_labels("nih", root)

    assert tables.benchmark.boxes.select("image_id", "target", "box_xyxy").rows() == [
        ("c.png", "Infiltration", [1, 2, 4, 6])
    ]
    assert reasons(tables) == {
        "Data_Entry_2017.csv:4": "unknown_label",
        "BBox_List_2017.csv:2": "unknown_label",
        "BBox_List_2017.csv:3": "malformed_box",
        "BBox_List_2017.csv:4": "unknown_image",
    }
    assert tables.benchmark.notes["boxes_of_rejected_images"] == 1


def test_nih_recipe_says_share_and_seed_and_another_seed_draws_others(
    tmp_path: Path,
) -> None:
    names = [f"{number:02d}.png" for number in range(30)]
    rows = [nih_row(name, "Mass", place) for place, name in enumerate(names)]
    lists = {"train_val_list.txt": names[:28], "test_list.txt": names[28:]}
    root = nih(tmp_path, rows, lists)

    first, other = (
        read_labels("nih", root, validate_share=0.25, seed=seed).benchmark
        for seed in (0, 7)
    )

    assert first.part("validate") != other.part("validate")
    assert (first.num_listed, len(first.part("validate"))) == (
        {"train": 21, "validate": 7, "test": 2},
        7,
    )
    assert other.recipe == (
        "official (validate: 0.25 of the patients of train_val_list.txt, seed 7)"
    )


def test_nih_list_that_is_not_there_is_said_with_its_key(tmp_path: Path) -> None:
    named = {f"{part}_list": f"{part}.txt" for part in ("train", "validate", "test")}
    root = nih(tmp_path, [nih_row("a.png", "Mass", 1)], {"train.txt": ["a.png"]})

    with pytest.raises(SourceError, match=r"nih\.validate_list"):
        read_labels("nih", root, split="lists", **named)


def test_nih_image_of_a_rejected_row_is_none_that_no_label_names(
    copied: Copied,
) -> None:
    root = copied("nih")
    path = root / "Data_Entry_2017_v2020.csv"
    lines = path.read_text().splitlines()
    name, _, rest = lines[1].partition(",")
    lines[1] = f"{name},Hemia,{rest.partition(',')[2]}"
    path.write_text("\n".join(lines))

    tables = read("nih", root)

    assert reasons(tables) == {f"{path.name}:1": "unknown_label"}
    assert tables.benchmark.notes["extra_images"] == 0


def test_a_row_with_a_wrong_number_of_cells_is_rejected(copied: Copied) -> None:
    root = copied("nih")
    path = root / "Data_Entry_2017_v2020.csv"
    lines = path.read_text().splitlines()
    name = lines[1].partition(",")[0]
    lines[1] = lines[1].rpartition(",")[0]
    path.write_text("\n".join(lines))

    tables = read("nih", root)

    assert reasons(tables)["Data_Entry_2017_v2020.csv:1"] == "malformed_row"
    assert name not in set(tables.benchmark.images["image_id"])


def test_nih_reads_the_edition_with_a_twelfth_column(
    made: Path, copied: Copied
) -> None:
    root = copied("nih")
    path = root / "Data_Entry_2017_v2020.csv"
    lines = path.read_text().splitlines()
    (root / "Data_Entry_2017.csv").write_text("".join(f"{line},\n" for line in lines))
    path.unlink()

    tables = read("nih", root)

    assert tables.benchmark.labels.equals(read("nih", made / "nih").benchmark.labels)


def test_nih_boxes_have_corners_and_the_spelling_of_the_labels(made: Path) -> None:
    tables = read("nih", made / "nih")

    with (made / "nih" / "BBox_List_2017.csv").open(newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    expected = []
    for name, label, *cells in rows:
        x, y, width, height = map(float, cells[:4])
        target = "Infiltration" if label == "Infiltrate" else label
        expected.append((name, target, [x, y, x + width, y + height]))
    columns = ["image_id", "target", "box_xyxy"]
    assert tables.benchmark.boxes.select(columns).rows() == expected
    assert set(tables.benchmark.boxes["image_id"]) <= set(tables.benchmark.part("test"))


def test_nih_images_may_lie_in_one_folder(made: Path, copied: Copied) -> None:
    root = copied("nih")
    (root / "images").mkdir()
    for path in sorted(root.glob("images_*/images/*.png")):
        path.rename(root / "images" / path.name)

    tables = read("nih", root)

    whole = read("nih", made / "nih")
    assert tables.benchmark.images.drop("path").equals(
        whole.benchmark.images.drop("path")
    )
    assert all(path.startswith("images/") for path in tables.benchmark.images["path"])


@pytest.fixture(scope="module")
def nih_tables(tmp_path_factory: pytest.TempPathFactory) -> ReadBenchmark:
    """The released rows and boxes. The lists are not shipped: those are ours, by patient."""
    root = tmp_path_factory.mktemp("nih")
    for name in ("Data_Entry_2017_v2020.csv.gz", "BBox_List_2017.csv.gz"):
        shutil.copy(released_labels(name), root)
    with gzip.open(root / "Data_Entry_2017_v2020.csv.gz", "rt", newline="") as lines:
        names = [row["Image Index"] for row in csv.DictReader(lines)]
    is_test = [int(name[:8]) > 28_008 for name in names]
    for file, wanted in (("train_val_list.txt", False), ("test_list.txt", True)):
        listed = [
            name for name, test in zip(names, is_test, strict=True) if test == wanted
        ]
        (root / file).write_text("\n".join(listed))
    return read_labels("nih", root)


def test_nih_rows_patients_classes_and_boxes(nih_tables: ReadBenchmark) -> None:
    tables = nih_tables

    labels = tables.benchmark.labels.pivot("target", index="image_id", values="value")
    positives = {
        target: int(labels[target].sum()) for target in tables.benchmark.targets
    }
    without = labels.filter(pl.sum_horizontal(tables.benchmark.targets) == 0)
    assert tables.rejects.is_empty()
    assert len(tables.benchmark.images) == 112_120
    assert tables.benchmark.images["patient_id"].n_unique() == 30_805
    assert positives == COUNTS
    assert len(without) == 60_361  # those that say "No Finding"
    assert Counter(tables.benchmark.images["view"]) == {"PA": 67_310, "AP": 44_810}
    assert len(tables.benchmark.boxes) == 984
    assert tables.benchmark.boxes["image_id"].n_unique() == 880
    assert tables.benchmark.boxes["target"].n_unique() == 8


def test_nih_validation_patients_are_a_tenth_and_in_no_other_part(
    nih_tables: ReadBenchmark,
) -> None:
    tables = nih_tables

    patients = {
        split: set(
            tables.benchmark.images.filter(pl.col("split") == split)["patient_id"]
        )
        for split in SPLITS
    }
    assert len(patients["train"]) + len(patients["validate"]) == 28_008
    assert len(patients["validate"]) == 2801
    assert len(patients["test"]) == 2797
    assert set.union(*patients.values()) == set(tables.benchmark.images["patient_id"])
    assert shared_in_all(tables.benchmark) == {0}
