"""All benchmarks, by name. A new one is a module beside this one and a line in here.

Imports the standard library and pydantic only, because the configuration is composed and
benchmarks are looked for while the job graph is built.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model

from asg_core.benchmarks import chexpert, covidx, nih, rsna, siim
from asg_core.benchmarks.layout import Layout, digest_files
from asg_core.benchmarks.spec import BenchmarkConfig, BenchmarkSpec
from asg_core.settings import Settings
from asg_core.sources.reading.files import SourceError, require_folder

BENCHMARKS: Mapping[str, BenchmarkSpec[Any]] = {
    spec.name: spec
    for spec in (
        nih.SPEC,
        chexpert.SPEC,
        rsna.SPEC,
        covidx.SPEC,
        siim.SPEC,
    )
}


class _AllBenchmarks(Settings):
    """The benchmarks that encoders are evaluated on; a synthetic run makes its own."""

    inventory: Literal["files", "index"] = "files"
    """What is looked at to see that a benchmark changed: the size and time of every file,
    or of the label files and lists only. `index` is for slow network disks: a replaced
    image is then not noticed."""

    def of(self, name: str) -> BenchmarkConfig:
        """Return the section of one benchmark."""
        section: BenchmarkConfig = getattr(self, name)
        return section


if TYPE_CHECKING:
    BenchmarksConfig = _AllBenchmarks
else:
    BenchmarksConfig = create_model(
        "BenchmarksConfig",
        __base__=_AllBenchmarks,
        __doc__=_AllBenchmarks.__doc__,
        **{
            spec.name: (
                spec.config,
                Field(default=spec.config(), description=spec.about),
            )
            for spec in BENCHMARKS.values()
        },
    )


def shared_patients(name: str) -> frozenset[str]:
    """Return the other benchmarks that have images of the same patients as this one.

    A name that is no benchmark shares none.
    """
    if name not in BENCHMARKS:
        return frozenset()
    naming = {
        spec.name for spec in BENCHMARKS.values() if name in spec.shares_patients_with
    }
    return BENCHMARKS[name].shares_patients_with | naming


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
    layout = BENCHMARKS[name].find(config.of(name), root)
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
