"""What the names `mgca-linear` and `mgca-segmentation` fix.

Every number is one of MGCA's code (HKU-MedAI/MGCA at 680fe4a, folder `mgca`); the file that
it stands in is named with it. A number that is changed makes another protocol, which needs
a name of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastiveAugmentation:
    """The augmentation of MoCo v2 for training images of CheXpert: datasets/transforms.py.

    What it does to colours (saturation, hue, taking them away) changes nothing on grey
    images and is not run.
    """

    brightness: float = 0.4
    """Largest relative change of the brightness."""

    contrast: float = 0.4
    """Largest relative change of the contrast."""

    jitter_probability: float = 0.8
    """How often the two above are applied, in random order."""

    blur_sigma: tuple[float, float] = (0.1, 2.0)
    """Least and greatest standard deviation of the Gaussian blur, pixels."""

    blur_probability: float = 0.5
    """How often it is applied."""

    flip_probability: float = 0.5
    """How often an image is mirrored. Only here: the labels of this protocol are of whole
    images and name no side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgcaLinear:
    """A linear classifier on a frozen encoder, crops drawn anew in each epoch."""

    learning_rate: float = 5e-4
    """Rate of AdamW; it stays as it is: models/ssl_finetuner.py."""

    weight_decay: float = 1e-6
    """Decoupled weight decay, of the bias too: models/ssl_finetuner.py."""

    batch_size: int = 48
    """Images per step: models/mgca/mgca_finetuner.py, as the four below."""

    epochs: int = 50
    """Most passes over the training images."""

    patience: int = 10
    """Epochs without a lower validation loss after which training ends; the classifier of
    the lowest loss is tested."""

    seed: int = 42
    """Of the first repetition: the draw of the training images, the classifier's first
    weights, order and crops. Further repetitions, which MGCA has none of, count up."""

    augmented: frozenset[str] = frozenset({"chexpert"})
    """Benchmarks whose training images are augmented; of all others they are only
    cropped."""

    augmentation: ContrastiveAugmentation = ContrastiveAugmentation()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedBenchmark:
    """What differs between the benchmarks that have masks."""

    batch_size: int
    """Images per step: models/mgca/mgca_segmenter.py and run_seg_finetune.sh."""

    is_balanced: bool
    """Whether only as many training images without a mask are kept as there are with one,
    before the fraction is taken: datasets/segmentation_dataset.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgcaSegmentation:
    """A decoder on a frozen encoder: SETR-PUP on tokens, a U-Net on maps."""

    learning_rate: float = 5e-4
    """Rate of AdamW; it stays as it is: models/mgca/run_seg_finetune.sh."""

    weight_decay: float = 0.05
    """Decoupled weight decay of everything that is trained:
    models/mgca/mgca_segmenter.py, as the three below."""

    epochs: int = 50
    """Most passes over the training images."""

    patience: int = 10
    """Epochs without a lower validation loss after which training ends; the decoder of
    the lowest loss is tested."""

    seed: int = 42
    """Of the first repetition; further ones count up. (MGCA runs SIIM at 10 % with 0.)"""

    benchmarks: Mapping[str, MaskedBenchmark] = field(
        default_factory=lambda: {
            "siim": MaskedBenchmark(batch_size=8, is_balanced=True),
            "rsna": MaskedBenchmark(batch_size=16, is_balanced=False),
        }
    )

    setr_channels: tuple[int, ...] = (512, 256, 128, 64)
    """Channels after each doubling of SETR-PUP: models/mgca/mgca_segmenter.py."""

    unet_channels: tuple[int, ...] = (256, 128, 64, 32, 16)
    """Channels after each doubling of the U-Net, from the coarsest map on: the defaults of
    segmentation_models_pytorch. An encoder with fewer doublings takes the first ones."""

    focal_weight: float = 10.0
    """Weight of the focal loss; that of the negative logarithm of soft Dice is 1:
    utils/segmentation_loss.py."""

    focal_gamma: float = 2.0
    """Exponent of the focal loss: utils/segmentation_loss.py."""

    scale: float = 0.1
    """Largest relative change of size of a training image and its mask:
    datasets/segmentation_dataset.py, as the two below."""

    rotation: float = 10.0
    """Largest rotation of a training image and its mask, degrees."""

    augmentation_probability: float = 0.5
    """How often a training image is scaled and rotated."""

    stored_size: int = 1024
    """Side of the images that the code shrinks bilinearly, pixels. Cached squares of this
    size are shrunk so too; smaller ones, which it never sees, by area."""


MGCA_LINEAR: Final = MgcaLinear()
MGCA_SEGMENTATION: Final = MgcaSegmentation()
