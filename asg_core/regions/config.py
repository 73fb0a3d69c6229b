"""How boxes of anatomical regions are made: trained, detected or imported."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from asg_core.settings import Device, Precision, RejectShare, Settings
from asg_core.sources.annotations.config import AnnotationsConfig

TrainedBackend = Literal["torchvision", "detectron2"]
"""Whose Faster R-CNN a trained detector is."""


class Backbone(StrEnum):
    """The convolutional network below the feature pyramid, by torchvision's name.

    `RESNET10` has one block per stage: small enough to train from scratch on a laptop.
    """

    RESNET10 = "resnet10"
    RESNET18 = "resnet18"
    RESNET34 = "resnet34"
    RESNET50 = "resnet50"
    MOBILENET_V3_SMALL = "mobilenet_v3_small"
    MOBILENET_V3_LARGE = "mobilenet_v3_large"


class ArchitectureConfig(Settings):
    """The parts of the Faster R-CNN, and how many boxes it learns from at a time."""

    backbone: Backbone = Backbone.RESNET50
    """The network below the feature pyramid."""

    norm: Literal["batch", "group", "frozen"] = "batch"
    """Normalisation of the backbone. "batch" and "group" learn from scratch, "batch"
    faster even at 4 images a step; "frozen" needs `backbone_weights`."""

    strides: tuple[Literal[4, 8, 16, 32], ...] = (8, 16, 32)
    """Levels of the feature pyramid, in pixels of the model frame per cell."""

    pyramid_width: int = Field(default=256, ge=8, multiple_of=8)
    """Channels of every level of the feature pyramid; they are normalised in 8 groups,
    by detectron2 in 32."""

    anchor_sizes: tuple[tuple[float, ...], ...] = (
        (0.07, 0.1),
        (0.14, 0.2),
        (0.3, 0.45),
    )
    """For each level the square roots of the anchors' areas, as shares of the side of the
    model frame."""

    anchor_ratios: tuple[float, ...] = (0.28, 0.42, 0.6, 1.0, 1.6, 2.2, 4.0, 7.0)
    """Height over width of the anchors: a clavicle is flat, the spine is tall."""

    num_candidates: int = Field(default=500, ge=1)
    """Candidates per level that enter the suppression of near-duplicates."""

    num_proposals: int = Field(default=200, ge=1)
    """Boxes per image that the proposal network hands to the box head."""

    proposal_overlap: float = Field(default=0.7, gt=0, le=1)
    """IoU above which the weaker of two proposals is dropped."""

    roi_size: int = Field(default=7, ge=1)
    """Cells along each side of the feature patch cut out for a proposal."""

    head_width: int = Field(default=1024, ge=8)
    """Units of the two hidden layers of the box head."""

    proposal_samples: int = Field(default=256, ge=2)
    """Anchors per image in the loss of the proposal network."""

    box_samples: int = Field(default=128, ge=2)
    """Proposals per image in the loss of the box head."""

    positive_share: float = Field(default=0.75, gt=0, le=1)
    """Largest share of the box samples that lie on a region."""

    @model_validator(mode="after")
    def _check_levels(self) -> "ArchitectureConfig":
        doubled = [2 * stride for stride in self.strides[:-1]]
        if not self.strides or list(self.strides[1:]) != doubled:
            raise ValueError(
                "strides: expected at least one stride, each twice the one before, found "
                f"{list(self.strides)}"
            )
        if len(self.anchor_sizes) != len(self.strides):
            raise ValueError(
                f"anchor_sizes: expected one group of sizes for each of the strides "
                f"{list(self.strides)}, found {len(self.anchor_sizes)} groups"
            )
        counts = {len(group) for group in self.anchor_sizes}
        if counts == {0} or len(counts) != 1:
            raise ValueError(
                "anchor_sizes: expected equally many sizes for every level, found "
                f"{[len(group) for group in self.anchor_sizes]}"
            )
        values = [size for group in self.anchor_sizes for size in group]
        if min(values) <= 0 or min(self.anchor_ratios, default=0) <= 0:
            raise ValueError(
                "anchor_sizes, anchor_ratios: expected numbers greater than 0"
            )
        return self


class AugmentationConfig(Settings):
    """How training images vary. There is no mirroring: left and right are labels."""

    shift: float = Field(default=0.08, ge=0, le=0.5)
    """Largest move along each axis, as a share of the side of the model frame."""

    log_scale: float = Field(default=0.15, ge=0, le=1)
    """Largest absolute natural logarithm of the zoom factor: 0.15 is 14 to 16 %."""

    brightness: float = Field(default=0.15, ge=0, le=1)
    """Largest shift of the grey values, as a share of white."""

    log_contrast: float = Field(default=0.25, ge=0, le=2)
    """Largest absolute natural logarithm of the factor on the grey values."""

    min_visible: float = Field(default=0.4, gt=0, le=1)
    """A box that keeps less than this share of its area in the image is not taught."""


class DetectorTrainingConfig(Settings):
    """How the detector learns from annotated boxes."""

    architecture: ArchitectureConfig = ArchitectureConfig()
    """The network. The detectron2 backend reads its own parts of it."""

    backbone_weights: Path | None = None
    """File with the weights of torchvision's backbone (.safetensors, or a state
    dictionary that `torch.load` accepts without executing code); null: from scratch."""

    augmentation: AugmentationConfig = AugmentationConfig()
    """How training images vary."""

    steps: int = Field(default=40_000, ge=1)
    """Updates of the weights."""

    batch_size: int = Field(default=16, ge=1)
    """Images per step."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """Peak learning rate of AdamW; it falls along a cosine to 1 % of the peak."""

    warmup: int = Field(default=1000, ge=0)
    """Steps in which the learning rate rises linearly from 0."""

    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled weight decay on weight matrices and filters; norms and biases have
    none."""

    max_grad_norm: float = Field(default=5.0, gt=0)
    """Gradients of a greater norm are scaled down to it."""

    precision: Precision = "fp32"
    """Arithmetic of the forward pass; weights are always 32 bit."""

    seed: int = Field(default=0, ge=0)
    """Seeds the weights, the order of the images and the augmentation."""

    threads: int = Field(default=2, ge=1)
    """CPU threads. Results depend on it in the last digits, so it is not taken from the
    machine."""

    device: Device = "cpu"
    """Torch device: "cpu", "cuda" or "cuda:1"."""

    checkpoint_every: int = Field(default=500, ge=1)
    """Steps between two resumable checkpoints."""

    @model_validator(mode="after")
    def _check_together(self) -> "DetectorTrainingConfig":
        if self.warmup >= self.steps:
            raise ValueError(
                f"warmup: expected fewer warm-up steps than steps, found "
                f"warmup={self.warmup} and steps={self.steps}"
            )
        if self.architecture.norm == "batch" and self.batch_size < 2:
            raise ValueError(
                "batch_size: the norm 'batch' needs at least 2 images a step, found "
                f"{self.batch_size}; set architecture.norm to 'group'"
            )
        if self.architecture.norm == "frozen" and self.backbone_weights is None:
            raise ValueError(
                "architecture.norm: 'frozen' needs backbone_weights, because frozen "
                "statistics are never learned; set 'group' or 'batch' to train from "
                "scratch"
            )
        if self.architecture.norm == "group" and self.backbone_weights is not None:
            raise ValueError(
                "backbone_weights: torchvision's weights hold batch statistics; set "
                "architecture.norm to 'frozen' or 'batch'"
            )
        return self


