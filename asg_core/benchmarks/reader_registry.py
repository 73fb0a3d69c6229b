"""The readers of all benchmarks: where the files of each lie, and what is read of them.

Imports the standard library and pydantic only, because benchmarks are looked for while the
job graph is built. A new benchmark has a line in `READERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from asg_core.benchmarks.chexpert.read import find_chexpert, read_chexpert
from asg_core.benchmarks.covidx.read import find_covidx, read_covidx
from asg_core.benchmarks.gather import BenchmarkReading, Gathering
from asg_core.benchmarks.layout import Layout, digest_files
from asg_core.benchmarks.nih.read import find_nih, read_nih
from asg_core.benchmarks.registry import BenchmarksConfig
from asg_core.benchmarks.rsna.read import find_rsna, read_rsna
from asg_core.benchmarks.siim.read import find_siim, read_siim
from asg_core.benchmarks.spec import BenchmarkConfig
from asg_core.sources.reading.files import SourceError, require_folder

Config = TypeVar("Config", bound=BenchmarkConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkReader(Generic[Config]):
    """How one benchmark is read."""

    find: Callable[[Config, Path], Layout]
    """Finds the files below a root, from names and headers alone; it raises SourceError
    where the dataset is not laid out as it is distributed."""

    read: Callable[[Gathering, Config], BenchmarkReading]
    """Fills a gathering with the images, labels, boxes and masks of a layout."""


READERS: Mapping[str, BenchmarkReader[Any]] = {
    "nih": BenchmarkReader(find=find_nih, read=read_nih),
    "chexpert": BenchmarkReader(find=find_chexpert, read=read_chexpert),
    "rsna": BenchmarkReader(find=find_rsna, read=read_rsna),
    "covidx": BenchmarkReader(find=find_covidx, read=read_covidx),
    "siim": BenchmarkReader(find=find_siim, read=read_siim),
}


def find_benchmark(
    name: str, *, config: BenchmarksConfig, root: Path, require_images: bool = True
) -> Layout:
    """Return where the files of a benchmark lie; it reads headers only.

    Args:
        name: The benchmark.
        config: The benchmarks; the roots in it are not read, `root` is.
        root: Folder of the benchmark.
        require_images: False allows that there is no folder of images.

    Raises:
        SourceError: If a folder, a file or a column is missing.
    """
    key = f"{name}.root"
    require_folder(root, holds=f"the benchmark {name}", key=key)
    layout = READERS[name].find(config.of(name), root)
    if require_images and layout.missing_folders:
        raise SourceError(
            f"{root}: expected the image folders {list(layout.missing_folders)}, found "
            f"none of them. Set {key} to the folder of the dataset as it was distributed."
        )
    return layout


def benchmark_inventory(name: str, config: BenchmarksConfig, root: Path) -> str:
    """Return a digest of the names, sizes and times of a benchmark's files.

    With `inventory: index` the label files and lists count alone. No file is opened but
    for its header. The arguments are those of `find_benchmark`.

    Raises:
        SourceError: If the benchmark is not laid out as the configuration says.
    """
    layout = find_benchmark(name, config=config, root=root)
    return digest_files(layout, root=root, has_images=config.inventory == "files")
