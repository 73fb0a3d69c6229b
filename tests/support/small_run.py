"""A pre-training run of seconds, on the small corpus."""

from pathlib import Path
from typing import Any

from asg_core.training.config import PretrainingSettings
from asg_core.training.job import PretrainJob
from support.small_corpus import SIZE, TEXT, make_small_corpus

SETTINGS: dict[str, Any] = {
    "model": {
        "image_encoder": {
            "name": "vit_tiny_patch16_224",
            "options": {
                "patch_size": 8,
                "embed_dim": 16,
                "depth": 1,
                "num_heads": 2,
                "proj_drop_rate": 0.1,
            },
            "size": 24,
            "channels": 1,
        },
        "text_encoder": TEXT.model_dump(),
        "heads": {"hidden_width": 16, "width": 8},
        "tag_decoder": {"layers": 1, "heads": 2, "feedforward_width": 16},
    },
    "crop": {"resize": SIZE, "log_scale": 0.05, "brightness": 0.05},
    "optimizer": {"learning_rate": 3e-3, "warmup_share": 0.2},
    "batch_size": 5,
    "epochs": 3,
    "precision": "fp32",
    "seed": 7,
    "checkpoint_every": 2,
    "log_every": 2,
}
"""16 training images in batches of 5: 3 steps an epoch, 9 in all."""


def small_settings(**changes: Any) -> PretrainingSettings:  # noqa: ANN401
    """Return SETTINGS with other values of some keys of the first level."""
    return PretrainingSettings(**(SETTINGS | changes))


def make_small_job(
    folder: Path, *, num_validate: int = 8, settings: PretrainingSettings | None = None
) -> PretrainJob:
    """Write a small corpus to `folder`; return a job on it that writes there too."""
    corpus = make_small_corpus(folder, num_validate=num_validate)
    tables = {name: (path,) for name, path in corpus.write(folder).items()}
    return PretrainJob(
        run="small",
        pixels=(corpus.pixels,),
        **tables,
        tokenizer=corpus.tokenizer,
        views=("PA", "AP"),
        out=folder / "out",
        work=folder / "work",
        settings=settings or small_settings(),
    )
