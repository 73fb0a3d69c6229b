"""The resumable state of a run: files that are replaced as a whole.

What is random in a step depends on the seed and the step only, so no state of a
generator needs keeping.
"""

import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asg_core.files import replacing
from asg_core.training.progress import Progress

FORMAT = 1
"""Version of what a checkpoint holds."""

_NAME = "checkpoint.pt"


def write_checkpoint(
    folder: Path,
    *,
    identity: str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Replace the checkpoint in `folder`; there is always a whole one.

    The best weights that the new one does not speak of are deleted.

    Args:
        folder: Made if missing.
        identity: What the state belongs to: settings and data, as text.
        model: Its weights and statistics are saved.
        optimizer: Its moments are saved.
        progress: The steps done, and the curves.
    """
    state = {
        "format": FORMAT,
        "identity": identity,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": asdict(progress),
    }
    _write(state, folder / _NAME)
    for path in folder.glob("best-*.pt"):
        if path != _best(folder, progress.best_step):
            path.unlink()


def read_checkpoint(
    folder: Path,
    *,
    identity: str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Load the checkpoint in `folder`, if any, into the model and the optimizer.

    Without a checkpoint nothing changes and no step is done.

    Raises:
        ValueError: If the checkpoint is damaged, or of another format version, other
            settings or other data.
    """
    path = folder / _NAME
    if not path.exists():
        return Progress()
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{path}: expected a checkpoint, found a file that cannot be read: {error}. "
            f"Delete {folder} to train anew."
        ) from error
    if state.get("format") != FORMAT:
        raise ValueError(
            f"{path}: expected a checkpoint of format {FORMAT}, found "
            f"{state.get('format')!r}: another version of this project wrote it. Delete "
            f"{folder} to train anew, or go on with that version."
        )
    if state["identity"] != identity:
        raise ValueError(
            f"{path}: expected the checkpoint of these settings and this corpus, found "
            f"one of others. Delete {folder} to train anew."
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    progress = Progress(**state["progress"])
    progress.points = [(step, name, value) for step, name, value in progress.points]
    return progress


def write_best(folder: Path, *, model: nn.Module, step: int) -> None:
    """Keep the weights after `step` steps as the best; the checkpoint must follow."""
    path = _best(folder, step)
    _write(model.state_dict(), path)


def read_best(folder: Path, *, step: int) -> dict[str, Tensor]:
    """Return the weights that were the best after `step` steps."""
    state: dict[str, Tensor] = torch.load(
        _best(folder, step), map_location="cpu", weights_only=True
    )
    return state


def delete_checkpoint(folder: Path) -> None:
    """Remove all state: the run is complete, and the next one starts anew."""
    for path in (folder / _NAME, *folder.glob("best-*.pt"), *folder.glob(".*.tmp")):
        path.unlink(missing_ok=True)
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def _best(folder: Path, step: int | None) -> Path:
    return folder / f"best-{step}.pt"


def _write(state: Any, path: Path) -> None:  # noqa: ANN401 - what torch.save takes
    with replacing(path) as temporary:
        torch.save(state, temporary)
