"""All five benchmarks in the layouts that the synthetic corpus makes, whole and damaged."""

import csv
import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import polars as pl
import pydicom
import pytest

from asg_core.benchmarks.config import BenchmarkName, BenchmarksConfig
from asg_core.benchmarks.form import BenchmarkTables, part_ids
from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.runs import runs_to_mask
from asg_core.sources.reading.files import SourceError
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.tables.catalog import (
    BENCHMARK_BOXES,
    BENCHMARK_IMAGES,
    BENCHMARK_LABELS,
    BENCHMARK_MASKS,
    REJECTS,
    SPLITS,
)
from support.faults import break_calls

Copied = Callable[[str], Path]

CONFIG = BenchmarksConfig()
NAMES: tuple[BenchmarkName, ...] = get_args(BenchmarkName)


def read(name: BenchmarkName, root: Path, **settings: object) -> BenchmarkTables:
    config = BenchmarksConfig.model_validate({name: settings})
    return read_benchmark(name, config=config, root=root)


def reasons(tables: BenchmarkTables) -> dict[str, str]:
    return dict(tables.rejects.select("item_id", "reason").iter_rows())


def detail(tables: BenchmarkTables, item_id: str) -> str:
    found: str = tables.rejects.filter(pl.col("item_id") == item_id)["detail"].item()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_image_is_read_once_with_size_part_and_labels(
    name: BenchmarkName, made: Path
) -> None:
    tables = read_benchmark(name, config=CONFIG, root=made / name)

    for frame, schema in (
        (tables.images, BENCHMARK_IMAGES),
        (tables.labels, BENCHMARK_LABELS),
        (tables.boxes, BENCHMARK_BOXES),
        (tables.masks, BENCHMARK_MASKS),
        (tables.rejects, REJECTS),
    ):
        schema.check(frame, where=name)
    assert tables.rejects.is_empty()
    assert tables.num_items == len(tables.images)
    assert tables.notes["extra_images"] == 0
    assert all(part_ids(tables.images, split=split) for split in SPLITS)
    assert not any(
        count for pair in tables.overlaps.values() for count in pair.values()
    )
    for path, width, height in tables.images.select(
        "path", "width", "height"
    ).iter_rows():
        file = made / name / path
        if file.suffix == ".dcm":
            header = pydicom.dcmread(file)
            assert (header.Columns, header.Rows) == (width, height)
        else:
            assert cv2.imread(str(file)).shape[:2] == (height, width)
    assert set(tables.labels["target"]) == set(tables.targets)
    assert len(tables.labels) == len(tables.images) * len(tables.targets)


@pytest.mark.parametrize("name", NAMES)
def test_label_files_alone_give_the_same_but_for_sizes_and_places(
    name: BenchmarkName, made: Path
) -> None:
    with_images = read_benchmark(name, config=CONFIG, root=made / name)

    without = read_benchmark(
        name, config=CONFIG, root=made / name, require_images=False
    )

    columns = ["image_id", "patient_id", "view", "split"]
    assert without.images.select(columns).equals(with_images.images.select(columns))
    assert without.labels.equals(with_images.labels)
    assert without.boxes.equals(with_images.boxes)
    assert without.images["width"].null_count() == len(without.images)
    assert without.rejects.is_empty()


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_rejected_and_moves_no_other_image(
    name: BenchmarkName, made: Path, copied: Copied
) -> None:
    whole = read_benchmark(name, config=CONFIG, root=made / name)
    gone = part_ids(whole.images, split="train")[0]
    root = copied(name)
    path = whole.images.filter(pl.col("image_id") == gone)["path"].item()
    (root / path).unlink()

    tables = read_benchmark(name, config=CONFIG, root=root)

    assert reasons(tables) == {gone: "missing_image"}
    assert tables.num_items == whole.num_items
    rest = whole.images.filter(pl.col("image_id") != gone)
    columns = ["image_id", "split", "width", "height"]
    assert tables.images.select(columns).equals(rest.select(columns))
    assert gone not in set(tables.labels["image_id"])
    assert gone not in set(tables.boxes["image_id"]) | set(tables.masks["image_id"])


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_header_is_rejected(
    name: BenchmarkName, made: Path, copied: Copied
) -> None:
    whole = read_benchmark(name, config=CONFIG, root=made / name)
    broken = part_ids(whole.images, split="train")[0]
    root = copied(name)
    path = whole.images.filter(pl.col("image_id") == broken)["path"].item()
    (root / path).write_bytes((root / path).read_bytes()[:20])

    tables = read_benchmark(name, config=CONFIG, root=root)

    assert reasons(tables) == {broken: "unreadable_image"}
    assert "expected an image in" in detail(tables, broken)
    assert len(tables.images) == len(whole.images) - 1


