"""Train one linear classifier on the crops of a frozen encoder, as MGCA does."""

# Shape suffixes:
#   N = images, B = images of a step, S = rows, and columns, of the encoder's input,
#   E = width of the features, T = targets

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import FeatureEncoder, read_inputs
from asg_core.evaluation.protocols.batches import in_batches
from asg_core.evaluation.protocols.mgca.losses import classification_loss
from asg_core.evaluation.protocols.mgca.settings import (
    ContrastiveAugmentation,
    MgcaLinear,
)
from asg_core.evaluation.protocols.mgca.training import (
    Rows,
    Training,
    batches,
    train_with_patience,
)
from asg_core.images.crop import CropDraw
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.optimizer import make_optimizer
from asg_core.learning.step import update_weights

_CROP, _AUGMENTATION = 0, 1  # what a stream of random numbers is for


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPart:
    """Images of one part, cropped at the centre, with their labels."""

    image_ids: list[str]
    feature_NE: Tensor
    truth_NT: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierInputs:
    """What a classifier is trained on and told when to stop by."""

    encoder: FeatureEncoder
    cache: PixelCache
    validate: EncodedPart
    is_exclusive: bool
    is_augmented: bool
    """Whether training images are changed in more than their place."""

    def loss(self, logit_BT: Tensor, truth_BT: Tensor) -> Tensor:
        """Return the loss of a batch whose labels may lie on another device."""
        truth_BT = truth_BT.to(logit_BT.device)
        return classification_loss(logit_BT, truth_BT, is_exclusive=self.is_exclusive)


def encode_part(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    image_ids: list[str],
    *,
    batch_size: int,
) -> EncodedPart:
    """Return centre crops of images as features, with their labels.

    Args:
        benchmark: That the images are of.
        encoder: Frozen, in evaluation mode.
        cache: The pixels.
        image_ids: In the order of the result; none give no features.
        batch_size: Images of a forward pass.
    """
    features = [
        encoder.features(read_inputs(encoder, cache, image_ids[part])).pooled_BE
        for part in in_batches(len(image_ids), batch_size)
    ]
    feature_NE = torch.cat(features) if features else torch.zeros(0, 1)
    truth_NT = torch.from_numpy(benchmark.truth(image_ids))
    return EncodedPart(
        image_ids=image_ids,
        feature_NE=feature_NE,
        truth_NT=truth_NT.to(feature_NE.device),
    )


def train_classifier(
    inputs: ClassifierInputs,
    train_ids: Sequence[str],
    truth_NT: Tensor,
    *,
    settings: MgcaLinear,
    seed: int,
) -> tuple[nn.Linear, Training]:
    """Train a classifier with one logit for each target.

    First weights, the order of images and each crop are functions of the seed; the global
    generators of torch stay as they are.

    Args:
        inputs: Encoder, pixels and validation images.
        train_ids: The training images.
        truth_NT: Their labels; NaN where there is none.
        settings: Those of the protocol.
        seed: Of everything random.

    Raises:
        FloatingPointError: If a loss is not finite.
    """
    feature_NE = inputs.validate.feature_NE
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = nn.Linear(feature_NE.shape[1], truth_NT.shape[1])
        classifier.to(feature_NE.device)
    optimizer = make_optimizer(
        classifier,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=False,
    )

    def run_epoch(epoch: int) -> None:
        order_N = np.random.default_rng((seed, epoch)).permutation(len(train_ids))
        for rows in batches(order_N, settings.batch_size):
            feature_BE = _training_features(
                inputs, train_ids, rows, settings=settings, seed=seed, epoch=epoch
            )
            loss = inputs.loss(classifier(feature_BE), truth_NT[rows])
            update_weights(
                classifier,
                optimizer,
                {"entropy": loss},
                where=f"mgca-linear of {inputs.encoder.name}, epoch {epoch}",
                advice="look at the features of this encoder",
            )

    training = train_with_patience(
        classifier,
        run_epoch=run_epoch,
        validate=partial(
            _validation_loss, classifier, inputs, batch_size=settings.batch_size
        ),
        epochs=settings.epochs,
        patience=settings.patience,
    )
    return classifier, training


@torch.no_grad()
def _validation_loss(
    classifier: nn.Linear, inputs: ClassifierInputs, *, batch_size: int
) -> float:
    part = inputs.validate
    losses = [
        inputs.loss(classifier(part.feature_NE[rows]), part.truth_NT[rows]).item()
        for rows in batches(np.arange(len(part.image_ids)), batch_size)
    ]
    return float(np.mean(losses))


def _training_features(
    inputs: ClassifierInputs,
    train_ids: Sequence[str],
    rows: Rows,
    *,
    settings: MgcaLinear,
    seed: int,
    epoch: int,
) -> Tensor:
    """Return the features (B, E) of random crops, each a function of (seed, epoch, row)."""
    encoder = inputs.encoder
    draw = CropDraw(resize=encoder.resize, size=encoder.input_size)
    pixels_BSS = inputs.cache.read([train_ids[row] for row in rows])
    crops = [
        draw.draw(np.random.default_rng((seed, epoch, int(row), _CROP))).apply(
            pixels_SS[None]
        )
        for row, pixels_SS in zip(rows, pixels_BSS, strict=True)
    ]
    image_BSS = torch.from_numpy(np.concatenate(crops))
    if inputs.is_augmented:
        seeds = [_seed_of(seed, epoch, int(row), _AUGMENTATION) for row in rows]
        image_BSS = augment(image_BSS, settings=settings.augmentation, seeds=seeds)
    # A copy, as what inference mode made cannot be kept for a gradient.
    return encoder.features(image_BSS).pooled_BE.clone()


def augment(
    image_BSS: Tensor, *, settings: ContrastiveAugmentation, seeds: Sequence[int]
) -> Tensor:
    """Return uint8 images (B, S, S), each changed as its seed says.

    Labels are of whole images here; elsewhere mirroring would make lateral labels false.
    """
    from torchvision.transforms import v2  # noqa: PLC0415 - takes seconds, used here only

    low, high = settings.blur_sigma
    transform = v2.Compose(
        [
            v2.RandomApply(
                [
                    v2.ColorJitter(
                        brightness=settings.brightness, contrast=settings.contrast
                    )
                ],
                p=settings.jitter_probability,
            ),
            v2.RandomApply(
                # Three deviations each way hold 99.7 % of the kernel.
                [v2.GaussianBlur(2 * math.ceil(3 * high) + 1, sigma=(low, high))],
                p=settings.blur_probability,
            ),
            v2.RandomHorizontalFlip(p=settings.flip_probability),
        ]
    )
    changed = []
    with torch.random.fork_rng(devices=[]):
        for image_SS, seed in zip(image_BSS, seeds, strict=True):
            torch.manual_seed(seed)
            changed.append(transform(image_SS[None])[0])
    return torch.stack(changed)


def _seed_of(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint32)[0])
