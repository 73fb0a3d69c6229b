"""A few images of one grey, and a pixel cache of them."""

from pathlib import Path

import numpy as np
from PIL import Image

from asg_core.images.cache_pixels import cache_pixels
from asg_core.images.config import ImagesConfig
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import IMAGES

CONFIG = ImagesConfig(size=16)


def image_row(image_id: str, **changes: object) -> dict[str, object]:
    return {
        "image_id": image_id,
        "study_id": "s",
        "path": f"files/{image_id}.png",
        "view": "PA",
        "width": 32,
        "height": 16,
    } | changes


def write_png(root: Path, image_id: str, grey: int) -> None:
    path = root / "files" / f"{image_id}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((16, 32), grey, dtype=np.uint8)).save(path)


def cached(root: Path, path: Path, *image_ids: str) -> PixelCache:
    images = IMAGES.frame([image_row(image_id) for image_id in image_ids])
    cache_pixels(images, root=root, path=path, config=CONFIG)
    return PixelCache([path])
