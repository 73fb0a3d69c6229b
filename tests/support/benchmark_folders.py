"""Benchmarks in folders that a test writes or damages, and what was read of them."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pytest

from asg_core.benchmarks.form import Benchmark, ReadBenchmark, digest_of
from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.reader_registry import find_benchmark
from asg_core.benchmarks.registry import BenchmarksConfig
from asg_core.sources.reading.files import SourceError
from asg_core.tables.catalog import SPLITS

Copied = Callable[[str], Path]
"""Copies one of the synthetic benchmarks, to be damaged."""

Parts = dict[str, tuple[int, int, str]]
"""Images, positive images and digest of the ids of each part."""

DEFAULTS = BenchmarksConfig()


def written(root: Path, files: dict[str, list[str]]) -> Path:
    """Write files of lines below `root`, and return it."""
    for name, lines in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    return root


def config_of(name: str, **settings: object) -> BenchmarksConfig:
    """Return the configuration in which one benchmark has settings of its own."""
    return BenchmarksConfig.model_validate({name: settings})


def read(name: str, root: Path, **settings: object) -> ReadBenchmark:
    """Read a benchmark with its images."""
    return read_benchmark(name, config=config_of(name, **settings), root=root)


def read_labels(name: str, root: Path, **settings: object) -> ReadBenchmark:
    """Read the label files of a benchmark alone."""
    config = config_of(name, **settings)
    return read_benchmark(name, config=config, root=root, require_images=False)


def reasons(found: ReadBenchmark) -> dict[str, str]:
    """Return why each item was rejected."""
    return dict(found.rejects.select("item_id", "reason").iter_rows())


def detail(found: ReadBenchmark, item_id: str) -> str:
    """Return the sentence of one reject."""
    rows = found.rejects.filter(pl.col("item_id") == item_id)
    sentence: str = rows["detail"].item()
    return sentence


def values(found: ReadBenchmark, image_id: str) -> dict[str, float]:
    """Return the labels of one image."""
    rows = found.benchmark.labels.filter(pl.col("image_id") == image_id)
    return dict(rows.select("target", "value").iter_rows())


def parts_of(benchmark: Benchmark) -> Parts:
    """Return what is known of published divisions."""
    positive = set(benchmark.labels.filter(pl.col("value") == 1)["image_id"])
    ids = {part: benchmark.part(part) for part in SPLITS}
    return {
        part: (len(ids[part]), len(positive & set(ids[part])), digest_of(ids[part]))
        for part in SPLITS
    }


def digest_in_order(image_ids: Sequence[str]) -> str:
    """Return the digest of ids in the order of a draw."""
    return blake2b("\n".join(image_ids).encode(), digest_size=8).hexdigest()


def shared_in_all(benchmark: Benchmark) -> set[int]:
    """Return the different numbers of images and patients that pairs of parts share."""
    return {number for pair in benchmark.overlaps.values() for number in pair.values()}


def expect_missed(name: str, root: Path, words: str) -> None:
    """Assert that a benchmark is refused with these words and the key of its root."""
    with pytest.raises(SourceError, match=rf"{words}[\s\S]*{name}\.root"):
        find_benchmark(name, config=DEFAULTS, root=root)
