"""What lies in a folder that transformers wrote, and whether its parts belong together.

Asked before the first job too, so nothing heavy is imported here.
"""

from pathlib import Path

CONFIGURATION = "config.json"

VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)
"""Files of which a tokenizer needs one."""

_LEAST_SHARE = 0.8
"""Of an encoder's table of pieces that its vocabulary fills at least; tables are padded to
round numbers, by a few per cent."""

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_DESCRIPTIONS = (
    CONFIGURATION,
    "preprocessor_config.json",
    "processor_config.json",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
)


def weight_files(folder: Path) -> list[Path]:
    """Return the files of weights in a folder, sorted; none where it is no folder."""
    return sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern))


def transformers_files(folder: Path) -> list[Path]:
    """Return the files that an image encoder is loaded from.

    A configuration that is not there is among them, so that it is missed.
    """
    found = [folder / name for name in _DESCRIPTIONS if (folder / name).is_file()]
    return sorted({folder / CONFIGURATION, *found, *weight_files(folder)})


def missing_parts(folder: Path, *, with_vocabulary: bool) -> list[str]:
    """Return what a folder lacks to be loaded as an encoder, in words.

    Args:
        folder: With config.json and weights.
        with_vocabulary: Whether a tokenizer has to be there too.
    """
    if not folder.is_dir():
        return ["the folder itself"]
    missing = []
    if not (folder / CONFIGURATION).is_file():
        missing.append(CONFIGURATION)
    if not weight_files(folder):
        missing.append("weights (model.safetensors or pytorch_model.bin)")
    if with_vocabulary and not any((folder / name).is_file() for name in VOCABULARIES):
        missing.append("a vocabulary (tokenizer.json, vocab.txt or vocab.json)")
    return missing


def check_vocabulary_size(
    found: int, *, of_encoder: int | None, name: str, where: str
) -> None:
    """Refuse a vocabulary that is much smaller than the encoder's table of pieces.

    A folder without its vocabulary gives a tokenizer of the special pieces alone, to
    which every word is unknown.

    Args:
        found: Pieces of the tokenizer.
        of_encoder: Rows of the encoder's table; None if it does not say.
        name: What the configuration calls the encoder.
        where: The section of the configuration, for the message.

    Raises:
        ValueError: Then.
    """
    if of_encoder is not None and found < _LEAST_SHARE * of_encoder:
        raise ValueError(
            f"{where}.name: '{name}' has a tokenizer of {found} pieces and an encoder "
            f"of {of_encoder}, so that the words of most would be [UNK]; put the "
            "vocabulary that belongs to it (tokenizer.json, vocab.txt, or vocab.json and "
            "merges.txt) beside its weights"
        )
