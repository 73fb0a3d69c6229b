"""SIIM-ACR Pneumothorax: by hand, as the synthetic world makes it, and as released."""

import csv
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from asg_core.benchmarks.reader_registry import find_benchmark
from asg_core.benchmarks.runs import runs_to_mask
from asg_core.sources.reading.files import SourceError
from support.benchmark_folders import (
    DEFAULTS,
    Copied,
    config_of,
    detail,
    expect_missed,
    parts_of,
    read,
    read_labels,
    reasons,
    shared_in_all,
    written,
)
from support.reference import released_labels


def test_siim_without_its_file_or_images_is_refused(copied: Copied) -> None:
    root = copied("siim")
    (root / "dicom-images-train").rename(root / "renamed")
    expect_missed("siim", root, r"image folders \['dicom-images-train'\]")
    (root / "train-rle.csv").unlink()
    expect_missed("siim", root, "one csv with the columns")


def test_siim_labels_are_found_beside_an_example_answer(copied: Copied) -> None:
    root = copied("siim")
    example = root / "stage_2_sample_submission.csv"
    example.write_text("ImageId,EncodedPixels\nx,-1\n")

    find_benchmark("siim", config=DEFAULTS, root=root)

    example.rename(root / "more-rle.csv")
    with pytest.raises(SourceError, match=r"found \['more-rle.csv', 'train-rle"):
        find_benchmark("siim", config=DEFAULTS, root=root)
    named = config_of("siim", labels="train-rle.csv")
    find_benchmark("siim", config=named, root=root)


@pytest.mark.parametrize(
    ("header", "blank"),
    [("ImageId, EncodedPixels", " "), ("ImageId,EncodedPixels", "")],
)
def test_siim_blanks_of_either_edition(tmp_path: Path, header: str, blank: str) -> None:
    rows = [f"{number},{blank}-1" for number in range(9)]
    rows += [f"p,{blank}0 2 3 1", f"p,{blank}1 3"]
    root = written(tmp_path, {"stage_2_train.csv": [header, *rows]})

    tables = read_labels("siim", root)

    assert len(tables.benchmark.images) == 10
    assert tables.benchmark.masks["runs"].to_list() == [
        [{"start": 0, "length": 4}, {"start": 5, "length": 1}]
    ]
    assert sum(tables.benchmark.labels["value"]) == 1


def test_siim_image_whose_rows_disagree_is_rejected(tmp_path: Path) -> None:
    rows = [*(f"{number},-1" for number in range(9)), "x,-1", "x,1 3"]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    tables = read_labels("siim", root)

    assert reasons(tables) == {"x": "contradictory_rows"}
    assert len(tables.benchmark.images) == 9


def test_siim_image_of_a_row_that_is_cut_short_is_left_out(tmp_path: Path) -> None:
    rows = [*(f"{number},-1" for number in range(9)), "x,1 3", "x"]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    tables = read_labels("siim", root)

    assert reasons(tables) == {
        "train-rle.csv:11": "malformed_row",
        "x": "incomplete_labels",
    }
    assert len(tables.benchmark.images) == 9


def test_siim_image_with_broken_runs_says_how_many(tmp_path: Path) -> None:
    rows = [*(f"{number},-1" for number in range(9)), "x,1 3", "x,1", "x,1 0"]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    tables = read_labels("siim", root)

    assert reasons(tables) == {
        "train-rle.csv:11": "malformed_runs",
        "train-rle.csv:12": "malformed_runs",
        "x": "incomplete_labels",
    }
    assert detail(tables, "x").endswith("found 2 that are rejected")


def test_siim_split_by_row_lists_images_in_the_order_of_the_draw(
    tmp_path: Path,
) -> None:
    names = [f"image{number % 7}" for number in range(20)]
    rows = [f"{name},-1" for name in names]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    benchmark = read_labels("siim", root, split="mgca-rows").benchmark

    drawn = [names[row] for row in np.random.RandomState(0).permutation(20)]
    train = [
        image_id.partition("@")[0] for image_id in benchmark.listed("train") if image_id
    ]
    assert train == list(dict.fromkeys(drawn[6:]))


def test_siim_labels_may_be_named_in_a_folder_and_have_each_column_once(
    tmp_path: Path,
) -> None:
    rows = [f"{number},-1" for number in range(9)]
    named = {"rle/labels.csv": ["ImageId,EncodedPixels", *rows]}
    root = written(tmp_path, named)
    images = root / "stage_2_images"
    images.mkdir()
    config = config_of("siim", labels="rle/labels.csv")

    layout = find_benchmark("siim", config=config, root=root)

    assert layout.files == {"labels": root / "rle" / "labels.csv"}
    assert layout.image_folders == ("stage_2_images",)
    written(root, {"a.csv": ["ImageId,EncodedPixels,EncodedPixels", "0,-1,-1"]})
    with pytest.raises(SourceError, match="EncodedPixels"):
        find_benchmark("siim", config=DEFAULTS, root=root)


def test_siim_image_of_a_rejected_row_is_none_that_no_label_names(
    copied: Copied,
) -> None:
    root = copied("siim")
    path = root / "train-rle.csv"
    lines = path.read_text().splitlines()
    name = lines[1].partition(",")[0]
    path.write_text("\n".join([*lines, f"{name},-1,7"]))

    tables = read("siim", root)

    assert reasons(tables)[name] == "incomplete_labels"
    assert tables.benchmark.notes["extra_images"] == 0


