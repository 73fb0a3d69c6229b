import json
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from asg_core.benchmarks.form import (
    Benchmark,
    ReadBenchmark,
    digest_of,
    keep_cached,
    load_benchmark,
    write_benchmark,
)
from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.registry import BenchmarksConfig
from asg_core.sources.reading.files import SourceError
from asg_core.tables.catalog import (
    BENCHMARK_BOXES,
    BENCHMARK_IMAGES,
    BENCHMARK_LABELS,
    BENCHMARK_MASKS,
    REJECTS,
    SPLITS,
)
from asg_core.tables.schema import TableError

IMAGES = [
    ("a", "p", "train"),
    ("b", "p", "test"),
    ("c", "q", "test"),
    ("d", "r", "validate"),
]


def tables_of(images: list[tuple[str, str, str]]) -> ReadBenchmark:
    listed = {
        part: sorted(image_id for image_id, _, split in images if split == part)
        for part in SPLITS
    }
    benchmark = Benchmark(
        name="nih",
        split="lists",
        recipe="lists (a.txt, b.txt, c.txt)",
        num_listed={part: len(image_ids) + 1 for part, image_ids in listed.items()},
        images=BENCHMARK_IMAGES.frame(
            {
                "image_id": image_id,
                "patient_id": patient_id,
                "path": f"{image_id}.png",
                "view": "PA",
                "split": split,
                "split_index": listed[split].index(image_id) + 1,
            }
            for image_id, patient_id, split in images
        ),
        labels=BENCHMARK_LABELS.frame(
            {"image_id": image_id, "target": target, "value": value}
            for image_id, target, value in [
                ("a", "Mass", 1),
                ("a", "Edema", 0),
                ("b", "Edema", 1),
                ("c", "Mass", 0),
            ]
        ),
        boxes=BENCHMARK_BOXES.frame(
            [
                {
                    "image_id": "b",
                    "target": "Edema",
                    "box_index": 0,
                    "box_xyxy": [0.0, 1.0, 2.0, 3.0],
                }
            ]
        ),
        masks=BENCHMARK_MASKS.frame(
            [
                {
                    "image_id": "c",
                    "target": "Mass",
                    "runs": [{"start": 3, "length": 2}],
                }
            ]
        ),
        targets=("Mass", "Edema"),
        notes={"extra_images": 2},
    )
    rejects = REJECTS.frame(
        [{"stage": "read_benchmark", "item_id": "x", "reason": "r", "detail": "x: r"}]
    )
    return ReadBenchmark(benchmark=benchmark, rejects=rejects, num_items=5)


def test_what_is_written_is_loaded(tmp_path: Path) -> None:
    tables = tables_of(IMAGES)

    write_benchmark(tables, tmp_path, notes={"padding_unusable": 7})
    benchmark = load_benchmark(tmp_path)

    assert benchmark.images.equals(tables.benchmark.images)
    assert benchmark.boxes.equals(tables.benchmark.boxes)
    assert benchmark.masks.equals(tables.benchmark.masks)
    assert (benchmark.name, benchmark.split) == ("nih", "lists")
    assert benchmark.recipe == "lists (a.txt, b.txt, c.txt)"
    # The first of each list is not there.
    assert benchmark.listed("test") == [None, "b", "c"]
    assert benchmark.targets == ("Mass", "Edema")
    assert not benchmark.is_exclusive
    assert benchmark.segmentation_target is None
    assert benchmark.notes == {"extra_images": 2, "padding_unusable": 7}
    assert benchmark.overlaps == tables.benchmark.overlaps
    assert benchmark.test_digest == blake2b(b"b\nc", digest_size=8).hexdigest()
    about = json.loads((tmp_path / "benchmark.json").read_text())
    assert about["num_images"] == {"train": 1, "validate": 1, "test": 2}
    assert (about["num_items"], about["num_rejected"]) == (5, 1)


def test_the_same_benchmark_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder, images in (("one", IMAGES), ("two", IMAGES[::-1])):
        write_benchmark(tables_of(images), tmp_path / folder, notes={})

    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("one", "two")
    )
    assert one == two
    assert len(one) == 5


