"""The synthetic benchmarks in a folder, small, and what plain tools read in it."""

import csv
from pathlib import Path

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.make import make_synthetic

SIDE = 64
"""Width and height of the images."""


def small_world(**sizes: int) -> SyntheticConfig:
    """Return a world of one patient and of 24 images a benchmark, or as many as told."""
    return SyntheticConfig(
        patients=1,
        broken_files=0,
        image_size=80,
        benchmark_image_size=SIDE,
        benchmark_images=24,
        benchmarks=sizes,
    )


def make_benchmarks(folder: Path, *, config: SyntheticConfig) -> Path:
    """Make a world in `folder`, and return the folder of its benchmarks."""
    make_synthetic(
        config=config,
        root=folder / "source",
        truth=folder / "truth",
        num_shards=1,
        num_processes=1,
    )
    return folder / "source" / "benchmarks"


def rows_in(path: Path) -> list[list[str]]:
    """Return the cells of a csv, the header first."""
    with path.open(newline="") as lines:
        return list(csv.reader(lines))


def files_in(folder: Path) -> set[str]:
    """Return the files below a folder, relative to it."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    }