def test_siim_split_by_row_gives_a_shared_image_two_ids_and_two_masks(
    tmp_path: Path,
) -> None:
    rows = [f"x,{number} 1" for number in range(20)]
    root = written(tmp_path, {"train-rle.csv": ["ImageId,EncodedPixels", *rows]})

    tables = read_labels("siim", root, split="mgca-rows")

    assert tables.benchmark.images.select("image_id", "patient_id", "split").rows() == [
        ("x@train", "x", "train"),
        ("x@validate", "x", "validate"),
        ("x", "x", "test"),
    ]
    masks = dict(tables.benchmark.masks.select("image_id", "runs").iter_rows())
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
    assert set(tables.benchmark.overlaps["train/test"].values()) == {1}


def test_siim_masks_are_the_unions_of_their_rows(made: Path) -> None:
    tables = read("siim", made / "siim")

    with (made / "siim" / "train-rle.csv").open(newline="") as lines:
        rows = [(row[0], row[1].strip()) for row in list(csv.reader(lines))[1:]]
    expected: dict[str, np.ndarray[tuple[int, int], np.dtype[np.bool_]]] = {}
    for image_id, text in rows:
        flat = np.zeros(64 * 64, bool)
        position = 0
        numbers = [] if text == "-1" else [int(word) for word in text.split()]
        for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
            flat[position + gap : position + gap + length] = True
            position += gap + length
        mask = flat.reshape(64, 64).T
        expected[image_id] = expected.get(image_id, np.zeros_like(mask)) | mask
    found = {
        image_id: [(run["start"], run["length"]) for run in runs]
        for image_id, runs in tables.benchmark.masks.select(
            "image_id", "runs"
        ).iter_rows()
    }
    assert found
    assert len(rows) > len(expected)
    for image_id, truth in expected.items():
        read_back = runs_to_mask(found.get(image_id, []), height=64, width=64)
        np.testing.assert_array_equal(read_back, truth)
    assert tables.benchmark.labels.filter(pl.col("value") == 1)[
        "image_id"
    ].sort().to_list() == (sorted(found))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 4096 1 1", "ends at 4098"),
        ("1 2 3", "found 3 numbers"),
        ("1 x", "found 'x'"),
        ("", "found 0 numbers"),
    ],
)
def test_siim_rejects_a_mask_that_is_none_with_its_image(
    copied: Copied, text: str, words: str
) -> None:
    root = copied("siim")
    path = root / "train-rle.csv"
    lines = path.read_text().splitlines()
    number, image_id = next(
        (number, line.partition(",")[0])
        for number, line in enumerate(lines)
        if not line.endswith("-1") and number
    )
    lines[number] = f"{image_id},{text}"
    path.write_text("\n".join(lines))

    tables = read("siim", root)

    where = f"train-rle.csv:{number}"
    assert reasons(tables) == {
        where: "malformed_runs",
        image_id: "incomplete_labels",
    }
    assert words in detail(tables, where)
    assert image_id not in set(tables.benchmark.images["image_id"])
    assert image_id not in set(tables.benchmark.masks["image_id"])


def test_siim_takes_the_first_of_two_files_of_one_name(
    made: Path, copied: Copied
) -> None:
    root = copied("siim")
    path = sorted((root / "dicom-images-train").glob("*/*/*.dcm"))[0]
    (root / "dicom-images-test").mkdir()
    (root / "dicom-images-test" / path.name).write_bytes(path.read_bytes())

    tables = read("siim", root)

    whole = read("siim", made / "siim")
    assert len(tables.benchmark.images) == len(whole.benchmark.images)
    assert tables.benchmark.notes["images_of_one_name"] == 1
    assert f"dicom-images-test/{path.name}" in set(tables.benchmark.images["path"])


@pytest.fixture(scope="module")
def siim_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("siim")
    shutil.copy(released_labels("siim-pneumothorax-train-rle.csv.gz"), root)
    return root


def test_siim_stage_2_counts_and_the_split_by_image(siim_root: Path) -> None:
    tables = read_labels("siim", siim_root)

    assert parts_of(tables.benchmark) == {
        "train": (8432, 1860, "1519eeff196d2364"),
        "validate": (1808, 404, "78d39a68071c451f"),
        "test": (1807, 405, "02d8c27edf7012d2"),
    }
    assert tables.rejects.is_empty()
    assert len(tables.benchmark.images) == 12_047
    assert len(tables.benchmark.masks) == 2669
    assert shared_in_all(tables.benchmark) == {0}


def test_siim_split_by_row_shares_images_and_their_masks(siim_root: Path) -> None:
    tables = read_labels("siim", siim_root, split="mgca-rows")

    assert parts_of(tables.benchmark) == {
        "train": (8578, 2002, "669045a168fddd31"),
        "validate": (1910, 535, "dbcfca61adec48d0"),
        "test": (1903, 476, "b1640e8da1c537e5"),
    }
    assert {
        pair: shared["images"] for pair, shared in tables.benchmark.overlaps.items()
    } == {
        "train/validate": 161,
        "train/test": 154,
        "validate/test": 62,
    }
    # Positive test images with a part of the mask in another part.
    positive = set(tables.benchmark.masks["image_id"])
    test = set(tables.benchmark.part("test")) & positive
    elsewhere = {name.partition("@")[0] for name in positive if "@" in name}
    assert len(test & elsewhere) == 183
