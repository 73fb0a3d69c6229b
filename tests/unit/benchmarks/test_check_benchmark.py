import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from asg_core.benchmarks.check import benchmark_inventory, check_benchmark
from asg_core.benchmarks.config import BenchmarkName, BenchmarksConfig
from asg_core.sources.reading.files import SourceError

Copied = Callable[[str], Path]

CONFIG = BenchmarksConfig()
NAMES: tuple[BenchmarkName, ...] = get_args(BenchmarkName)


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_benchmark_passes(name: BenchmarkName, made: Path) -> None:
    check_benchmark(name, CONFIG, made / name)


@pytest.mark.parametrize(
    ("name", "gone", "words"),
    [
        ("nih", "Data_Entry_2017_v2020.csv", "one file Data_Entry_2017"),
        ("nih", "BBox_List_2017.csv", "with the boxes"),
        ("nih", "train_val_list.txt", "names of images"),
        ("nih", "test_list.txt", "names of images"),
        (
            "chexpert",
            "CheXpert-v1.0-small/train.csv",
            "train.csv here or in one folder",
        ),
        ("chexpert", "CheXpert-v1.0-small/valid.csv", "one file valid.csv"),
        ("rsna", "stage_2_train_labels.csv", "the labels and boxes"),
        ("covidx", "train.txt", "names and classes"),
        ("covidx", "test.txt", "names and classes"),
        ("siim", "train-rle.csv", "one csv with the columns"),
    ],
)
def test_a_missing_file_is_said_with_the_key_to_set(
    name: BenchmarkName, gone: str, words: str, copied: Copied
) -> None:
    root = copied(name)
    (root / gone).unlink()

    with pytest.raises(SourceError, match=rf"{words}[\s\S]*{name}.root"):
        check_benchmark(name, CONFIG, root)


@pytest.mark.parametrize(
    ("name", "pattern", "folder"),
    [
        ("nih", "images_*", "images_001"),
        ("chexpert", "CheXpert-v1.0-small/valid", "CheXpert-v1.0-small/valid"),
        ("rsna", "stage_2_train_images", "stage_2_train_images"),
        ("covidx", "test", "test"),
        ("siim", "dicom-images-train", "dicom-images-train"),
    ],
)
def test_a_missing_image_folder_is_said(
    name: BenchmarkName, pattern: str, folder: str, copied: Copied
) -> None:
    root = copied(name)
    for number, path in enumerate(sorted(root.glob(pattern))):
        path.rename(root / f"renamed_{number}")

    with pytest.raises(SourceError, match=rf"image folders \['{folder}'.*{name}.root"):
        check_benchmark(name, CONFIG, root)


def test_a_missing_root_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"the benchmark rsna.*rsna\.root"):
        check_benchmark("rsna", CONFIG, tmp_path / "nothing")


@pytest.mark.parametrize(
    ("name", "path", "column"),
    [
        ("nih", "Data_Entry_2017_v2020.csv", "Finding Labels"),
        ("nih", "BBox_List_2017.csv", "Bbox [x"),
        ("chexpert", "CheXpert-v1.0-small/train.csv", "Frontal/Lateral"),
        ("rsna", "stage_2_train_labels.csv", "Target"),
    ],
)
def test_a_missing_column_is_said(
    name: BenchmarkName, path: str, column: str, copied: Copied
) -> None:
    root = copied(name)
    text = (root / path).read_text()
    (root / path).write_text(text.replace(column, "Other", 1))

    with pytest.raises(SourceError, match="expected the columns"):
        check_benchmark(name, CONFIG, root)


def test_two_editions_in_one_folder_are_refused(copied: Copied) -> None:
    nih, chexpert = copied("nih"), copied("chexpert")
    (nih / "Data_Entry_2017.csv").write_text("x\n")
    (chexpert / "CheXpert-v1.0").mkdir()
    (chexpert / "CheXpert-v1.0" / "train.csv").write_text("x\n")

    with pytest.raises(SourceError, match="keep one edition there"):
        check_benchmark("nih", CONFIG, nih)
    with pytest.raises(SourceError, match="the folder of one edition"):
        check_benchmark("chexpert", CONFIG, chexpert)


def test_siim_labels_are_found_beside_an_example_answer(copied: Copied) -> None:
    root = copied("siim")
    example = root / "stage_2_sample_submission.csv"
    example.write_text("ImageId,EncodedPixels\nx,-1\n")

    check_benchmark("siim", CONFIG, root)

    example.rename(root / "more-rle.csv")
    with pytest.raises(SourceError, match=r"found \['more-rle.csv', 'train-rle"):
        check_benchmark("siim", CONFIG, root)
    named = BenchmarksConfig.model_validate({"siim": {"labels": "train-rle.csv"}})
    check_benchmark("siim", named, root)


@pytest.mark.parametrize("name", NAMES)
def test_the_inventory_changes_with_every_file(
    name: BenchmarkName, copied: Copied
) -> None:
    root = copied(name)
    index = BenchmarksConfig(inventory="index")
    before = benchmark_inventory(name, CONFIG, root)
    before_index = benchmark_inventory(name, index, root)
    image = [path for path in sorted(root.rglob("*")) if path.suffix in _IMAGES][-1]

    assert benchmark_inventory(name, CONFIG, root) == before
    image.write_bytes(image.read_bytes() + b"\0")
    assert benchmark_inventory(name, CONFIG, root) != before
    assert benchmark_inventory(name, index, root) == before_index
    image.unlink()
    image.symlink_to("nowhere")
    assert benchmark_inventory(name, CONFIG, root) != before
    suffixes = {".csv", ".txt"}
    labels = [path for path in sorted(root.rglob("*")) if path.suffix in suffixes][-1]
    os.utime(labels, ns=(1, 1))
    assert benchmark_inventory(name, index, root) != before_index


def test_the_check_imports_no_table_or_training_library() -> None:
    code = (
        "import sys; import asg_core.benchmarks.check; "
        "print([name for name in ('numpy', 'polars', 'pyarrow', 'torch', 'sklearn', "
        "'PIL', 'pydicom') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


_IMAGES = {".png", ".jpg", ".jpeg", ".JPG", ".dcm"}
