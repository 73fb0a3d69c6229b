"""How the encoders are pre-trained, and which runs an invocation makes."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from asg_core.images.resample import Resample
from asg_core.losses.names import LOSSES
from asg_core.models.config import ModelConfig
from asg_core.settings import Device, Precision, RejectShare, Settings

_RUN_NAME = r"^[a-z0-9][a-z0-9_]*$"


class CropConfig(Settings):
    """From the cached pixels to what the encoder sees. There is no mirroring."""

    resize: int = Field(default=256, ge=16)
    """Side that the cached square is scaled to before the crop, in pixels. Training
    crops at random, validation and evaluation at the centre."""

    resample: Resample = "area"
    """How the cached square is made smaller: `area`, the mean of what a pixel covers, or
    `bilinear`. The released code of ASG scales the stored image bilinearly to 256 at once:
    that is `images.size` of 256 with `images.resample: bilinear`, and nothing is left to
    scale here."""

    log_scale: float = Field(default=0.0, ge=0, le=1)
    """Largest absolute natural logarithm of a random factor on `resize`; training only."""

    brightness: float = Field(default=0.0, ge=0, le=1)
    """Largest random shift of the grey values, as a share of white; training only."""

    log_contrast: float = Field(default=0.0, ge=0, le=2)
    """Largest absolute natural logarithm of a random factor on the grey values; training
    only."""


class LossesConfig(Settings):
    """The four losses: their weights, 0 to leave one out, and their settings."""

    image_report: float = Field(default=1.0, ge=0)
    """Weight of IRA: InfoNCE of images and reports."""

    region_sentence: float = Field(default=1.0, ge=0)
    """Weight of ARSA: InfoNCE of the units within each image."""

    tags: float = Field(default=5.0, ge=0)
    """Weight of IRL: binary cross-entropy of the 40 tags."""

    soft_labels: float = Field(default=1.0, ge=0)
    """Weight of ERL: both directions of the divergence between the image-report logits
    and the similarity of tags."""

    temperature: float = Field(default=0.07, gt=0)
    """Divides the similarities in IRA, ARSA and ERL."""

    hard_weight: float = Field(default=0.8, ge=0, le=1)
    """Share of the identity in the target of ERL, before its rows are normalised."""

    epsilon: float = Field(default=1e-6, gt=0)
    """Added to every entry of the target of ERL, before its rows are normalised."""

    negatives: Literal["local", "global"] = "local"
    """Which other samples IRA and ERL compare with: those of the process, as the paper
    does, or those of all processes."""

    uncertain_tags: Literal["negative", "positive", "ignore", "soft"] = "negative"
    """Target of a tag that the report hedges; `soft` is 0.5."""

    unmentioned_tags: Literal["negative", "ignore"] = "negative"
    """Target of a tag that the report does not mention."""

    @model_validator(mode="after")
    def _check_some_loss(self) -> "LossesConfig":
        if not any(self.weights.values()):
            raise ValueError(
                "losses: every weight is 0, so nothing would be learned; give at least "
                f"one of {', '.join(LOSSES)} a weight"
            )
        return self

    @property
    def weights(self) -> dict[str, float]:
        """The weight of every loss."""
        return {name: getattr(self, name) for name in LOSSES}


class OptimizerConfig(Settings):
    """AdamW with a linear rise and a cosine fall, per step."""

    learning_rate: float = Field(default=4e-5, gt=0)
    """Peak learning rate."""

    min_learning_rate: float = Field(default=1e-8, ge=0)
    """Learning rate at the first and at the last step."""

    warmup_share: float = Field(default=0.4, ge=0, lt=1)
    """Share of all steps in which the rate rises."""

    weight_decay: float = Field(default=0.05, ge=0)
    """Decoupled weight decay."""

    decay_everything: bool = True
    """Whether biases, norms and positions decay too, as in the paper."""

    max_grad_norm: float | None = Field(default=None, gt=0)
    """Gradients of a greater norm are scaled down to it; null: no clipping."""


class PretrainingSettings(Settings):
    """One pre-training run."""

    model: ModelConfig = ModelConfig()
    """Encoders, heads and tag decoder."""

    crop: CropConfig = CropConfig()
    """From cached pixels to the model input."""

    losses: LossesConfig = LossesConfig()
    """The objective."""

    optimizer: OptimizerConfig = OptimizerConfig()
    """How weights follow gradients."""

    batch_size: int = Field(default=72, ge=2)
    """Images per process and step. The last partial batch of an epoch is dropped."""

    epochs: int = Field(default=50, ge=1)
    """Passes over the training images."""

    max_steps: int | None = Field(default=None, ge=1)
    """Ends the run after so many steps, whatever `epochs` says; the schedule counts them
    as the whole. Null: `epochs` decides."""

    patience: int | None = Field(default=5, ge=1)
    """Epochs without a lower validation loss after which the run ends, counted from the
    end of the warm-up; null never ends early."""

    keep: Literal["best", "last"] = "best"
    """Which weights the run ends with: those of the lowest validation loss, or those of
    its last step. The loss of a contrastive run can be lowest before it has learned
    anything; runs that are compared step by step keep the last."""

    precision: Precision = "bf16"
    """Arithmetic of the forward pass; weights are always 32 bit."""

    seed: int = Field(default=42, ge=0)
    """Seeds the weights, the order of the images, the crops and dropout."""

    initial: str | None = None
    """Folder of an earlier run (model.safetensors, run.json) whose weights to start from;
    null starts from the encoders' own."""

    device: Device = "cpu"
    """Torch device: "cpu", "cuda" or "cuda:1"; with several processes each takes the
    GPU of its local rank."""

    processes: int = Field(default=1, ge=1)
    """Processes on one machine, started by torchrun; the batch is `processes` times
    `batch_size`."""

    threads: int = Field(default=1, ge=1)
    """CPU threads of one process. Results depend on it in the last digits, so it is not
    taken from the machine."""

    workers: int = Field(default=0, ge=0)
    """Processes that prepare batches beside each training process; 0 prepares them in
    a thread of its own."""

    checkpoint_every: int = Field(default=200, ge=1)
    """Steps between two resumable checkpoints."""

    log_every: int = Field(default=10, ge=1)
    """Steps that one point of the curves is the mean of."""


