"""COVIDx: lists written by hand, and as the synthetic world makes them."""

from pathlib import Path

import numpy as np
import pytest

from asg_core.sources.reading.files import SourceError
from support.benchmark_folders import (
    Copied,
    expect_missed,
    read_labels,
    reasons,
    values,
    written,
)


@pytest.mark.parametrize("gone", ["train.txt", "test.txt"])
def test_covidx_without_one_of_its_lists_is_refused(gone: str, copied: Copied) -> None:
    root = copied("covidx")
    (root / gone).unlink()

    expect_missed("covidx", root, "names and classes")


def test_covidx_without_a_folder_of_images_is_refused(copied: Copied) -> None:
    root = copied("covidx")
    (root / "test").rename(root / "renamed")

    expect_missed("covidx", root, r"image folders \['test'\]")


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

    tables = read_labels("covidx", root)

    assert tables.benchmark.targets == ("normal", "pneumonia", "COVID-19")
    assert tables.benchmark.is_exclusive
    patients = dict(
        tables.benchmark.images.select("image_id", "patient_id").iter_rows()
    )
    assert patients == {
        "train/a.png": "3",
        "train/b.jpg": "4",
        "train/c.JPG": "COVID case 7",
        "test/a.png": "8",
        "test/f.png": "9",
    }
    assert values(tables, "train/c.JPG") == {"normal": 0, "pneumonia": 0, "COVID-19": 1}
    assert values(tables, "test/f.png") == {"normal": 1, "pneumonia": 0, "COVID-19": 0}
    assert tables.benchmark.notes == {
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

    tables = read_labels("covidx", root, split="lists")

    assert tables.benchmark.targets == ("negative", "positive")
    assert tables.benchmark.part("validate") == ["val/c.png"]
    assert tables.benchmark.overlaps["train/validate"] == {"images": 0, "patients": 1}


def test_covidx_published_split_goes_by_image_and_counts_shared_patients(
    tmp_path: Path,
) -> None:
    train = [f"{number % 4} {number}.png normal rsna" for number in range(20)]
    root = written(tmp_path, {"train.txt": train, "test.txt": ["9 t.png normal rsna"]})

    tables = read_labels("covidx", root, split="mgca")

    assert len(tables.benchmark.part("train")) == 16
    assert len(tables.benchmark.part("validate")) == 4
    assert tables.benchmark.overlaps["train/validate"]["patients"] > 0


def test_covidx_draws_differ_by_seed_and_recipes_say_them(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(20)]
    train = [f"{place} {name} normal" for place, name in enumerate(names)]
    lists = {
        "train.txt": train,
        "test.txt": ["90 t.png normal"],
        "val.txt": ["80 v.png normal"],
    }
    root = written(tmp_path, lists)

    first, other = (
        read_labels("covidx", root, validate_share=0.25, seed=seed).benchmark
        for seed in (0, 3)
    )
    mgca = read_labels("covidx", root, split="mgca").benchmark
    listed = read_labels("covidx", root, split="lists").benchmark

    assert len(first.part("validate")) == len(other.part("validate")) == 5
    assert first.part("validate") != other.part("validate")
    # What scikit-learn holds out is the head of a seeded permutation.
    held_out = np.random.RandomState(0).permutation(20)[:4]
    assert mgca.listed("validate") == [f"train/{place}.png" for place in held_out]
    assert [benchmark.recipe for benchmark in (other, mgca, listed)] == [
        "patient (validate: 0.25 of the patients of train.txt, seed 3; test: test.txt)",
        "mgca (validate: 0.2 of the images of train.txt; test: test.txt)",
        "lists (validate: val.txt; test: test.txt)",
    ]
    assert first.notes == {"test normal of unnamed": 1}


def test_covidx_row_without_a_patient_is_rejected(tmp_path: Path) -> None:
    train = ["1 a.png normal", "2 b.png normal", "c.png normal", "COVID-19"]
    root = written(tmp_path, {"train.txt": train, "test.txt": ["9 t.png COVID-19"]})

    tables = read_labels("covidx", root)

    assert reasons(tables) == {
        "train.txt:3": "malformed_row",
        "train.txt:4": "malformed_row",
    }


def test_covidx_lists_of_two_versions_are_refused(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {"train.txt": ["1 a.png normal rsna"], "test.txt": ["3 d.png positive ricord"]},
    )

    with pytest.raises(SourceError, match="lists of one version of COVIDx"):
        read_labels("covidx", root)
