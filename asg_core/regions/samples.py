"""What the detector is taught in one step: a function of (seed, step, position)."""

# Shape suffixes:
#   B = images of a step, H W = rows and columns of the model frame
#   L = labelled boxes of one image, 4 = x0 y0 x1 y1 in pixels of the model frame

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from asg_core.images.geometry import Letterbox, box_area, clip_boxes
from asg_core.regions.config import AugmentationConfig

logger = logging.getLogger(__name__)

MIN_SIDE = 1.0
"""A box with a side below one pixel of the model frame is not taught."""


class Pixels(Protocol):
    """The part of `asg_core.images.pixel_cache.PixelCache` that training reads."""

    @property
    def size(self) -> int:
        """Side of the model frame."""

    def __contains__(self, image_id: object) -> bool: ...

    def read(self, image_ids: Sequence[str]) -> NDArray[np.uint8]:
        """Return the images as (N, size, size)."""

    def letterbox(self, image_id: str) -> Letterbox:
        """Return the map from the original frame to the model frame."""
