"""Read any benchmark from its folder as distributed."""

from pathlib import Path

from asg_core.benchmarks.chexpert import read_chexpert
from asg_core.benchmarks.config import BenchmarkName, BenchmarksConfig
from asg_core.benchmarks.covidx import read_covidx
from asg_core.benchmarks.form import BenchmarkTables
from asg_core.benchmarks.gather import Gathering
from asg_core.benchmarks.layouts import find_benchmark
from asg_core.benchmarks.nih import read_nih
from asg_core.benchmarks.rsna import read_rsna
from asg_core.benchmarks.siim import read_siim


def read_benchmark(
    name: BenchmarkName,
    *,
    config: BenchmarksConfig,
    root: Path,
    require_images: bool = True,
) -> BenchmarkTables:
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
        name=name,
        root=root,
        layout=find_benchmark(
            name, config=config, root=root, require_images=require_images
        ),
        require_images=require_images,
    )
    match name:
        case "nih":
            return read_nih(gathering, config=config.nih)
        case "chexpert":
            return read_chexpert(gathering, config=config.chexpert)
        case "rsna":
            return read_rsna(gathering, config=config.rsna)
        case "covidx":
            return read_covidx(gathering, config=config.covidx)
        case "siim":
            return read_siim(gathering, config=config.siim)
