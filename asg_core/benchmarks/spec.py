"""What the package knows about one benchmark, in the form that every data set fills.

Imports the standard library and pydantic only, as the modules of the data sets do, because
the configuration is composed of them and benchmarks are looked for while the job graph is
built.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from asg_core.settings import RejectShare, Settings


class BenchmarkConfig(Settings):
    """What the configuration of every benchmark has."""

    root: Path | None = None
    """Folder of the dataset as distributed; null leaves the benchmark out."""

    split: str
    """How the images are divided; every benchmark says which divisions it has."""

    max_reject_share: RejectShare = 0.05
    """Share of the items that may be rejected before the job stops."""


class DrawnSplitConfig(BenchmarkConfig):
    """The configuration of a benchmark whose validation patients can be drawn."""

    validate_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training patients that go to `validate`, in the splits that draw
    them."""

    seed: int = Field(default=0, ge=0)
    """Seed of the draw of the validation patients."""

    def draw_from(self, file: str) -> str:
        """Return what a recipe says about the draw of the validation patients."""
        return (
            f"validate: {self.validate_share:g} of the patients of {file}, seed "
            f"{self.seed}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkSpec:
    """One benchmark: what may be configured, and what is said about it elsewhere.

    How its files are read is known to `asg_core.benchmarks.reader_registry` alone, so that a change
    of a reader evaluates no encoder again.
    """

    name: str
    """Its key in the configuration, its folder among the results, and the column
    `benchmark` of the tables: lower-case letters, digits and underscores."""

    label: str
    """How people write its name."""

    about: str
    """One sentence for the documentation of the configuration."""

    config: type[BenchmarkConfig]
    """The keys of `evaluation.benchmarks.<name>`."""

    is_exclusive: bool = False
    """True: the targets are classes, of which each image has one."""

    segmentation_target: str | None = None
    """The target of the masks (or boxes, where there are no masks); None: it has none."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Target -> the finding that stands for it among the 40 tags, where that is not the
    target's name in lower case."""

    phrases: Mapping[str, str] = field(default_factory=dict)
    """Target -> what sentences call it, where that is not its name in lower case."""

    no_findings: frozenset[str] = frozenset()
    """Targets that are no finding, so that no tag and no sentence stands for them."""

    shares_patients_with: frozenset[str] = frozenset()
    """Other benchmarks with images of the same patients; it is enough that one of two
    names the other."""
