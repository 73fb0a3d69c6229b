"""The folder of a trained model: written, loaded, and exported for timm and transformers."""

# Shape suffixes: F = findings, T = word pieces of their names

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from asg_core.files import replacing, write_json
from asg_core.models.asg import AsgModel
from asg_core.models.config import ModelConfig
from asg_core.models.image_encoder import build_image_encoder, network_options
from asg_core.models.text_encoder import (
    TextEncoder,
    cut_text_network,
    text_architecture,
    text_network_of,
)

RUN_KIND = "asg_model"
RUN_FORMAT = 1
"""Version of what `run.json` and `model.safetensors` hold."""

_OWN_KEYS = (
    "format",
    "kind",
    "model",
    "text_architecture",
    "vocabulary_size",
)
_SPECIAL_TOKENS = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


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
    description = {
        "format": RUN_FORMAT,
        "kind": RUN_KIND,
        "model": _settled(model).model_dump(mode="json"),
        "vocabulary_size": model.vocabulary_size,
        "text_architecture": text_architecture(_whole_text_network(model)),
        **run,
    }
    # A folder with an old run.json and new weights would pass for a complete one.
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").unlink(missing_ok=True)
    _write_tensors(model.state_dict(), folder / "model.safetensors")
    write_json(folder / "run.json", description)


def load_model(folder: Path) -> AsgModel:
    """Load a model from its folder, on the CPU and in evaluation mode.

    Nothing else is read: no model hub, no weights that the run started from. Torch's
    global generator is left as it was.

    Raises:
        FileNotFoundError: If the folder has no finished model.
        ValueError: If it holds something else, another format version, or weights that do
            not fit.
    """
    run = read_run(folder)
    path = folder / "model.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"load_model: '{folder}' has run.json but no model.safetensors; make the run "
            "again"
        )
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f"load_model: '{path}' is damaged ({error}); make the run again"
        ) from error
    for name in ("piece_FT", "is_piece_FT"):
        if name not in state:
            raise ValueError(
                f"load_model: '{path}' lacks the tensor '{name}'; name the folder of a "
                "pre-training run"
            )
    with torch.random.fork_rng([]):
        model = _rebuild(run, state)
    expected = model.state_dict()
    missing = sorted(expected.keys() - state.keys())
    unknown = sorted(state.keys() - expected.keys())
    if missing or unknown:
        raise ValueError(
            f"load_model: '{path}' does not fit its run.json: {len(missing)} tensors are "
            f"missing {missing[:2]}, {len(unknown)} have no place {unknown[:2]}; the two "
            "files are of different runs"
        )
    for name, value in expected.items():
        if value.shape != state[name].shape:
            raise ValueError(
                f"load_model: '{path}': expected '{name}' of shape {tuple(value.shape)}, "
                f"found {tuple(state[name].shape)}; the two files are of different runs"
            )
    model.load_state_dict(state)
    return model.eval()


