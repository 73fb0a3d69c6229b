"""The resumable state of a training: files that are replaced as a whole.

What is random in a step depends on the seed and the number of the step only, so no state
of a random generator needs keeping.
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from asg_core.files import replacing

FORMAT = 1
"""Version of what a checkpoint holds."""

_PARTS = ("model", "optimizer", "progress")
_DAMAGE = (EOFError, OSError, RuntimeError, ValueError, pickle.UnpicklingError)
"""What torch raises on files that are cut, overwritten or of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """Where the state of one training lies, and what it belongs to."""

    work: Path
    """Folder of all trainings of a job; each has a folder of its own in there, so that a
    changed one starts anew and going back goes on where the first was stopped."""

    identity: str
    """Everything that decides the losses (settings, data, device), as text."""

    @property
    def folder(self) -> Path:
        """The folder of this training."""
        return self.work / blake2b(self.identity.encode(), digest_size=6).hexdigest()

    @property
    def path(self) -> Path:
        """The file of the latest state."""
        return self.folder / "checkpoint.pt"

    def write(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        progress: Mapping[str, Any],
        *,
        best_step: int | None = None,
    ) -> None:
        """Replace the state; a kill at any moment leaves a whole one.

        Args:
            model: Its weights and statistics are saved.
            optimizer: Its moments are saved.
            progress: Numbers, text and tensors, and lists and mappings of them.
            best_step: The best weights that the state speaks of; others are deleted.
        """
        state = {"format": FORMAT, "identity": self.identity}
        parts = (model.state_dict(), optimizer.state_dict(), dict(progress))
        _save(state | dict(zip(_PARTS, parts, strict=True)), self.path)
        for path in self.folder.glob("best-*.pt"):
            if path != self._best(best_step):
                path.unlink()

    def read(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> dict[str, Any] | None:
        """Load the state into the model and the optimizer, and return the progress.

        Returns:
            None, with nothing changed, where there is no checkpoint.

        Raises:
            ValueError: If the checkpoint is damaged, or of another format version, other
                settings or other data.
        """
        if not self.path.exists():
            return None
        state = self._load(self.path)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            found = state.get("format") if isinstance(state, dict) else None
            raise self._refused(
                f"a checkpoint of format {FORMAT}",
                f"{found!r}: another version of this project wrote it",
            )
        if state.get("identity") != self.identity:
            raise self._refused(
                "the checkpoint of these settings and these data", "one of others"
            )
        missing = [part for part in _PARTS if part not in state]
        if missing:
            raise self._refused(
                f"a checkpoint with {', '.join(_PARTS)}",
                f"none of {', '.join(missing)}: another version of this project wrote it",
            )
        try:
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise self._refused("the weights of this model", "others") from error
        progress: dict[str, Any] = state["progress"]
        return progress

    def write_best(self, model: nn.Module, step: int) -> None:
        """Keep the weights after `step` steps as the best; `write` must follow."""
        _save(model.state_dict(), self._best(step))

    def read_best(self, step: int) -> dict[str, Tensor]:
        """Return the weights that were the best after `step` steps.

        Raises:
            ValueError: If their file is damaged or missing.
        """
        state: dict[str, Tensor] = self._load(self._best(step))
        return state

    def delete(self) -> None:
        """Remove the state of this training, and folders that are thereby empty."""
        for pattern in ("checkpoint.pt", "best-*.pt", ".*.tmp"):
            for path in self.folder.glob(pattern):
                path.unlink()
        for folder in (self.folder, self.work):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

    def _best(self, step: int | None) -> Path:
        return self.folder / f"best-{step}.pt"

    def _load(self, path: Path) -> Any:  # noqa: ANN401 - whatever was saved
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except _DAMAGE as error:
            # Not the message of torch: it is long, and advises to load without care.
            raise self._refused(
                "a checkpoint", "a file that cannot be read", path=path
            ) from error

    def _refused(
        self, expected: str, found: str, *, path: Path | None = None
    ) -> ValueError:
        return ValueError(
            f"{path or self.path}: expected {expected}, found {found}. Delete "
            f"{self.folder} to train anew."
        )


def _save(state: object, path: Path) -> None:
    with replacing(path) as temporary:
        torch.save(state, temporary)
