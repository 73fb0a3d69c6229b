"""All benchmarks in the layouts that the synthetic world makes, whole and damaged."""

import errno
import logging
from pathlib import Path

import cv2
import polars as pl
import pydicom
import pytest

from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.registry import BENCHMARKS
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
from support.benchmark_folders import DEFAULTS, Copied, detail, reasons, shared_in_all
from support.faults import break_calls


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_image_is_read_once_with_size_part_and_labels(
    name: str, made: Path
) -> None:
    tables = read_benchmark(name, config=DEFAULTS, root=made / name)

    for frame, schema in (
        (tables.benchmark.images, BENCHMARK_IMAGES),
        (tables.benchmark.labels, BENCHMARK_LABELS),
        (tables.benchmark.boxes, BENCHMARK_BOXES),
        (tables.benchmark.masks, BENCHMARK_MASKS),
        (tables.rejects, REJECTS),
    ):
        schema.check(frame, where=name)
    assert tables.rejects.is_empty()
    assert tables.num_items == len(tables.benchmark.images)
    assert tables.benchmark.notes["extra_images"] == 0
    assert all(tables.benchmark.part(split) for split in SPLITS)
    assert shared_in_all(tables.benchmark) == {0}
    for path, width, height in tables.benchmark.images.select(
        "path", "width", "height"
    ).iter_rows():
        file = made / name / path
        if file.suffix == ".dcm":
            header = pydicom.dcmread(file)
            assert (header.Columns, header.Rows) == (width, height)
        else:
            assert cv2.imread(str(file)).shape[:2] == (height, width)
    assert set(tables.benchmark.labels["target"]) == set(tables.benchmark.targets)
    assert len(tables.benchmark.labels) == len(tables.benchmark.images) * len(
        tables.benchmark.targets
    )


@pytest.mark.parametrize("name", BENCHMARKS)
def test_label_files_alone_give_the_same_but_for_sizes_and_places(
    name: str, made: Path
) -> None:
    with_images = read_benchmark(name, config=DEFAULTS, root=made / name)

    without = read_benchmark(
        name, config=DEFAULTS, root=made / name, require_images=False
    )

    columns = ["image_id", "patient_id", "view", "split"]
    assert without.benchmark.images.select(columns).equals(
        with_images.benchmark.images.select(columns)
    )
    assert without.benchmark.labels.equals(with_images.benchmark.labels)
    assert without.benchmark.boxes.equals(with_images.benchmark.boxes)
    assert without.benchmark.images["width"].null_count() == len(
        without.benchmark.images
    )
    assert without.rejects.is_empty()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_missing_file_is_rejected_and_moves_no_other_image(
    name: str, made: Path, copied: Copied
) -> None:
    whole = read_benchmark(name, config=DEFAULTS, root=made / name)
    gone = whole.benchmark.part("train")[0]
    root = copied(name)
    path = whole.benchmark.images.filter(pl.col("image_id") == gone)["path"].item()
    (root / path).unlink()

    tables = read_benchmark(name, config=DEFAULTS, root=root)

    assert reasons(tables) == {gone: "missing_image"}
    assert tables.num_items == whole.num_items
    rest = whole.benchmark.images.filter(pl.col("image_id") != gone)
    columns = ["image_id", "split", "width", "height"]
    assert tables.benchmark.images.select(columns).equals(rest.select(columns))
    assert gone not in set(tables.benchmark.labels["image_id"])
    assert gone not in set(tables.benchmark.boxes["image_id"]) | set(
        tables.benchmark.masks["image_id"]
    )


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_truncated_header_is_rejected(name: str, made: Path, copied: Copied) -> None:
    whole = read_benchmark(name, config=DEFAULTS, root=made / name)
    broken = whole.benchmark.part("train")[0]
    root = copied(name)
    path = whole.benchmark.images.filter(pl.col("image_id") == broken)["path"].item()
    (root / path).write_bytes((root / path).read_bytes()[:20])

    tables = read_benchmark(name, config=DEFAULTS, root=root)

    assert reasons(tables) == {broken: "unreadable_image"}
    assert "expected an image in" in detail(tables, broken)
    assert len(tables.benchmark.images) == len(whole.benchmark.images) - 1


@pytest.mark.parametrize("name", BENCHMARKS)
def test_files_that_no_label_names_are_counted_and_logged(
    name: str, made: Path, copied: Copied, caplog: pytest.LogCaptureFixture
) -> None:
    whole = read_benchmark(name, config=DEFAULTS, root=made / name)
    root = copied(name)
    path = root / whole.benchmark.images["path"][0]
    path.with_name(f"another{path.suffix}").write_bytes(path.read_bytes())

    with caplog.at_level(logging.INFO):
        tables = read_benchmark(name, config=DEFAULTS, root=root)

    assert tables.benchmark.images.equals(whole.benchmark.images)
    assert tables.rejects.is_empty()
    assert tables.benchmark.notes["extra_images"] == 1
    assert "'extra_images': 1" in caplog.text


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_part_without_images_stops_with_a_sentence(
    name: str, made: Path, copied: Copied
) -> None:
    whole = read_benchmark(name, config=DEFAULTS, root=made / name)
    root = copied(name)
    tested = whole.benchmark.images.filter(pl.col("split") == "test")["path"]
    for path in tested:
        (root / path).unlink()

    with pytest.raises(SourceError, match=r"every part.*'test': 0.*missing_image"):
        read_benchmark(name, config=DEFAULTS, root=root)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_image_or_folder_that_cannot_be_read_now_is_no_reject(
    name: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_benchmark(name, config=DEFAULTS, root=made / name)
    path = made / name / whole.benchmark.images["path"][0]

    for part in (path.name, path.parent.name):
        with monkeypatch.context() as faults:
            break_calls(faults, name=part, number=errno.EACCES)
            with pytest.raises(PassingFaultError, match=f"{part}: .*EACCES"):
                read_benchmark(name, config=DEFAULTS, root=made / name)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_macos_left_is_skipped_and_counted(
    name: str, made: Path, copied: Copied
) -> None:
    whole = read_benchmark(name, config=DEFAULTS, root=made / name)
    root = copied(name)
    path = root / whole.benchmark.images["path"][0]
    (path.parent / "__MACOSX").mkdir()
    for left in (
        path.with_name(f"._{path.name}"),
        path.parent / "__MACOSX" / path.name,
    ):
        left.write_bytes(b"\0\5\x16\7")
    for table in root.glob("*.csv"):
        (root / f"._{table.name}").write_bytes(b"\0\5\x16\7")

    tables = read_benchmark(name, config=DEFAULTS, root=root)

    assert tables.benchmark.images.equals(whole.benchmark.images)
    assert tables.rejects.is_empty()
    assert tables.benchmark.notes["system_files"] == 2
    assert tables.benchmark.notes["extra_images"] == 0
    assert "system_files" not in whole.benchmark.notes
