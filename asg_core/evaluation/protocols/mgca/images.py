"""Images with their masks, at the input size of an encoder, moved together."""

# Shape suffixes: B = images, S = rows, and columns, of the input

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.protocols.mgca.settings import MgcaSegmentation
from asg_core.evaluation.scoring.masks import (
    Masks,
    Shares,
    TrueMasks,
    read_masks,
    true_masks,
)
from asg_core.images.crop import Crop, centre_crop
from asg_core.images.geometry import Pixels
from asg_core.images.pixel_cache import PixelCache


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedImages:
    """The images of a benchmark with their masks, read when they are asked for.

    Masks that are not empty are kept once they were made: an epoch needs each, and
    drawing one costs more than reading its image. At 224 px one takes 100 KB.
    """

    cache: PixelCache
    masks: TrueMasks
    crop: Crop
    kept: dict[str, npt.NDArray[np.float16]] = field(default_factory=dict)

    def count_positive(self, image_ids: Sequence[str]) -> dict[str, int]:
        """Return how many of the images have a mask that is not empty."""
        return {self.masks.target: sum(name in self.masks for name in image_ids)}

    def grid_masks(self, image_ids: Sequence[str]) -> Masks:
        """Return the true masks (N, S, S) of those images that have one."""
        return read_masks(
            self.masks,
            [image_id for image_id in image_ids if image_id in self.masks],
            letterbox_of=self.cache.letterbox,
            crop=self.crop,
            size=self.crop.size,
        )

    def read(self, image_ids: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return uint8 images, and shares of their pixels that are inside, (B, S, S)."""
        image_BSS = self.crop.apply(self.cache.read(image_ids))
        share_BSS = np.stack([self._shares(image_id) for image_id in image_ids])
        return torch.from_numpy(image_BSS), torch.from_numpy(share_BSS)

    def read_augmented(
        self,
        image_ids: Sequence[str],
        *,
        settings: MgcaSegmentation,
        seed: int,
        epoch: int,
    ) -> tuple[Tensor, Tensor]:
        """Return the same, some scaled and rotated: a function of seed, epoch and id."""
        image_BSS, share_BSS = self.read(image_ids)
        for place, image_id in enumerate(image_ids):
            rng = np.random.default_rng((seed, epoch, *image_id.encode()))
            if rng.random() < settings.augmentation_probability:
                image_SS, share_SS = turn(
                    image_BSS[place].numpy(),
                    share_BSS[place].numpy(),
                    degrees=rng.uniform(-settings.rotation, settings.rotation),
                    scale=1 + rng.uniform(-settings.scale, settings.scale),
                )
                image_BSS[place] = torch.from_numpy(image_SS)
                share_BSS[place] = torch.from_numpy(share_SS)
        return image_BSS, share_BSS

    def _shares(self, image_id: str) -> Shares:
        if image_id not in self.masks:
            return np.zeros((self.crop.size, self.crop.size), dtype=np.float32)
        if image_id not in self.kept:
            share_SS = self.masks.shares(
                image_id,
                letterbox=self.cache.letterbox(image_id),
                crop=self.crop,
                size=self.crop.size,
            )
            self.kept[image_id] = share_SS.astype(np.float16)
        return self.kept[image_id].astype(np.float32)


def make_masked_images(
    benchmark: Benchmark, cache: PixelCache, *, size: int, settings: MgcaSegmentation
) -> MaskedImages:
    """Return the images of a benchmark, each whole cached square at `size` x `size`.

    Raises:
        ValueError: If the benchmark has no segmentation target.
    """
    is_stored = cache.size == settings.stored_size
    return MaskedImages(
        cache=cache,
        masks=true_masks(benchmark),
        crop=centre_crop(size, size, resample="bilinear" if is_stored else "area"),
    )


def turn(
    image_SS: Pixels, share_SS: Shares, *, degrees: float, scale: float
) -> tuple[Pixels, Shares]:
    """Rotate and scale an image and its mask around their centre; the border is 0."""
    side = len(image_SS)
    centre = ((side - 1) / 2, (side - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, degrees, scale)
    image = cv2.warpAffine(image_SS, matrix, (side, side), flags=cv2.INTER_LINEAR)
    share = cv2.warpAffine(share_SS, matrix, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(image, np.uint8), np.asarray(share, np.float32)