class DetectionConfig(Settings):
    """How a trained detector is applied."""

    score_threshold: float = Field(default=0.05, ge=0, lt=1)
    """A region whose best box scores less has no box."""

    vote_overlap: float = Field(default=0.6, gt=0, le=1)
    """Boxes of the same region with at least this IoU with the best one take part, with
    their scores as weights, in its final corners; 1 keeps the best box as it is."""

    precision: Precision = "fp32"
    """Arithmetic of the network."""

    batch_size: int = Field(default=16, ge=1)
    """Images per forward pass."""

    threads: int = Field(default=1, ge=1)
    """CPU threads of one job."""

    device: Device = "cpu"
    """Torch device: "cpu", "cuda" or "cuda:1"."""


class RegionsConfig(Settings):
    """Where the boxes of anatomical regions come from."""

    backend: Literal["torchvision", "detectron2", "import", "none"] = "torchvision"
    """Whose Faster R-CNN finds the regions; "import" takes the annotated boxes as they
    are, and with "none" there are no boxes and the run ends before the alignment.
    detectron2 is not in the lock file: `make detectron2` builds it into .venv."""

    annotations: AnnotationsConfig = AnnotationsConfig()
    """Where annotated boxes are read from."""

    training: DetectorTrainingConfig = DetectorTrainingConfig()
    """How the detector learns."""

    detection: DetectionConfig = DetectionConfig()
    """How the detector is applied."""

    checkpoint: Path | None = None
    """Folder with `model.safetensors` and `run.json` of a trained detector, to be used
    instead of training one; null trains."""

    max_reject_share: RejectShare = 0.05
    """Share of a job's images that may be rejected before the job stops."""

    @model_validator(mode="after")
    def _check_checkpoint_is_used(self) -> "RegionsConfig":
        if self.backend in ("import", "none") and self.checkpoint is not None:
            raise ValueError(
                f"checkpoint is '{self.checkpoint}' while backend is '{self.backend}', which "
                "detects nothing: set checkpoint to null, or backend to the one that "
                "trained it"
            )
        return self
