"""The protocols `mgca-linear` and `mgca-segmentation`; defaults are those of MGCA's code."""

from typing import Literal

from pydantic import Field, PositiveFloat

from asg_core.images.resample import Resample
from asg_core.settings import Settings


class ContrastiveAugmentationConfig(Settings):
    """The augmentation of MoCo v2, which MGCA trains its CheXpert classifier with.

    What it does to colours (saturation, hue, taking them away) changes nothing on grey
    images and is not run.
    """

    brightness: float = Field(default=0.4, ge=0, le=1)
    """Largest relative change of the brightness."""

    contrast: float = Field(default=0.4, ge=0, le=1)
    """Largest relative change of the contrast."""

    jitter_probability: float = Field(default=0.8, ge=0, le=1)
    """How often the two above are applied, in random order."""

    blur_sigma: tuple[PositiveFloat, PositiveFloat] = (0.1, 2.0)
    """Least and greatest standard deviation of the Gaussian blur, pixels."""

    blur_probability: float = Field(default=0.5, ge=0, le=1)
    """How often it is applied."""

    flip_probability: float = Field(default=0.5, ge=0, le=1)
    """How often an image is mirrored. Only here: the labels of this protocol are of whole
    images and name no side."""


class MgcaLinearConfig(Settings):
    """A linear classifier on a frozen encoder, crops drawn anew in each epoch."""

    learning_rate: float = Field(default=5e-4, gt=0)
    """Rate of AdamW; it stays as it is."""

    weight_decay: float = Field(default=1e-6, ge=0)
    """Decoupled weight decay, of the bias too."""

    batch_size: int = Field(default=48, ge=1)
    """Images per step."""

    epochs: int = Field(default=50, ge=1)
    """Most passes over the training images."""

    patience: int = Field(default=10, ge=1)
    """Epochs without a lower validation loss after which training ends; the classifier of
    the lowest loss is tested."""

    legacy_drop_last: bool = True
    """Whether the last partial batch is left out of training and of the validation loss,
    as in MGCA's code. Of the test images none is ever left out."""

    augmented: tuple[str, ...] = ("chexpert",)
    """Benchmarks whose training images are augmented as `augmentation` says; of all
    others they are only cropped."""

    augmentation: ContrastiveAugmentationConfig = ContrastiveAugmentationConfig()
    """What is done to them."""

    seed: int = Field(default=42, ge=0)
    """Of the first repetition: the draw of the training images, the classifier's first
    weights, order and crops. Further repetitions count up from it."""


class MaskedBenchmarkConfig(Settings):
    """What differs between the benchmarks that have masks."""

    batch_size: int = Field(ge=1)
    """Images per step."""

    negatives: Literal["balanced", "all"]
    """Training images without a mask: `balanced` draws as many as there are with one,
    before the fraction is taken; `all` keeps them."""


class MgcaSegmentationConfig(Settings):
    """A decoder on a frozen encoder: SETR-PUP on tokens, a U-Net on maps."""

    learning_rate: float = Field(default=5e-4, gt=0)
    """Rate of AdamW; it stays as it is."""

    weight_decay: float = Field(default=0.05, ge=0)
    """Decoupled weight decay of everything that is trained."""

    epochs: int = Field(default=50, ge=1)
    """Most passes over the training images."""

    patience: int = Field(default=10, ge=1)
    """Epochs without a lower validation loss after which training ends; the decoder of
    the lowest loss is tested."""

    siim: MaskedBenchmarkConfig = MaskedBenchmarkConfig(
        batch_size=8, negatives="balanced"
    )
    """SIIM-ACR Pneumothorax."""

    rsna: MaskedBenchmarkConfig = MaskedBenchmarkConfig(batch_size=16, negatives="all")
    """RSNA Pneumonia."""

    setr_channels: tuple[int, ...] = (512, 256, 128, 64)
    """Channels after each doubling of SETR-PUP."""

    unet_channels: tuple[int, ...] = (256, 128, 64, 32, 16)
    """Channels after each doubling of the U-Net, from the coarsest map on; an encoder with
    fewer doublings takes the first of them."""

    focal_weight: float = Field(default=10.0, ge=0)
    """Weight of the focal loss; that of the negative logarithm of soft Dice is 1."""

    focal_gamma: float = Field(default=2.0, ge=0)
    """Exponent of the focal loss."""

    resample: Resample = "area"
    """How the cached square is made smaller: `area`, the mean of what a pixel covers, or
    `bilinear`, as MGCA's code scales images of 1024 px. Masks are shrunk by area in both.
    With `evaluation.image_size: 1024` the cache holds such images as they are."""

    scale: float = Field(default=0.1, ge=0, lt=1)
    """Largest relative change of size of a training image and its mask."""

    rotation: float = Field(default=10.0, ge=0, le=180)
    """Largest rotation of a training image and its mask, degrees."""

    augmentation_probability: float = Field(default=0.5, ge=0, le=1)
    """How often a training image is scaled and rotated."""

    moving_batch_norm: bool = True
    """Whether the statistics of the frozen encoder's batch norms follow the training
    images, as in MGCA's code. False keeps the whole encoder as it is."""

    legacy_drop_last: bool = True
    """Whether the last partial batch is left out of training and of the validation loss,
    as in MGCA's code. Of the test images none is ever left out."""

    seed: int = Field(default=42, ge=0)
    """Of the first repetition; further ones count up from it."""
