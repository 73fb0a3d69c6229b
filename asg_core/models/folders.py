"""What lies in a folder that transformers wrote, told by the names of its files alone.

Asked before the first job, so nothing heavy is imported here.
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