def test_truth_and_patients_follow_the_ids_asked_for(tmp_path: Path) -> None:
    write_benchmark(tables_of(IMAGES), tmp_path, notes={})
    benchmark = load_benchmark(tmp_path)

    truth = benchmark.truth(["c", "a", "b", "d"])

    expected = np.array([[0, np.nan], [1, 0], [np.nan, 1], [np.nan, np.nan]])
    assert truth.dtype == np.float32
    np.testing.assert_array_equal(truth, expected)
    assert benchmark.patients(["c", "a", "b"]) == ["q", "p", "p"]
    assert benchmark.part("test") == ["b", "c"]
    assert benchmark.truth([]).shape == (0, 2)
    assert benchmark.patients([]) == []


def test_ids_and_parts_that_are_none_are_refused(tmp_path: Path) -> None:
    write_benchmark(tables_of(IMAGES), tmp_path, notes={})
    benchmark = load_benchmark(tmp_path)

    with pytest.raises(ValueError, match="1 ids that it does not have, such as 'x'"):
        benchmark.truth(["a", "x"])
    with pytest.raises(ValueError, match="an id twice"):
        benchmark.patients(["a", "a"])
    with pytest.raises(ValueError, match="found 'val'"):
        benchmark.part("val")


def test_overlaps_count_images_by_path_and_patients() -> None:
    benchmark = tables_of([*IMAGES, ("b@validate", "p", "validate")]).benchmark
    path = pl.col("path").str.replace("@validate", "", literal=True)

    benchmark = replace(benchmark, images=benchmark.images.with_columns(path=path))

    assert benchmark.overlaps == {
        "train/validate": {"images": 0, "patients": 1},
        "train/test": {"images": 0, "patients": 1},
        "validate/test": {"images": 1, "patients": 1},
    }


def test_images_without_pixels_go_to_the_rejects() -> None:
    tables = tables_of(IMAGES)

    kept = keep_cached(tables, {"a", "b", "d", "of another benchmark"})

    assert kept.benchmark.images["image_id"].to_list() == ["a", "b", "d"]
    assert set(kept.benchmark.labels["image_id"]) == {"a", "b"}
    assert kept.benchmark.boxes.equals(tables.benchmark.boxes)
    assert kept.benchmark.masks.is_empty()
    assert kept.rejects.select("stage", "item_id", "reason").rows() == [
        ("read_benchmark", "x", "r"),
        ("read_benchmark", "c", "not_cached"),
    ]
    assert kept.num_items == len(kept.benchmark.images) + len(kept.rejects)


def test_a_part_without_any_pixels_stops_with_a_sentence() -> None:
    tables = tables_of(IMAGES)
    tested = tables.benchmark.part("test")

    with pytest.raises(
        SourceError, match=r"expected images that .* none in \['test'\]"
    ):
        keep_cached(tables, set(tables.benchmark.images["image_id"]) - set(tested))
    with pytest.raises(SourceError, match="in every part"):
        keep_cached(tables, set())


def test_digests_do_not_depend_on_order() -> None:
    assert digest_of(["b", "a"]) == digest_of(["a", "b"]) != digest_of(["ab"])


def test_a_folder_that_is_no_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="description of a benchmark"):
        load_benchmark(tmp_path)
    write_benchmark(tables_of(IMAGES), tmp_path, notes={})
    about = tmp_path / "benchmark.json"
    text = about.read_text()
    about.write_text("{")
    with pytest.raises(TableError, match="cannot be read as JSON"):
        load_benchmark(tmp_path)
    about.write_text(text.replace('"format": 2', '"format": 1'))
    with pytest.raises(TableError, match="in format 1"):
        load_benchmark(tmp_path)
    about.write_text(text)
    write_benchmark(tables_of(IMAGES[:2]), tmp_path / "other", notes={})
    (tmp_path / "other" / "images.parquet").replace(tmp_path / "images.parquet")
    with pytest.raises(TableError, match=r"test images with the digest .* found"):
        load_benchmark(tmp_path)


def test_a_benchmark_that_was_read_survives_the_disk(
    made: Path, tmp_path: Path
) -> None:
    tables = read_benchmark("siim", config=BenchmarksConfig(), root=made / "siim")

    write_benchmark(tables, tmp_path, notes={})
    benchmark = load_benchmark(tmp_path)

    assert benchmark.segmentation_target == "Pneumothorax"
    assert benchmark.masks.equals(tables.benchmark.masks.sort("image_id"))
    assert benchmark.truth(benchmark.part("train")).shape == (
        len(benchmark.part("train")),
        1,
    )
