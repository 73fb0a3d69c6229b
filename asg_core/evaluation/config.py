"""Which encoders are evaluated, on which benchmarks, under which protocols."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from asg_core.benchmarks.registry import BenchmarksConfig
from asg_core.models.config import ImageEncoderConfig
from asg_core.settings import Device, Precision, Settings

_NAME = r"^[a-z0-9][a-z0-9_]*$"
_SLOT = "{}"

Protocol = Literal[
    "linear-cached",
    "segmentation-cached",
    "segmentation-cached-quick",
    "mgca-linear",
    "mgca-segmentation",
    "zero-shot-tags",
    "zero-shot-prompts",
]
"""How a benchmark is used. Scores of two protocols are never comparable, so what a
protocol fixes is a constant beside its code, and a change of it needs another name."""

_OF_PATCHES = frozenset({"segmentation-cached", "segmentation-cached-quick"})

_NEEDED: dict[str, tuple[frozenset[str], ...]] = {
    "run": (frozenset({"run"}),),
    "checkpoint": (frozenset({"path"}),),
    "timm": (frozenset({"image_encoder"}),),
    "transformers": (frozenset({"path"}),),
    "random": (frozenset({"run"}), frozenset({"image_encoder"})),
    "pixels": (frozenset(),),
}
"""For each kind, the keys it needs: one of the sets, and none of the other keys."""


class EncoderConfig(Settings):
    """One image encoder, whose weights no protocol changes."""

    kind: Literal["run", "checkpoint", "timm", "transformers", "random", "pixels"]
    """Where it comes from. `run`: a pre-training run of this configuration. `checkpoint`:
    the folder of any run. `timm`: an encoder of timm, from its hub or a file.
    `transformers`: the folder of a ViT, DINOv2, CLIP, SigLIP or Swin of transformers.
    `random`: an architecture with fresh weights, batch norms fitted to the benchmark's
    training images. `pixels`: the grey values themselves. The last two are floors."""

    run: str | None = None
    """Name in `pretraining.runs`, of kind `run` and, for its architecture, `random`."""

    path: Path | None = None
    """Folder with model.safetensors and run.json, of kind `checkpoint`; with config.json
    and weights, of kind `transformers`."""

    image_encoder: ImageEncoderConfig | None = None
    """The encoder of kind `timm`, with its weights, or the architecture of kind
    `random`."""

    size: int | None = Field(default=None, ge=16)
    """Side of the square that an encoder of kind `transformers` sees, in pixels. Null: as
    its config.json says."""

    mean: tuple[float, ...] | None = None
    """Mean that an encoder of kind `transformers` has subtracted from grey values in
    0 .. 1, one number or three. Null: as its preprocessor_config.json says."""

    std: tuple[float, ...] | None = None
    """Standard deviation to divide by; as `mean`."""

    resize: int | None = Field(default=None, ge=16)
    """Side that the cached square is scaled to before the central crop, in pixels. Null:
    as the run was trained; of an encoder that is no run's, 8/7 of its input (256 for
    224); of `pixels`, the cached square as it is."""

    thumbnail: int = Field(default=16, ge=2)
    """Cells each way of kind `pixels`: the mean grey values of the cells are its image
    features, the pixels of a cell its patch features."""

    seed: int = Field(default=0, ge=0)
    """Of the weights of kind `random`."""

    pretrained_on: tuple[str, ...] = ()
    """Data sets that the weights are known to have learnt from, by the names of the
    benchmarks where they are benchmarks; printed beside the scores."""

    @model_validator(mode="after")
    def _check_kind(self) -> "EncoderConfig":
        given = {
            key
            for key in ("run", "path", "image_encoder")
            if getattr(self, key) is not None
        }
        if given not in _NEEDED[self.kind]:
            expected = " or ".join(
                ", ".join(sorted(keys)) or "none" for keys in _NEEDED[self.kind]
            )
            raise ValueError(
                f"kind is '{self.kind}': expected of run, path and image_encoder only "
                f"{expected}, found {', '.join(sorted(given)) or 'none'}"
            )
        self._check_weights()
        self._check_folder_keys()
        key, size = ("size", self.size or 0)
        if self.image_encoder is not None:
            key, size = ("image_encoder.size", self.image_encoder.size)
        if self.resize is not None and self.resize < size:
            raise ValueError(
                f"resize ({self.resize}) is less than {key} ({size}): there would be "
                "nothing to crop; raise resize"
            )
        return self

    def _check_weights(self) -> None:
        """Refuse random weights that are not called so, and others that would be."""
        has_weights = self.image_encoder is not None and self.image_encoder.has_weights
        if self.kind == "timm" and not has_weights:
            raise ValueError(
                "kind is 'timm' and image_encoder names no weights, so that random ones "
                "would be scored: set image_encoder.pretrained to true, name a file in "
                "image_encoder.weights, or say kind: random"
            )
        if self.kind == "random" and has_weights:
            raise ValueError(
                "kind is 'random' and image_encoder names weights, which would not be "
                "read: say kind: timm, or leave out image_encoder.pretrained and "
                "image_encoder.weights"
            )

    def _check_folder_keys(self) -> None:
        given = [
            key for key in ("size", "mean", "std") if getattr(self, key) is not None
        ]
        if given and self.kind != "transformers":
            raise ValueError(
                f"kind is '{self.kind}': {', '.join(given)} belong to kind transformers; "
                "of other kinds they are keys of image_encoder, or of the run"
            )
        for key in ("mean", "std"):
            values = getattr(self, key)
            if values is not None and len(values) not in (1, 3):
                raise ValueError(
                    f"{key}: expected 1 or 3 numbers, one per channel, found "
                    f"{len(values)}"
                )
        if self.std is not None and min(self.std) <= 0:
            raise ValueError(f"std: expected numbers greater than 0, found {self.std}")


class PromptsConfig(Settings):
    """Sentences that images are compared with, in the joint space."""

    name: str = "chexzero"
    """What this set of templates is called beside the scores."""

    positive: tuple[str, ...] = ("{}",)
    """Templates of a sentence that says the target is there; {} is its name. For classes
    that exclude each other, the templates of each class."""

    negative: tuple[str, ...] = ("no {}",)
    """Templates of a sentence that denies it."""

    aggregation: Literal["mean-embedding", "mean-cosine"] = "mean-embedding"
    """How several templates become one: by the mean of their unit vectors, scaled to unit
    length again, or by the mean of the cosines."""

    temperature: float = Field(default=1.0, gt=0)
    """Divides the cosines before the softmax of the positive and the negative one."""

    phrases: dict[str, str] = {}
    """Names of targets in the templates, where they differ from those of the package:
    {Pleural_Thickening: thickening of the pleura}."""

    @model_validator(mode="after")
    def _check_templates(self) -> "PromptsConfig":
        for key in ("positive", "negative"):
            templates: tuple[str, ...] = getattr(self, key)
            bad = [template for template in templates if template.count(_SLOT) != 1]
            if not templates or bad:
                raise ValueError(
                    f"prompts.{key}: expected templates with one {_SLOT} for the name of "
                    f"the target, found {bad or 'none at all'}"
                )
        return self


class EvaluationConfig(Settings):
    """From encoders and benchmarks to scores and metrics."""

    benchmarks: BenchmarksConfig = BenchmarksConfig()
    """Where the benchmarks lie and how each is divided."""

    encoders: dict[str, EncoderConfig] = {
        "full": EncoderConfig(kind="run", run="full"),
        "random": EncoderConfig(kind="random", run="full"),
        "pixels": EncoderConfig(kind="pixels"),
    }
    """Encoders by name (lower case letters, digits, underscores)."""

    protocols: tuple[Protocol, ...] = (
        "linear-cached",
        "segmentation-cached",
        "zero-shot-tags",
        "zero-shot-prompts",
    )
    """Protocols to run. One that does not apply to an encoder or a benchmark is left out
    there, and the notes of the evaluation say why."""

    image_size: int = Field(default=256, ge=16)
    """Side of the cached squares of the benchmarks, in pixels."""

    fractions: tuple[float, ...] = (0.01, 0.1, 1.0)
    """Shares of the training images whose labels are used, ascending; a smaller share is
    part of every greater one of the same seed."""

    seeds: int = Field(default=3, ge=1)
    """Repetitions of each fraction: other images, other fits. The cached protocols run
    all images with the first seed only: a linear fit would come out the same, and what
    other first weights do to a decoder is not measured there."""

    bootstrap: int = Field(default=1000, ge=0)
    """Resamples of the patients of the test part for the 95 % intervals; 0: none."""

    prompts: PromptsConfig = PromptsConfig()
    """The sentences of the protocol `zero-shot-prompts`, which leaves them open."""

    batch_size: int = Field(default=64, ge=1)
    """Images of one forward pass of an encoder."""

    device: Device = "cpu"
    """Torch device: "cpu", "cuda" or "cuda:1"."""

    threads: int = Field(default=1, ge=1)
    """CPU threads of one job. Results depend on it in the last digits, so it is not taken
    from the machine."""

    precision: Precision = "fp32"
    """Arithmetic of the encoders' forward passes."""

    seed: int = Field(default=0, ge=0)
    """Of the resamples, and of the first repetition of the cached protocols; further
    repetitions count up. Those of MGCA begin with 42, which their names fix."""

    @property
    def needs_patches(self) -> bool:
        """Whether a protocol works on cached features of patches."""
        return bool(_OF_PATCHES & set(self.protocols))

    @model_validator(mode="after")
    def _check_names(self) -> "EvaluationConfig":
        for name in self.encoders:
            if not re.fullmatch(_NAME, name):
                raise ValueError(
                    f"encoders: expected names of lower case letters, digits and "
                    f"underscores, found '{name}'"
                )
        shares = self.fractions
        is_ascending = list(shares) == sorted(set(shares))
        if not shares or not is_ascending or shares[0] <= 0 or shares[-1] > 1:
            raise ValueError(
                "fractions: expected ascending numbers in 0 .. 1, without 0, each once, "
                f"found {shares}"
            )
        if len(set(self.protocols)) != len(self.protocols):
            raise ValueError(
                f"protocols: expected each once, found {list(self.protocols)}"
            )
        return self
