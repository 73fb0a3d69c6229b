"""RSNA Pneumonia: written by hand, as the synthetic world makes it, and as released."""

import zipfile
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from asg_core.benchmarks.form import ReadBenchmark
from asg_core.evaluation.protocols.mgca.training import draw_training_images
from asg_core.sources.reading.files import SourceError
from asg_core.tables.catalog import SPLITS
from support.benchmark_folders import (
    Copied,
    Parts,
    digest_in_order,
    expect_missed,
    parts_of,
    read,
    read_labels,
    reasons,
    shared_in_all,
    values,
    written,
)
from support.reference import released_labels


def rsna(root: Path, rows: list[str]) -> Path:
    good = [f"good{number},,,,,0" for number in range(10)]
    header = "patientId,x,y,width,height,Target"
    return written(root, {"stage_2_train_labels.csv": [header, *good, *rows]})


def test_rsna_without_its_file_a_column_or_images_is_refused(copied: Copied) -> None:
    root = copied("rsna")
    images = root / "stage_2_train_images"
    images.rename(root / "renamed")
    expect_missed("rsna", root, r"image folders \['stage_2_train_images'\]")
    (root / "renamed").rename(images)
    path = root / "stage_2_train_labels.csv"
    path.write_text(path.read_text().replace("Target", "Other", 1))
    expect_missed("rsna", root, "expected the columns")
    path.unlink()
    expect_missed("rsna", root, "the labels and boxes")


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

    tables = read_labels("rsna", rsna(tmp_path, rows))

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
    assert set(tables.benchmark.images["image_id"]) == {
        "boxed",
        *(f"good{number}" for number in range(10)),
    }
    assert tables.benchmark.boxes.select(
        "image_id", "box_index", "box_xyxy"
    ).rows() == [
        ("boxed", 0, [1, 2, 4, 6]),
        ("boxed", 1, [10, 20, 40, 60]),
    ]
    assert values(tables, "boxed") == {"Pneumonia": 1}
    assert tables.benchmark.segmentation_target == "Pneumonia"


def test_rsna_image_of_a_row_that_is_cut_short_is_left_out(tmp_path: Path) -> None:
    rows = ["boxed,1,2,3,4,1", "half,1,2,3,4,1", "half,10,20,30"]

    tables = read_labels("rsna", rsna(tmp_path, rows))

    assert reasons(tables) == {
        "stage_2_train_labels.csv:13": "malformed_row",
        "half": "incomplete_labels",
    }
    assert "half" not in set(tables.benchmark.images["image_id"])
    assert set(tables.benchmark.boxes["image_id"]) == {"boxed"}


def test_rsna_image_of_a_rejected_row_is_none_that_no_label_names(
    copied: Copied,
) -> None:
    root = copied("rsna")
    path = root / "stage_2_train_labels.csv"
    lines = path.read_text().splitlines()
    name = lines[1].partition(",")[0]
    rest = [line for line in lines[1:] if not line.startswith(name)]
    path.write_text("\n".join([lines[0], f"{name},1,2,0,4,1", *rest]))

    tables = read("rsna", root)

    assert reasons(tables)[name] == "incomplete_labels"
    assert tables.benchmark.notes["extra_images"] == 0


def test_rsna_split_for_detection_needs_the_released_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be drawn from 10 images"):
        read_labels("rsna", rsna(tmp_path, []), split="mgca-detection")


def test_rsna_boxes_are_of_positive_images_and_cut_to_the_frame(
    copied: Copied,
) -> None:
    root = copied("rsna")
    path = root / "stage_2_train_labels.csv"
    lines = path.read_text().splitlines()
    negative = next(line for line in lines if line.endswith(",,,,,0")).partition(",")[0]
    kept = [line for line in lines if not line.startswith(negative)]
    kept += [f"{negative},60,-4,10,20,1", f"{negative},64,0,5,5,1"]
    path.write_text("\n".join(kept))

    tables = read("rsna", root)

    boxes = tables.benchmark.boxes.filter(pl.col("image_id") == negative)
    assert boxes["box_xyxy"].to_list() == [[60, 0, 64, 16]]
    assert tables.benchmark.notes["boxes_cut_to_the_image"] == 1
    assert reasons(tables) == {
        f"stage_2_train_labels.csv:{len(kept) - 1}": "box_outside_image"
    }
    positive = tables.benchmark.labels.filter(pl.col("value") == 1)
    assert set(positive["image_id"]) == set(tables.benchmark.boxes["image_id"])


@pytest.fixture(scope="module")
def rsna_tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReadBenchmark]:
    """The benchmark under each of its splits."""
    root = tmp_path_factory.mktemp("rsna")
    path = released_labels("kaggle_stage_2_train_labels.csv.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extract("stage_2_train_labels.csv", root)
    return {
        split: read_labels("rsna", root, split=split)
        for split in ("mgca", "mgca-detection", "benchx")
    }


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        (
            "mgca",
            {
                "train": (18_678, 4162, "2cc79d2ffa55520c"),
                "validate": (4003, 928, "55e28adcc2c5b098"),
                "test": (4003, 922, "ae13d2b1cb157c61"),
            },
        ),
        (
            "mgca-detection",
            {
                "train": (16_010, 3579, "bea284d10f1654de"),
                "validate": (5337, 1182, "35524467ec6937f7"),
                "test": (5337, 1251, "99aa756b38bfcf57"),
            },
        ),
        (
            "benchx",
            {
                "train": (18_678, 4208, "c47f2ad474e51350"),
                "validate": (4003, 902, "1c1921a13412de0e"),
                "test": (4003, 902, "65a1745d96a055f8"),
            },
        ),
    ],
)
def test_rsna_counts_and_splits(
    rsna_tables: dict[str, ReadBenchmark], split: str, parts: Parts
) -> None:
    tables = rsna_tables[split]

    per_image = Counter(tables.benchmark.boxes["image_id"])
    assert parts_of(tables.benchmark) == parts
    assert tables.rejects.is_empty()
    assert len(tables.benchmark.images) == 26_684
    assert len(tables.benchmark.boxes) == 9555
    assert Counter(per_image.values()) == {1: 2614, 2: 3266, 3: 119, 4: 13}
    assert len(per_image) == 6012
    assert shared_in_all(tables.benchmark) == {0}


def test_rsna_splits_of_equal_size_are_of_other_images(
    rsna_tables: dict[str, ReadBenchmark],
) -> None:
    ids = {
        (split, part): set(rsna_tables[split].benchmark.part(part))
        for split in ("mgca", "benchx")
        for part in SPLITS
    }

    assert len(ids["mgca", "test"] & ids["benchx", "test"]) == 617
    assert len(ids["mgca", "test"] & ids["benchx", "train"]) == 2787


# Images, and the digest of their ids in the order of the draw: of the data sets of MGCA's
# own code at 680fe4a, run on these files after its preprocessing (pandas 2.3.3).
@pytest.mark.parametrize(
    ("fraction", "number", "digest"),
    [(0.01, 187, "3db12cfca3510229"), (0.1, 1868, "89ea86a56d8f5d39")],
)
def test_rsna_fractions_are_those_that_mgca_draws(
    rsna_tables: dict[str, ReadBenchmark],
    fraction: float,
    number: int,
    digest: str,
) -> None:
    benchmark = rsna_tables["mgca"].benchmark

    drawn = draw_training_images(benchmark, fraction, 42)

    assert (len(drawn), digest_in_order(drawn)) == (number, digest)
