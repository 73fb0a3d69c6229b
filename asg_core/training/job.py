"""What one pre-training run reads and writes, as a value that fits into a JSON file."""

from pathlib import Path

from asg_core.settings import Settings
from asg_core.training.config import PretrainingSettings


class PretrainJob(Settings):
    """One run: its inputs, its settings, and where its results go."""

    run: str
    """Name of the run; it is written into run.json."""

    pixels: tuple[Path, ...]
    """Files of the table `pixels`."""

    images: tuple[Path, ...]
    """Files of the table `images`."""

    studies: tuple[Path, ...]
    """Files of the table `studies`."""

    tokens: tuple[Path, ...]
    """Files of the table `tokens`."""

    alignments: tuple[Path, ...]
    """Files of the table `alignments`."""

    tag_targets: tuple[Path, ...]
    """Files of the table `tag_targets`."""

    tokenizer: Path
    """The tokenizer.json that `tokens` were made with."""

    views: tuple[str, ...]
    """Views of the images that take part: those that were aligned."""

    out: Path
    """Folder of the result."""

    work: Path
    """Folder of checkpoints, which are no results."""

    settings: PretrainingSettings
    """How to train."""
