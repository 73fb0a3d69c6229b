"""The folder of a finished training: its description, written last, and its weights.

Folders are looked at before the first job too, so a framework is imported only where
weights are read or written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asg_core.files import replacing, write_json

if TYPE_CHECKING:
    from torch import Tensor, nn

DESCRIPTION = "run.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
HISTORY_FILE = "history.parquet"

RUN_FILES = (DESCRIPTION, WEIGHTS, TOKENIZER)
"""What the folder of a pre-training run must hold to be an encoder."""

_SHOWN = 2
"""Names of tensors that a message gives of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKind:
    """What a folder can be the result of."""

    name: str
    """As run.json says it."""

    format: int
    """Version of what run.json and the weights hold."""

    noun: str
    """What messages call it."""


DETECTOR = RunKind(name="region_detector", format=1, noun="a detector")
PRETRAINED = RunKind(name="asg_model", format=1, noun="a pre-trained model")


def write_run(
    folder: Path,
    weights: Mapping[str, "Tensor"],
    description: Mapping[str, Any],
    *,
    kind: RunKind,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write the weights, then run.json, each under its name in one step.

    A folder that has run.json is complete: an earlier one goes first.

    Args:
        folder: Made if missing.
        weights: What `state_dict` returns.
        description: Plain values, without `kind` and `format`.
        kind: What is described.
        metadata: Of the file of weights.
    """
    path = folder / DESCRIPTION
    path.unlink(missing_ok=True)
    write_weights(weights, folder / WEIGHTS, metadata=metadata)
    write_json(path, {"format": kind.format, "kind": kind.name, **description})


def read_run(folder: Path, *, kind: RunKind) -> dict[str, Any]:
    """Return what run.json of a finished training says.

    Raises:
        FileNotFoundError: If the folder has none.
        ValueError: If it is damaged, describes something else, or is of another format.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder}: expected the description of {kind.noun}, found no {DESCRIPTION}. "
            "Name the folder of a training that has ended."
        )
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path}: expected JSON, found a damaged file ({error}). Make it again."
        ) from error
    run: dict[str, Any] = found if isinstance(found, dict) else {}
    stated = (run.get("kind"), run.get("format"))
    if stated != (kind.name, kind.format):
        raise ValueError(
            f"{path}: expected '{kind.name}' format {kind.format}, found {stated[0]!r} "
            f"format {stated[1]!r}. Name the folder of {kind.noun}, or make it again with "
            "this release."
        )
    return run


def weights_path(folder: Path, *, kind: RunKind) -> Path:
    """Return where the weights lie.

    Raises:
        FileNotFoundError: If they are not there.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected the weights of {kind.noun}, found no file. Make it again."
        )
    return path


def read_weights(folder: Path, *, kind: RunKind) -> dict[str, "Tensor"]:
    """Return the weights by name.

    Raises:
        FileNotFoundError: If they are not there.
        ValueError: If their file is damaged.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - loads torch
    from safetensors.torch import load_file  # noqa: PLC0415 - loads torch

    path = weights_path(folder, kind=kind)
    try:
        weights: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f"{path}: expected the weights of {kind.noun}, found a damaged file "
            f"({error}). Make it again."
        ) from error
    return weights


def write_weights(
    weights: Mapping[str, "Tensor"],
    path: Path,
    *,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write tensors under the name in one step."""
    from safetensors.torch import save_file  # noqa: PLC0415 - loads torch

    # Copies: the file has no place for tensors that share their memory.
    tensors = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in weights.items()
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)


def fill(model: "nn.Module", weights: Mapping[str, "Tensor"], *, path: Path) -> None:
    """Give a model its weights.

    Args:
        model: Built as the description beside the weights says.
        weights: What `read_weights` returned.
        path: Where they are from, for messages.

    Raises:
        ValueError: If some are missing, have no place, or have another shape.
    """
    own = model.state_dict()
    problems = []
    for names, what in (
        (own.keys() - weights.keys(), "are missing"),
        (weights.keys() - own.keys(), "have no place"),
    ):
        if names:
            problems.append(f"{len(names)} tensors {what}, as {sorted(names)[:_SHOWN]}")
    problems += [
        f"'{name}' is of shape {tuple(weights[name].shape)} and not {tuple(value.shape)}"
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    ][:_SHOWN]
    if problems:
        raise ValueError(
            f"{path}: expected the weights of what {DESCRIPTION} beside it describes, "
            f"found others: {'; '.join(problems)}. The two files are of different runs."
        )
    model.load_state_dict(dict(weights))