@pytest.mark.parametrize("name", NAMES)
def test_files_that_no_label_names_are_counted_and_logged(
    name: BenchmarkName, made: Path, copied: Copied, caplog: pytest.LogCaptureFixture
) -> None:
    whole = read_benchmark(name, config=CONFIG, root=made / name)
    root = copied(name)
    path = root / whole.images["path"][0]
    path.with_name(f"another{path.suffix}").write_bytes(path.read_bytes())

    with caplog.at_level(logging.INFO):
        tables = read_benchmark(name, config=CONFIG, root=root)

    assert tables.images.equals(whole.images)
    assert tables.rejects.is_empty()
    assert tables.notes["extra_images"] == 1
    assert "'extra_images': 1" in caplog.text


@pytest.mark.parametrize("name", NAMES)
def test_a_part_without_images_stops_with_a_sentence(
    name: BenchmarkName, made: Path, copied: Copied
) -> None:
    whole = read_benchmark(name, config=CONFIG, root=made / name)
    root = copied(name)
    tested = whole.images.filter(pl.col("split") == "test")["path"]
    for path in tested:
        (root / path).unlink()

    with pytest.raises(SourceError, match=r"every part.*'test': 0.*missing_image"):
        read_benchmark(name, config=CONFIG, root=root)


def test_a_row_with_a_wrong_number_of_cells_is_rejected(copied: Copied) -> None:
    root = copied("nih")
    path = root / "Data_Entry_2017_v2020.csv"
    lines = path.read_text().splitlines()
    name = lines[1].partition(",")[0]
    lines[1] = lines[1].rpartition(",")[0]
    path.write_text("\n".join(lines))

    tables = read("nih", root)

    assert reasons(tables)["Data_Entry_2017_v2020.csv:1"] == "malformed_row"
    assert name not in set(tables.images["image_id"])


def test_nih_reads_the_edition_with_a_twelfth_column(
    made: Path, copied: Copied
) -> None:
    root = copied("nih")
    path = root / "Data_Entry_2017_v2020.csv"
    lines = path.read_text().splitlines()
    (root / "Data_Entry_2017.csv").write_text("".join(f"{line},\n" for line in lines))
    path.unlink()

    tables = read("nih", root)

    assert tables.labels.equals(read("nih", made / "nih").labels)


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
    assert tables.boxes.select(columns).rows() == expected
    assert set(tables.boxes["image_id"]) <= set(part_ids(tables.images, split="test"))


def test_nih_images_may_lie_in_one_folder(made: Path, copied: Copied) -> None:
    root = copied("nih")
    (root / "images").mkdir()
    for path in sorted(root.glob("images_*/images/*.png")):
        path.rename(root / "images" / path.name)

    tables = read("nih", root)

    whole = read("nih", made / "nih")
    assert tables.images.drop("path").equals(whole.images.drop("path"))
    assert all(path.startswith("images/") for path in tables.images["path"])


def test_chexpert_reads_the_root_itself_and_the_folder_above(
    made: Path, copied: Copied
) -> None:
    root = copied("chexpert")
    (root / "CheXpert-v1.0-small").rename(root / "CheXpert-v1.0")

    above = read("chexpert", root)
    itself = read("chexpert", root / "CheXpert-v1.0")

    assert above.labels.equals(itself.labels)
    assert above.labels.equals(read("chexpert", made / "chexpert").labels)
    assert [f"CheXpert-v1.0/{path}" for path in itself.images["path"]] == list(
        above.images["path"]
    )


