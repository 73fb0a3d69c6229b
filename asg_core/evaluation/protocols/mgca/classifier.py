"""Train one linear classifier on the crops of a frozen encoder, as MGCA does."""

# Shape suffixes:
#   N = images, B = images of a step, S = rows, and columns, of the encoder's input,
#   E = width of the features, T = targets

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import FeatureEncoder, read_inputs
from asg_core.evaluation.protocols.mgca.config import (
    ContrastiveAugmentationConfig,
    MgcaLinearConfig,
)
from asg_core.evaluation.protocols.mgca.losses import classification_loss
from asg_core.evaluation.protocols.mgca.training import (
    Rows,
    Training,
    batches,
    train_with_patience,
)
from asg_core.evaluation.protocols.result import in_batches
from asg_core.images.crop import CropDraw
from asg_core.images.pixel_cache import PixelCache

_CROP, _AUGMENTATION = 0, 1  # what a stream of random numbers is for


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPart:
    """Images of one part, cropped at the centre, with their labels."""

    image_ids: list[str]
    feature_NE: Tensor
    truth_NT: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSetting:
    """What all fits share."""

    benchmark: Benchmark
    encoder: FeatureEncoder
    cache: PixelCache
    config: MgcaLinearConfig
    validate: EncodedPart
    test: EncodedPart

    @property
    def is_augmented(self) -> bool:
        """Whether training images are changed in more than their place."""
        return self.benchmark.name in self.config.augmented


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
    setting: LinearSetting, train_ids: list[str], truth_NT: Tensor, *, seed: int
) -> tuple[nn.Linear, Training]:
    """Train a classifier with one logit for each target.

    First weights, the order of images and each crop are functions of the seed; the global
    generators of torch stay as they are.

    Args:
        setting: Encoder, pixels, protocol and validation images.
        train_ids: The training images.
        truth_NT: Their labels; NaN where there is none.
        seed: Of everything random.

    Raises:
        FloatingPointError: If a validation loss is not finite.
    """
    config, validate = setting.config, setting.validate
    is_exclusive = setting.benchmark.is_exclusive
    device = validate.feature_NE.device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = nn.Linear(validate.feature_NE.shape[1], truth_NT.shape[1])
    classifier.to(device)
    optimizer = torch.optim.AdamW(
        classifier.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
    )

    def run_epoch(epoch: int) -> None:
        order_N = np.random.default_rng((seed, epoch)).permutation(len(train_ids))
        for rows in _batches(order_N, config=config):
            feature_BE = _training_features(
                setting, [train_ids[row] for row in rows], rows, seed=seed, epoch=epoch
            )
            loss = classification_loss(
                classifier(feature_BE),
                truth_NT[torch.from_numpy(rows)].to(device),
                is_exclusive=is_exclusive,
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def validation_loss() -> float:
        losses = [
            classification_loss(
                classifier(validate.feature_NE[rows]),
                validate.truth_NT[rows],
                is_exclusive=is_exclusive,
            ).item()
            for rows in _batches(np.arange(len(validate.image_ids)), config=config)
        ]
        return float(np.mean(losses))

    training = train_with_patience(
        classifier, run_epoch=run_epoch, validate=validation_loss, rule=config
    )
    return classifier, training


def _batches(rows_N: Rows, *, config: MgcaLinearConfig) -> list[Rows]:
    return list(batches(rows_N, config.batch_size, drop_last=config.legacy_drop_last))


def _training_features(
    setting: LinearSetting, image_ids: list[str], rows: Rows, *, seed: int, epoch: int
) -> Tensor:
    """Return features (B, E) of random crops; each is a function of (seed, epoch, row)."""
    encoder = setting.encoder
    draw = CropDraw(resize=encoder.resize, size=encoder.input_size)
    crops = [
        draw.draw(np.random.default_rng((seed, epoch, int(row), _CROP))) for row in rows
    ]
    image_BSS = torch.from_numpy(
        np.concatenate(
            [
                crop.apply(pixels_SS[None])
                for crop, pixels_SS in zip(
                    crops, setting.cache.read(image_ids), strict=True
                )
            ]
        )
    )
    if setting.is_augmented:
        seeds = [_seed_of(seed, epoch, int(row), _AUGMENTATION) for row in rows]
        image_BSS = augment(image_BSS, config=setting.config.augmentation, seeds=seeds)
    # A copy, because what inference mode made cannot be kept for a gradient.
    return encoder.features(image_BSS).pooled_BE.clone()


def augment(
    image_BSS: Tensor, *, config: ContrastiveAugmentationConfig, seeds: Sequence[int]
) -> Tensor:
    """Return uint8 images (B, S, S), each changed as its seed says.

    Labels are of whole images here; elsewhere mirroring would make lateral labels false.
    """
    from torchvision.transforms import v2  # noqa: PLC0415 - takes seconds, used here only

    low, high = config.blur_sigma
    transform = v2.Compose(
        [
            v2.RandomApply(
                [
                    v2.ColorJitter(
                        brightness=config.brightness, contrast=config.contrast
                    )
                ],
                p=config.jitter_probability,
            ),
            v2.RandomApply(
                # Three deviations each way hold 99.7 % of the kernel.
                [v2.GaussianBlur(2 * math.ceil(3 * high) + 1, sigma=(low, high))],
                p=config.blur_probability,
            ),
            v2.RandomHorizontalFlip(p=config.flip_probability),
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