class PretrainingConfig(PretrainingSettings):
    """Settings that all runs share, and what each run changes."""

    enabled: bool = True
    """Whether the workflow goes on to pre-training, evaluation and their summary."""

    runs: dict[str, dict[str, Any]] = {"full": {}}
    """Runs by name (lower case letters, digits, underscores): the keys of this section
    that each changes, such as {ira: {losses: {tags: 0}}}."""

    max_reject_share: RejectShare = 0.05
    """Share of a job's studies that may be rejected before the job stops."""

    def settings_of(self, run: str) -> PretrainingSettings:
        """Return the whole settings of one run.

        Raises:
            ValueError: If there is no such run.
        """
        if run not in self.runs:
            raise ValueError(
                f"pretraining.runs: expected one of {sorted(self.runs)}, found '{run}'"
            )
        shared = self.model_dump(include=set(PretrainingSettings.model_fields))
        return PretrainingSettings(**_merged(shared, self.runs[run]))

    @model_validator(mode="after")
    def _check_runs(self) -> "PretrainingConfig":
        for name in self.runs:
            if not re.fullmatch(_RUN_NAME, name):
                raise ValueError(
                    f"runs: expected names of lower case letters, digits and "
                    f"underscores, found '{name}'"
                )
            run = self.settings_of(name)
            if run.crop.resize < run.model.image_encoder.size:
                raise ValueError(
                    f"runs.{name}: crop.resize ({run.crop.resize}) is less than "
                    f"model.image_encoder.size ({run.model.image_encoder.size}): there "
                    "would be nothing to crop; raise crop.resize"
                )
            if run.model.text_encoder != self.model.text_encoder and (
                _tokenizer_of(run) != _tokenizer_of(self)
            ):
                raise ValueError(
                    f"runs.{name}.model.text_encoder: all runs of one invocation share "
                    "the tokens of their reports, so name, scratch.vocabulary, "
                    "max_pieces, lower_case and max_unknown_share cannot differ; use "
                    "another corpus.name for it"
                )
        return self


def _tokenizer_of(run: PretrainingSettings) -> tuple[object, ...]:
    text = run.model.text_encoder
    return (
        text.name,
        text.scratch.vocabulary,
        text.max_pieces,
        text.lower_case,
        text.max_unknown_share,
    )


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the keys of `changes`, mappings merged key by key."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged
