"""The resumable state of detector training: one file, replaced as a whole."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from asg_core.files import replacing
from asg_core.regions.network import Network

_FORMAT = 1
_NAME = "checkpoint.pt"


@dataclass(kw_only=True)
class Progress:
    """How far training has come: steps done, and what each of them lost."""

    losses: list[dict[str, float]] = field(default_factory=list)
    """One entry per step done, by loss name."""

    @property
    def step(self) -> int:
        """The 0-based number of the next step."""
        return len(self.losses)


def write_checkpoint(
    folder: Path,
    *,
    identity: str,
    network: Network,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Replace the checkpoint in `folder`; there is always a whole one.

    Args:
        folder: Made if missing.
        identity: What the state belongs to: configuration and data, as text.
        network: Its weights are saved.
        optimizer: Its moments are saved.
        progress: The steps done.
    """
    names = sorted(progress.losses[0]) if progress.losses else []
    values = [[step[name] for name in names] for step in progress.losses]
    state = {
        "format": _FORMAT,
        "identity": identity,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "loss_names": names,
        "losses": torch.tensor(values, dtype=torch.float64),
    }
    with replacing(folder / _NAME) as temporary:
        torch.save(state, temporary)


def read_checkpoint(
    folder: Path,
    *,
    identity: str,
    network: Network,
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Load the checkpoint in `folder` into the network and the optimizer, if any.

    Without a checkpoint nothing changes and no step is done.

    Raises:
        ValueError: If the checkpoint belongs to another configuration or other data.
    """
    path = folder / _NAME
    if not path.exists():
        return Progress()
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if (state["format"], state["identity"]) != (_FORMAT, identity):
        raise ValueError(
            f"{path}: expected the checkpoint of this configuration and these boxes, "
            f"found one of another. Delete {folder} to train anew, or restore the "
            "configuration to go on."
        )
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    names = state["loss_names"]
    return Progress(
        losses=[
            dict(zip(names, values, strict=True)) for values in state["losses"].tolist()
        ]
    )


def delete_checkpoint(folder: Path) -> None:
    """Remove the checkpoint: the run is complete, and the next one starts anew."""
    (folder / _NAME).unlink(missing_ok=True)
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
