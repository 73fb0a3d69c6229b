"""Take annotated boxes as they are: ANNOTATED_BOXES -> REGION_BOXES."""

import logging

import polars as pl

from asg_core.images.geometry import Frame
from asg_core.regions.found import DetectedRegions, FoundRegions
from asg_core.terms.views import FRONTAL

logger = logging.getLogger(__name__)

_SCORE = 1.0


def import_regions(
    annotated_boxes: pl.DataFrame, images: pl.DataFrame
) -> DetectedRegions:
    """Return the annotated boxes of `images`, whatever split they are of.

    Boxes are cut to their image. One that lies outside of it is rejected as
    `outside_image`, and a frontal image without any box as `no_region_found`; other
    views are not expected to have boxes. Annotations of images that are not in `images`
    are counted in the log: they belong to other shards.

    Args:
        annotated_boxes: A frame in ANNOTATED_BOXES.
        images: A frame in IMAGES.
    """
    known = annotated_boxes.filter(
        pl.col("image_id").is_in(images["image_id"].implode())
    )
    by_image = known.sort("image_id", "region").partition_by("image_id", as_dict=True)
    is_frontal = pl.col("view").is_in([view.value for view in FRONTAL])
    has_boxes = pl.col("image_id").is_in(known["image_id"].implode())
    found = FoundRegions()
    for image in (
        images.filter(is_frontal | has_boxes).sort("image_id").iter_rows(named=True)
    ):
        rows = by_image.get((image["image_id"],), known.clear())
        found.add_image(
            image["image_id"],
            frame=Frame(width=image["width"], height=image["height"]),
            regions=rows["region"].cast(pl.String),
            boxes=rows["box_xyxy"].to_numpy(),
            scores=[_SCORE] * len(rows),
            origins=rows["origin"],
        )
    tables = found.tables()
    logger.info(
        "%d annotated boxes in, %d of images of other shards, %d boxes out, %d rejects",
        len(annotated_boxes),
        len(annotated_boxes) - len(known),
        len(tables.region_boxes),
        len(tables.rejects),
    )
    return tables