def test_chexpert_leaves_laterals_out_and_counts_them(made: Path) -> None:
    frontal = read("chexpert", made / "chexpert")
    every = read("chexpert", made / "chexpert", views="all")

    laterals = every.images.filter(pl.col("view") == "LATERAL")
    assert len(laterals) > 0
    assert frontal.notes["laterals_left_out"] == len(laterals)
    assert len(frontal.images) + len(laterals) == len(every.images)
    assert frontal.notes["extra_images"] == 0
    assert set(frontal.images["view"]) == {"AP", "PA"}


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

    boxes = tables.boxes.filter(pl.col("image_id") == negative)
    assert boxes["box_xyxy"].to_list() == [[60, 0, 64, 16]]
    assert tables.notes["boxes_cut_to_the_image"] == 1
    assert reasons(tables) == {
        f"stage_2_train_labels.csv:{len(kept) - 1}": "box_outside_image"
    }
    positive = tables.labels.filter(pl.col("value") == 1)
    assert set(positive["image_id"]) == set(tables.boxes["image_id"])


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
        for image_id, runs in tables.masks.select("image_id", "runs").iter_rows()
    }
    assert found
    assert len(rows) > len(expected)
    for image_id, truth in expected.items():
        read_back = runs_to_mask(found.get(image_id, []), height=64, width=64)
        np.testing.assert_array_equal(read_back, truth)
    assert tables.labels.filter(pl.col("value") == 1)["image_id"].sort().to_list() == (
        sorted(found)
    )


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
    assert image_id not in set(tables.images["image_id"])
    assert image_id not in set(tables.masks["image_id"])


def test_siim_takes_the_first_of_two_files_of_one_name(
    made: Path, copied: Copied
) -> None:
    root = copied("siim")
    path = sorted((root / "dicom-images-train").glob("*/*/*.dcm"))[0]
    (root / "dicom-images-test").mkdir()
    (root / "dicom-images-test" / path.name).write_bytes(path.read_bytes())

    tables = read("siim", root)

    whole = read("siim", made / "siim")
    assert len(tables.images) == len(whole.images)
    assert tables.notes["images_of_one_name"] == 1
    assert f"dicom-images-test/{path.name}" in set(tables.images["path"])


@pytest.mark.parametrize("name", NAMES)
def test_an_image_or_folder_that_cannot_be_read_now_is_no_reject(
    name: BenchmarkName, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_benchmark(name, config=CONFIG, root=made / name)
    path = made / name / whole.images["path"][0]

    for part in (path.name, path.parent.name):
        with monkeypatch.context() as faults:
            break_calls(faults, name=part, number=errno.EACCES)
            with pytest.raises(PassingFaultError, match=f"{part}: .*EACCES"):
                read_benchmark(name, config=CONFIG, root=made / name)


@pytest.mark.parametrize("name", NAMES)
def test_what_macos_left_is_skipped_and_counted(
    name: BenchmarkName, made: Path, copied: Copied
) -> None:
    whole = read_benchmark(name, config=CONFIG, root=made / name)
    root = copied(name)
    path = root / whole.images["path"][0]
    (path.parent / "__MACOSX").mkdir()
    for left in (
        path.with_name(f"._{path.name}"),
        path.parent / "__MACOSX" / path.name,
    ):
        left.write_bytes(b"\0\5\x16\7")
    for table in root.glob("*.csv"):
        (root / f"._{table.name}").write_bytes(b"\0\5\x16\7")

    tables = read_benchmark(name, config=CONFIG, root=root)

    assert tables.images.equals(whole.images)
    assert tables.rejects.is_empty()
    assert tables.notes["system_files"] == 2
    assert tables.notes["extra_images"] == 0
    assert "system_files" not in whole.notes
