"""All benchmarks, by name. A new one is a folder beside this module and a line in here.

Imports the standard library and pydantic only, because the configuration is composed and
benchmarks are looked for while the job graph is built.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field, create_model

from asg_core.benchmarks.chexpert.spec import SPEC as CHEXPERT
from asg_core.benchmarks.covidx.spec import SPEC as COVIDX
from asg_core.benchmarks.nih.spec import SPEC as NIH
from asg_core.benchmarks.rsna.spec import SPEC as RSNA
from asg_core.benchmarks.siim.spec import SPEC as SIIM
from asg_core.benchmarks.spec import BenchmarkConfig, BenchmarkSpec
from asg_core.settings import Settings

BENCHMARKS: Mapping[str, BenchmarkSpec] = {
    spec.name: spec
    for spec in (
        NIH,
        CHEXPERT,
        RSNA,
        COVIDX,
        SIIM,
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
