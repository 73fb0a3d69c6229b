"""Whether a benchmark can be read, and a digest of its files: before the first job.

Imports the standard library and pydantic only, because the workflow asks while it builds
its job graph.
"""

from hashlib import blake2b
from pathlib import Path

from asg_core.benchmarks.config import BenchmarkName, BenchmarksConfig
from asg_core.benchmarks.layouts import find_benchmark, image_files
from asg_core.sources.reading.item_files import stat_or_none


def check_benchmark(name: BenchmarkName, config: BenchmarksConfig, root: Path) -> None:
    """Raise with one sentence unless a benchmark can be read; quick, reads headers only.

    Args:
        name: The benchmark.
        config: The benchmarks; the roots in it are not read, `root` is.
        root: Folder of the benchmark.

    Raises:
        SourceError: If a folder, a label file or a column is missing.
    """
    find_benchmark(name, config=config, root=root)


def benchmark_inventory(
    name: BenchmarkName, config: BenchmarksConfig, root: Path
) -> str:
    """Return a digest of the names, sizes and times of a benchmark's files.

    With `inventory: index` the label files and lists count alone. No file is opened but
    for its header. The arguments are those of `check_benchmark`.

    Raises:
        SourceError: If the benchmark is not laid out as the configuration says.
    """
    layout = find_benchmark(name, config=config, root=root)
    digest = blake2b(digest_size=16)
    files = [(key, path) for key, path in sorted(layout.files.items())]
    if config.inventory == "files":
        files += image_files(layout, root=root)
    for file, path in files:
        size, time = _size_and_time(path)
        digest.update(f"{file}\0{size}\0{time}\n".encode())
    return digest.hexdigest()


def _size_and_time(path: Path) -> tuple[int, int]:
    """Return bytes and nanoseconds; -1 and 0 for a link that leads nowhere."""
    about = stat_or_none(path)
    return (-1, 0) if about is None else (about.st_size, about.st_mtime_ns)
