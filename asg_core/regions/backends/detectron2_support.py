"""What detectron2 can build, and whether it is there: asked before the first job.

Imports no framework: the same words are said while the graph of jobs is built and by the
backend itself.
"""

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec

from asg_core.regions.config import (
    ArchitectureConfig,
    Backbone,
    DetectorTrainingConfig,
)

DEPTHS = {Backbone.RESNET18: 18, Backbone.RESNET34: 34, Backbone.RESNET50: 50}
"""detectron2's depths of the backbones that it has."""

NORMS = {"group": "GN", "batch": "BN"}
"""detectron2's names of the norms that learn from scratch."""

INSTALL = (
    "It is not on the package index: `make detectron2` builds it from its public source "
    "into .venv, which takes some minutes and a C++ compiler (docs/pipeline.md)"
)
"""How it is installed, as the end of a sentence about its absence."""

_GROUPS = 32
_INSTEAD = "or set regions.backend to 'torchvision'"


def detectron2_is_missing() -> str | None:
    """Return a sentence if detectron2 is not installed."""
    if find_spec("detectron2") is not None:
        return None
    return (
        "regions.backend: 'detectron2' needs the package detectron2, which is not "
        f"installed. {INSTALL}; {_INSTEAD}."
    )


def detectron2_problems(training: DetectorTrainingConfig) -> Iterator[str]:
    """Yield a sentence for each setting of a training that detectron2 cannot follow."""
    yield from architecture_problems(training.architecture)
    if training.backbone_weights is not None:
        yield (
            "regions.training.backbone_weights: only the torchvision backend reads them, "
            f"found '{training.backbone_weights}' with backend 'detectron2'; set "
            f"backbone_weights to null, {_INSTEAD}."
        )


def architecture_problems(architecture: ArchitectureConfig) -> Iterator[str]:
    """Yield a sentence for each part of a network that detectron2 cannot build."""
    key = "regions.training.architecture"
    if architecture.backbone not in DEPTHS:
        yield (
            f"{key}.backbone: the detectron2 backend has "
            f"{[str(name) for name in DEPTHS]}, found '{architecture.backbone}'; take one "
            f"of them, {_INSTEAD}."
        )
    if architecture.norm not in NORMS:
        yield (
            f"{key}.norm: the detectron2 backend has {list(NORMS)}, found "
            f"'{architecture.norm}'; take one of them, {_INSTEAD}."
        )
    if architecture.norm == "group" and architecture.pyramid_width % _GROUPS:
        yield (
            f"{key}.pyramid_width: detectron2's norm 'group' has {_GROUPS} groups and needs "
            f"a multiple of {_GROUPS}, found {architecture.pyramid_width}; change it, set "
            f"norm to 'batch', {_INSTEAD}."
        )


def detectron2_version() -> str:
    """Return its version, with the commit where it was built from a repository.

    Every build of the last years says 0.6, so that alone tells little. A checkout that was
    never installed has none: "unknown".
    """
    try:
        package = distribution("detectron2")
    except PackageNotFoundError:
        return "unknown"
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    commit = origin.get("vcs_info", {}).get("commit_id")
    return package.version if commit is None else f"{package.version}+{commit[:12]}"
