"""A trained model in its folder: written and loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from asg_core.learning.run_folder import (
    PRETRAINED,
    WEIGHTS,
    fill,
    read_run,
    read_weights,
    write_run,
)
from asg_core.models.asg import AsgModel
from asg_core.models.build import assemble
from asg_core.models.config import ModelConfig
from asg_core.models.image_encoder import build_image_encoder
from asg_core.models.text_encoder import text_architecture, text_network_of

_OWN_KEYS = ("format", "kind", "model", "text_architecture", "vocabulary_size")


def save_model(model: AsgModel, run: Mapping[str, Any], *, folder: Path) -> None:
    """Write model.safetensors, then run.json, each under its name in one step.

    A folder that has run.json is complete. What is needed to build the model again
    without a model hub is written beside what `run` says.

    Args:
        model: The model.
        run: Further keys of run.json, as plain values.
        folder: Where to; made if missing.

    Raises:
        ValueError: If `run` has a key that the model writes itself.
    """
    clashes = sorted(set(_OWN_KEYS) & run.keys())
    if clashes:
        raise ValueError(
            f"save_model: run.json has keys {clashes} of its own; drop them"
        )
    whole = model.query_encoder or model.text_encoder
    description = {
        "model": _settled(model).model_dump(mode="json"),
        "vocabulary_size": model.vocabulary_size,
        "text_architecture": text_architecture(whole.network),
        **run,
    }
    write_run(
        folder,
        model.state_dict(),
        description,
        kind=PRETRAINED,
        metadata={"format": "pt"},
    )


def load_model(folder: Path) -> AsgModel:
    """Load a model from its folder, on the CPU and in evaluation mode.

    Nothing else is read: no model hub, no weights that the run started from. Torch's
    global generator is left as it was.

    Raises:
        FileNotFoundError: If the folder has no finished model.
        ValueError: If it holds something else, another format version, or weights that do
            not fit.
    """
    run = read_run(folder, kind=PRETRAINED)
    weights = read_weights(folder, kind=PRETRAINED)
    path = folder / WEIGHTS
    for name in ("piece_FT", "is_piece_FT"):
        if name not in weights:
            raise ValueError(
                f"{path}: expected the weights of a pre-trained model, found no tensor "
                f"'{name}'; name the folder of a pre-training run"
            )
    config = ModelConfig(**run["model"])
    with torch.random.fork_rng([]):
        model = assemble(
            config,
            vocabulary_size=run["vocabulary_size"],
            image_encoder=build_image_encoder(config.image_encoder.architecture),
            text_network=text_network_of(run["text_architecture"]),
            piece_FT=weights["piece_FT"],
            is_piece_FT=weights["is_piece_FT"],
        )
    fill(model, weights, path=path)
    return model.eval()


def _settled(model: AsgModel) -> ModelConfig:
    """Return the configuration with what the names stood for when the model was built."""
    encoder = model.image_encoder
    image = model.config.image_encoder.model_copy(
        update={"mean": encoder.mean, "std": encoder.std}
    )
    return model.config.model_copy(update={"image_encoder": image})
