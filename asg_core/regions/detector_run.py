"""What a trained detector says of itself: `run.json`, read without any framework."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from asg_core.learning.run_folder import (
    DESCRIPTION,
    DETECTOR,
    read_run,
    weights_path,
)
from asg_core.regions.config import DetectorTrainingConfig, TrainedBackend
from asg_core.terms.regions import REGIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRun:
    """A trained detector as its description tells it."""

    backend: TrainedBackend
    size: int
    """Side of the model frame in pixels."""

    training: DetectorTrainingConfig
    """How it was trained, its architecture included."""


def read_detector_run(folder: Path) -> DetectorRun:
    """Read and check the description of the detector in `folder`.

    That the weights are there is checked, what they hold is not.

    Raises:
        FileNotFoundError: If the folder lacks a file of a detector.
        ValueError: If the description is of another format, for other regions, or of
            settings that this release does not know.
    """
    run = read_run(folder, kind=DETECTOR)
    path = folder / DESCRIPTION
    regions = run.get("regions", [])
    if regions != list(REGIONS):
        raise ValueError(
            f"{path}: expected a detector of the {len(REGIONS)} regions of "
            f"asg_core.terms.regions in their order, found {len(regions)} others "
            "or another order. Train the detector with this release."
        )
    weights_path(folder, kind=DETECTOR)
    return _checked(run, path=path)


def _checked(run: dict[str, Any], *, path: Path) -> DetectorRun:
    stated, size = run.get("backend"), run.get("size")
    backends: tuple[TrainedBackend, ...] = get_args(TrainedBackend)
    backend = next((name for name in backends if name == stated), None)
    if backend is None:
        raise ValueError(
            f"{path}: expected one of the backends {list(backends)}, found {stated!r}. "
            "Train the detector with this release."
        )
    if not isinstance(size, int):
        raise ValueError(  # noqa: TRY004 - of the file, not of an argument
            f"{path}: expected a size in pixels, found {size!r}. Train the detector again."
        )
    try:
        training = DetectorTrainingConfig.model_validate(run.get("training"))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(["training", *(str(part) for part in problem["loc"])])
        raise ValueError(
            f"{path}: expected the settings of this release, found another {key} "
            f"({problem['msg']}). Train the detector with this release."
        ) from error
    return DetectorRun(backend=backend, size=size, training=training)
