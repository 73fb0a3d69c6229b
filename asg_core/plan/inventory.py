"""What lies in the folders that a run reads, as digests: taken while the graph is built.

An edited file then re-runs what is made of it. A job that is submitted to another machine
reads what the main process found, since a look at hundreds of thousands of files from
every node would be a storm.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from asg_core.benchmarks.reader_registry import benchmark_inventory
from asg_core.config import ConfigError
from asg_core.files import write_json
from asg_core.plan.run import RunPlan
from asg_core.sources.inventory import (
    check_annotations,
    check_source,
    inventories,
    inventory_annotations,
    inventory_synthetic_benchmark,
)
from asg_core.terms.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Digests of the files that a run reads."""

    images: dict[str, str]
    """Of the files that images and studies are read from, by shard."""

    reports: dict[str, str]
    """Of the files that reports are read from, by shard."""

    annotations: str | None
    """Of the annotated boxes; None where none are read."""

    benchmarks: dict[str, str]
    """By benchmark."""


def take_inventory(plan: RunPlan) -> Inventory:
    """Check the corpus, the annotations and the benchmarks, and digest their files.

    Raises:
        ConfigError: If something cannot be read; one sentence says what and why.
    """
    try:
        return _taken(plan)
    except (ValueError, OSError) as error:
        raise ConfigError(str(error)) from None


def save_inventory(plan: RunPlan, inventory: Inventory) -> None:
    """Leave the digests for the jobs of this run on other machines."""
    write_json(_file(plan), asdict(inventory))


def saved_inventory(plan: RunPlan) -> Inventory | None:
    """Return what the main process left; None where it is not of this configuration."""
    try:
        saved = Inventory(**json.loads(_file(plan).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    is_ours = sorted(saved.benchmarks) == sorted(plan.benchmarks)
    return saved if is_ours and list(saved.images) == plan.shard_names else None


def _taken(plan: RunPlan) -> Inventory:
    corpus, root = plan.project.corpus, Path(plan.source_root)
    check_source(config=corpus, root=root)
    annotations = _annotations(plan)
    parts = (
        inventories(config=corpus, root=root)
        if plan.project.has_corpus
        else {"images": {}, "reports": {}}
    )
    return Inventory(
        **parts,
        annotations=annotations,
        benchmarks={name: _benchmark(plan, name) for name in plan.benchmarks},
    )


def _annotations(plan: RunPlan) -> str | None:
    if Stage.READ_ANNOTATIONS not in plan.stages:
        return None
    config, root = plan.project.annotations, Path(plan.annotations_root)
    # Those of a synthetic corpus are made by the run.
    if not plan.is_synthetic or config.root is not None:
        check_annotations(config=config, root=root)
    return inventory_annotations(config=config, corpus=plan.project.corpus, root=root)


def _benchmark(plan: RunPlan, name: str) -> str:
    root = plan.benchmarks[name]
    if root is None:
        return inventory_synthetic_benchmark(Path(plan.source_root), benchmark=name)
    benchmarks = plan.project.evaluation.benchmarks
    return benchmark_inventory(name, config=benchmarks, root=root)


def _file(plan: RunPlan) -> Path:
    return Path(plan.results) / "inventory.json"