def read_run(folder: Path) -> dict[str, Any]:
    """Return what run.json of a trained model says.

    Raises:
        FileNotFoundError: If the folder has none.
        ValueError: If it describes something else, is of another format version, or is
            damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"load_model: '{folder}' has no run.json, so it holds no finished model; "
            "name the folder of a run that has ended"
        )
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"load_model: '{path}' is damaged ({error}); make the run again"
        ) from error
    run: dict[str, Any] = found if isinstance(found, dict) else {}
    if run.get("kind") != RUN_KIND:
        raise ValueError(
            f"load_model: '{path}': expected a run of kind '{RUN_KIND}', found "
            f"{run.get('kind')!r}; name the folder of a pre-training run"
        )
    if run.get("format") != RUN_FORMAT:
        raise ValueError(
            f"load_model: '{path}': expected format {RUN_FORMAT}, found "
            f"{run.get('format')!r}; make the run again with this version, or load it with "
            "the version that made it"
        )
    return run


def export_image_encoder(model: AsgModel, folder: Path) -> None:
    """Write the image encoder as timm reads it: config.json and model.safetensors.

    Both `timm.create_model("local-dir:FOLDER", pretrained=True)` and
    `timm.create_model(architecture, checkpoint_path=..., num_classes=0, **model_args)`
    load it. timm does not normalise: the mean and standard deviation of grey values in
    0 .. 1 are in `pretrained_cfg`.
    """
    encoder = model.image_encoder
    config = model.config.image_encoder
    known = encoder.network.pretrained_cfg
    options = network_options(config)
    channels = encoder.channels
    # timm wants one number a channel, and so many channels in the statistics.
    mean, std = (
        [*values] if len(values) == channels else [*values] * channels
        for values in (encoder.mean, encoder.std)
    )
    description = {
        "architecture": known["architecture"],
        "num_classes": 0,
        "num_features": encoder.width,
        "model_args": {
            name: value for name, value in options.items() if name != "num_classes"
        },
        "pretrained_cfg": {
            "num_classes": 0,
            "input_size": [channels, encoder.size, encoder.size],
            "fixed_input_size": bool(known.get("fixed_input_size", False)),
            "mean": mean,
            "std": std,
            "first_conv": known.get("first_conv"),
            "classifier": known.get("classifier"),
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write_tensors(encoder.network.state_dict(), folder / "model.safetensors")
    write_json(folder / "config.json", description)


def export_text_encoder(model: AsgModel, folder: Path, *, tokenizer: Path) -> None:
    """Write the text encoder as transformers reads it: configuration, weights, tokenizer.

    `AutoModel.from_pretrained(FOLDER, add_pooling_layer=False)` and
    `AutoTokenizer.from_pretrained(FOLDER)` load it. An encoder that was trained without
    positions is written with equal positions, so that it reads in the same way there.

    Args:
        model: The model.
        folder: Where to; made if missing.
        tokenizer: The tokenizer.json of the run.

    Raises:
        FileNotFoundError: If there is no such tokenizer.
    """
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - takes seconds, and grey values as features need none

    if not tokenizer.is_file():
        raise FileNotFoundError(
            f"export_text_encoder: there is no tokenizer '{tokenizer}'; copy "
            "tokenizer.json beside model.safetensors"
        )
    encoder = model.text_encoder
    network = cut_text_network(encoder.network, num_layers=None)
    network.config.name_or_path = ""
    if encoder.drop_positions:
        position = network.embeddings.position_embeddings.weight
        position.data[:] = position.data[:1].clone()
    fast: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call] # theirs
        tokenizer_file=str(tokenizer)
    )
    vocabulary = fast.get_vocab()
    for role, names in _SPECIAL_TOKENS.items():
        for name in names:
            if name in vocabulary:
                setattr(fast, role, name)
    fast.model_max_length = encoder.max_pieces
    with replacing(folder) as temporary:
        network.save_pretrained(temporary)
        fast.save_pretrained(temporary)


def _settled(model: AsgModel) -> ModelConfig:
    """Return the configuration with what the names stood for when the model was built."""
    encoder = model.image_encoder
    image = model.config.image_encoder.model_copy(
        update={"mean": encoder.mean, "std": encoder.std}
    )
    return model.config.model_copy(update={"image_encoder": image})


def _whole_text_network(model: AsgModel) -> Any:  # noqa: ANN401 - transformers is untyped
    encoder = model.query_encoder or model.text_encoder
    return encoder.network


def _rebuild(run: dict[str, Any], state: dict[str, Tensor]) -> AsgModel:
    """Return the model of a description, with weights that are yet to be loaded."""
    config = ModelConfig(**run["model"])
    image = config.image_encoder.architecture
    text = config.text_encoder
    whole = text_network_of(run["text_architecture"])
    query_encoder = None
    if config.tag_decoder.queries == "frozen":
        query_encoder = TextEncoder(whole, config=text)
    text_encoder = TextEncoder(
        cut_text_network(whole, num_layers=text.num_layers),
        config=text,
        drop_positions=config.legacy.drop_positions,
    )
    return AsgModel(
        config,
        vocabulary_size=run["vocabulary_size"],
        image_encoder=build_image_encoder(image),
        text_encoder=text_encoder,
        query_encoder=query_encoder,
        piece_FT=state["piece_FT"],
        is_piece_FT=state["is_piece_FT"],
    )


def _write_tensors(state: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors under the name in one step; each owns its memory."""
    tensors = {
        name: value.detach().cpu().contiguous().clone() for name, value in state.items()
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
