"""Read any benchmark from its folder as distributed."""

import logging
from collections import Counter
from pathlib import Path

import polars as pl

from asg_core.benchmarks.form import STAGE, Benchmark, ReadBenchmark
from asg_core.benchmarks.gather import BenchmarkReading, Gathering
from asg_core.benchmarks.reader_registry import READERS, find_benchmark
from asg_core.benchmarks.registry import BENCHMARKS, BenchmarksConfig
from asg_core.benchmarks.splits import PARTS
from asg_core.sources.reading.files import SourceError
from asg_core.sources.rejects import RejectLog
from asg_core.tables.catalog import (
    BENCHMARK_BOXES,
    BENCHMARK_IMAGES,
    BENCHMARK_LABELS,
    BENCHMARK_MASKS,
)

logger = logging.getLogger(__name__)


def read_benchmark(
    name: str, *, config: BenchmarksConfig, root: Path, require_images: bool = True
) -> ReadBenchmark:
    """Read a benchmark: its images with their sizes and parts, labels, boxes and masks.

    What cannot be used is in the rejects, of the stage `read_benchmark`; judging their
    share is the caller's part. Image files that no label names are counted in the notes.

    Args:
        name: The benchmark.
        config: The benchmarks; the roots in it are not read, `root` is.
        root: Folder of the benchmark.
        require_images: False reads the label files alone: every image that they name
            counts as there, at the place that the layout gives it, and has no size.

    Raises:
        SourceError: If the dataset is not laid out as the configuration says, if the
            split cannot be drawn from it, or if a part has no image.
    """
    gathering = Gathering(
        root=root,
        layout=find_benchmark(
            name, config=config, root=root, require_images=require_images
        ),
        require_images=require_images,
        rejects=RejectLog(STAGE),
    )
    reading = READERS[name].read(gathering, config.of(name))
    num_images: Counter[object] = Counter(dict.fromkeys(PARTS, 0))
    num_images.update(row["split"] for row in gathering.images)
    logger.info(
        "%s, split %s: %s images; rejected %s; counted %s",
        name,
        reading.recipe,
        dict(num_images),
        gathering.rejects.counts(),
        dict(sorted(gathering.counts.items())),
    )
    if not all(num_images.values()):
        raise SourceError(
            f"{root}: expected images in every part of the split {reading.recipe}, found "
            f"{dict(num_images)}; rejected were {gathering.rejects.counts()}. Complete the "
            f"dataset, or choose another {name}.split."
        )
    return _tables(name, gathering=gathering, reading=reading)


def _tables(
    name: str, *, gathering: Gathering, reading: BenchmarkReading
) -> ReadBenchmark:
    """Return what was gathered in the one form of every benchmark."""
    spec = BENCHMARKS[name]
    rejects = gathering.rejects.frame()
    return ReadBenchmark(
        benchmark=Benchmark(
            name=name,
            split=reading.split,
            recipe=reading.recipe,
            num_listed={part: len(reading.divided.get(part, ())) for part in PARTS},
            images=BENCHMARK_IMAGES.frame(gathering.images),
            labels=pl.DataFrame(
                gathering.labels, schema=dict(BENCHMARK_LABELS.columns)
            ),
            boxes=BENCHMARK_BOXES.frame(gathering.boxes),
            masks=BENCHMARK_MASKS.frame(gathering.masks),
            targets=reading.targets,
            is_exclusive=spec.is_exclusive,
            segmentation_target=spec.segmentation_target,
            notes={**reading.notes, **dict(sorted(gathering.counts.items()))},
        ),
        rejects=rejects,
        num_items=len(gathering.images) + len(rejects),
    )
