"""Encoders of a trained model as folders that timm and transformers load."""

from pathlib import Path
from typing import Any

from asg_core.files import replacing, write_json
from asg_core.learning.run_folder import WEIGHTS, write_weights
from asg_core.models.asg import AsgModel
from asg_core.models.image_encoder import network_options

_OF_TORCH = {"format": "pt"}
"""What timm and transformers want a file of weights to say of itself."""

_SPECIAL_TOKENS = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


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
    write_weights(encoder.network.state_dict(), folder / WEIGHTS, metadata=_OF_TORCH)
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
    network = encoder.plain_network()
    network.config.name_or_path = ""
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
