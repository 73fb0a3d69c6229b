"""Images in which a few regions are bright rectangles, with the boxes around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.images.geometry import Frame, Letterbox
from asg_core.images.pixel_cache import PixelCache
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.tables.catalog import ANNOTATED_BOXES

SIZE = 64
FRAME = Frame(width=128, height=96)
DRAWN = {
    "right lung": (20, 16, 52, 72, 90),
    "left lung": (76, 16, 108, 72, 150),
    "cardiac silhouette": (48, 40, 84, 80, 230),
}
"""Region -> x0, y0, x1, y1 in the original frame, grey value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRegions:
    """The images and what they show."""

    cache: PixelCache
    boxes: pl.DataFrame
    """In ANNOTATED_BOXES; the images from the ninth on are of the split `test`."""


def draw_regions(path: Path, *, num_images: int = 12) -> DrawnRegions:
    """Write a pixel cache of drawn images to `path`."""
    pixels, boxes = [], []
    for number in range(num_images):
        image_id = f"image-{number:02d}"
        shift = np.random.default_rng((7, number)).integers(-8, 9, size=2)
        image_HW = np.full((FRAME.height, FRAME.width), 30, dtype=np.uint8)
        for region, (x0, y0, x1, y1, grey) in DRAWN.items():
            box = np.array([x0, y0, x1, y1]) + np.tile(shift, 2)
            image_HW[box[1] : box[3], box[0] : box[2]] = grey
            boxes.append(
                {
                    "image_id": image_id,
                    "region": region,
                    "box_xyxy": [float(corner) for corner in box],
                    "split": "train" if number < 8 else "test",
                    "origin": "drawn",
                }
            )
        letterbox = Letterbox.fit(FRAME, size=SIZE)
        pixels.append((image_id, letterbox.apply(image_HW)))
    write_cache(path, pixels)
    return DrawnRegions(cache=PixelCache([path]), boxes=ANNOTATED_BOXES.frame(boxes))


def write_cache(
    path: Path, pixels: Sequence[tuple[str, npt.NDArray[np.uint8]]]
) -> None:
    """Write a pixel cache of images that were all `FRAME` large."""
    rows = [
        PixelRow(image_id=image_id, original=FRAME, pixels_SS=pixels_SS)
        for image_id, pixels_SS in pixels
    ]
    write_pixels(rows, path=path, size=SIZE)
