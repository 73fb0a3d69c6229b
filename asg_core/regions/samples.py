"""What the detector is taught in one step: a function of (seed, step, position)."""

# Shape suffixes:
#   B = images of a step, H W = rows and columns of the model frame
#   L = labelled boxes of one image, 4 = x0 y0 x1 y1 in pixels of the model frame

import logging
from dataclasses import dataclass
from hashlib import blake2b

import cv2
import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.images.geometry import BoxesXyxy, Frame, box_area, clip_boxes
from asg_core.images.pixel_cache import PixelCache
from asg_core.regions.config import AugmentationConfig
from asg_core.terms.regions import region_index

logger = logging.getLogger(__name__)

MIN_SIDE = 1.0
"""A box with a side below one pixel of the model frame is not taught."""

_ORDER, _AUGMENT = 0, 1
_MIDDLE_GREY = 127.5
_WHITE = 255.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """The annotated images of the split `train` that the pixel cache holds."""

    image_ids: tuple[str, ...]
    boxes_model: tuple[BoxesXyxy, ...]
    """One (L, 4) array per image."""

    region_indices: tuple[npt.NDArray[np.int64], ...]
    """0-based, one (L,) array per image."""

    def digest(self) -> str:
        """Return a digest of the images, their regions and their boxes."""
        state = blake2b(digest_size=16)
        for image_id, boxes, regions in zip(
            self.image_ids, self.boxes_model, self.region_indices, strict=True
        ):
            state.update(image_id.encode() + b"\0")
            state.update(boxes.tobytes() + regions.tobytes())
        return state.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One image as it is shown, and the boxes to learn in it."""

    image_HW: npt.NDArray[np.uint8]
    boxes_L4: npt.NDArray[np.float32]
    region_L: npt.NDArray[np.int64]


def make_training_set(boxes: pl.DataFrame, *, cache: PixelCache) -> TrainingSet:
    """Select the boxes of the split `train` and move them to the model frame.

    Boxes are cut to their image. Images that the cache does not hold, boxes too small
    to see in the model frame, and images that thereby keep no box are left out and
    counted in the log.

    Args:
        boxes: A frame in ANNOTATED_BOXES.
        cache: The pixels.

    Raises:
        ValueError: If nothing is left to learn from.
    """
    chosen = boxes.filter(pl.col("split") == "train").sort("image_id", "region")
    image_ids: list[str] = []
    boxes_model: list[BoxesXyxy] = []
    region_indices: list[npt.NDArray[np.int64]] = []
    num_uncached = num_small = 0
    for (image_id,), rows in chosen.group_by("image_id", maintain_order=True):
        if str(image_id) not in cache:
            num_uncached += 1
            continue
        moved, is_visible = _move(rows, image_id=str(image_id), cache=cache)
        num_small += int((~is_visible).sum())
        if not is_visible.any():
            continue
        names = rows["region"].cast(pl.String).to_list()
        indices = np.array([region_index(name) for name in names])
        image_ids.append(str(image_id))
        boxes_model.append(moved[is_visible])
        region_indices.append(indices[is_visible])
    logger.info(
        "%d annotated boxes (%d of split train) -> %d images to learn from; %d images "
        "are not in the pixel cache, %d boxes are smaller than a pixel of the model",
        len(boxes),
        len(chosen),
        len(image_ids),
        num_uncached,
        num_small,
    )
    if not image_ids:
        raise ValueError(
            "train_detector: expected annotated boxes of split 'train' on images of the "
            f"pixel cache, found none among {len(boxes)} boxes ({len(chosen)} of split "
            f"'train', {num_uncached} images not in the cache). Configure "
            "regions.annotations, or import boxes or name a trained detector instead."
        )
    return TrainingSet(
        image_ids=tuple(image_ids),
        boxes_model=tuple(boxes_model),
        region_indices=tuple(region_indices),
    )


def read_samples(
    training_set: TrainingSet,
    *,
    cache: PixelCache,
    step: int,
    batch_size: int,
    seed: int,
    augmentation: AugmentationConfig,
) -> list[Sample]:
    """Return what step `step` shows, which depends on nothing but the arguments.

    Every image is shown once before any is shown again, in an order that each pass
    draws anew.
    """
    num_images = len(training_set.image_ids)
    shown = range(step * batch_size, (step + 1) * batch_size)
    orders = {
        number: np.random.default_rng((seed, _ORDER, number)).permutation(num_images)
        for number in {position // num_images for position in shown}
    }
    indices = [orders[at // num_images][at % num_images] for at in shown]
    pixels_BHW = cache.read([training_set.image_ids[index] for index in indices])
    return [
        augment(
            image_HW,
            training_set.boxes_model[index],
            training_set.region_indices[index],
            rng=np.random.default_rng((seed, _AUGMENT, step, position)),
            augmentation=augmentation,
        )
        for position, (image_HW, index) in enumerate(
            zip(pixels_BHW, indices, strict=True)
        )
    ]


def augment(
    image_HW: npt.NDArray[np.uint8],
    boxes_model: BoxesXyxy,
    region_indices: npt.NDArray[np.int64],
    *,
    rng: np.random.Generator,
    augmentation: AugmentationConfig,
) -> Sample:
    """Move, zoom and re-expose one image; its boxes follow and are cut to the frame.

    Boxes of which less than `min_visible` stays in the frame are not taught. Never
    mirrored: the right lung of a mirrored image is a left lung.
    """
    height, width = image_HW.shape
    frame = Frame(width=width, height=height)
    sides = np.array([width, height], dtype=np.float64)
    scale = np.exp(rng.uniform(-1, 1) * augmentation.log_scale)
    shift = rng.uniform(-1, 1, size=2) * augmentation.shift * sides
    offset = sides / 2 * (1 - scale) + shift
    # OpenCV puts coordinates at pixel centres, boxes at pixel edges: half a pixel apart.
    centre_offset = offset + (scale - 1) / 2
    matrix = np.array([[scale, 0, centre_offset[0]], [0, scale, centre_offset[1]]])
    moved_HW = cv2.warpAffine(image_HW, matrix, (width, height))

    factor = np.exp(rng.uniform(-1, 1) * augmentation.log_contrast)
    lift = rng.uniform(-1, 1) * augmentation.brightness * _WHITE
    exposed_HW = (moved_HW.astype(np.float32) - _MIDDLE_GREY) * factor
    exposed_HW = np.clip(exposed_HW + _MIDDLE_GREY + lift, 0, _WHITE)

    whole = boxes_model * scale + np.tile(offset, 2)
    cut = clip_boxes(whole, frame)
    is_taught = _is_visible(cut)
    is_taught &= box_area(cut) >= augmentation.min_visible * box_area(whole)
    return Sample(
        image_HW=np.rint(exposed_HW).astype(np.uint8),
        boxes_L4=cut[is_taught].astype(np.float32),
        region_L=region_indices[is_taught],
    )


def _move(
    rows: pl.DataFrame, *, image_id: str, cache: PixelCache
) -> tuple[BoxesXyxy, npt.NDArray[np.bool_]]:
    """Return the boxes of one image in the model frame, and which can be seen there."""
    original = clip_boxes(rows["box_xyxy"].to_numpy(), cache.frame(image_id))
    moved = cache.letterbox(image_id).to_model(original)
    return moved, _is_visible(moved)


def _is_visible(boxes: BoxesXyxy) -> npt.NDArray[np.bool_]:
    sides = boxes[:, 2:] - boxes[:, :2]
    is_visible: npt.NDArray[np.bool_] = (sides >= MIN_SIDE).all(axis=1)
    return is_visible
