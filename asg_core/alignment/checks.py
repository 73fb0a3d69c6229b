"""Claims and boxes that cannot be true are rejected before anything is aligned."""

import polars as pl

from asg_core.alignment.units import CORNERS, corner_columns
from asg_core.tables.catalog import REGION
from asg_core.terms.stages import Stage

_TOLERANCE = 0.5
"""Pixels by which a box may leave its image: that is rounding, and no error."""


def check_triplets(
    triplets: pl.DataFrame, *, sentences: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the triplets that lie in a sentence, and rejects for the others."""
    key = ["study_id", "sentence_index"]
    known = sentences.select(*key, "start", "end")
    is_outside = (pl.col("finding_start") < pl.col("start")) | (
        pl.col("finding_end") > pl.col("end")
    )
    checked = triplets.join(known, on=key, how="left").with_columns(
        reason=pl.when(pl.col("start").is_null())
        .then(pl.lit("unknown_sentence"))
        .when(is_outside)
        .then(pl.lit("outside_sentence"))
    )
    region, finding = (pl.col(name).cast(pl.String) for name in ("region", "finding"))
    rejects = _rejects(
        checked,
        item_id=pl.format("{}/{}/{}/{}/{}", *key, region, finding, "finding_start"),
        detail=pl.when(pl.col("start").is_null())
        .then(
            pl.format(
                "study {}: expected a sentence {}, found none; the tables sentences and "
                "triplets are of different runs",
                *key,
            )
        )
        .otherwise(
            pl.format(
                "study {}, sentence {}: expected a finding inside {}-{}, found {}-{}",
                *key,
                "start",
                "end",
                "finding_start",
                "finding_end",
            )
        ),
    )
    return checked.filter(pl.col("reason").is_null()).select(triplets.columns), rejects


def check_boxes(
    region_boxes: pl.DataFrame, *, images: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the sound boxes, clipped to their images, and rejects for the others.

    The boxes have the columns image_id, study_id, region and x0 to y1.
    """
    checked = (
        region_boxes.with_columns(corner_columns())
        .join(
            images.select("image_id", "study_id", "width", "height"),
            on="image_id",
            how="left",
        )
        .with_columns(reason=_box_reason())
    )
    width, height = (
        pl.col(side).cast(pl.String).fill_null("unknown")
        for side in ("width", "height")
    )
    rejects = _rejects(
        checked,
        item_id=pl.format("{}/{}", "image_id", pl.col("region").cast(pl.String)),
        detail=pl.format(
            "image {}: expected a box of positive area inside {} x {} pixels, found "
            "({}, {}, {}, {})",
            "image_id",
            width,
            height,
            *CORNERS,
        ),
    )
    boxes = checked.filter(pl.col("reason").is_null()).select(
        "image_id",
        "study_id",
        pl.col("region").cast(REGION),
        pl.col("x0", "y0").clip(lower_bound=0).cast(pl.Float32),
        pl.min_horizontal("x1", "width").cast(pl.Float32).alias("x1"),
        pl.min_horizontal("y1", "height").cast(pl.Float32).alias("y1"),
    )
    return boxes, rejects


def _box_reason() -> pl.Expr:
    """Return why a box is none, or null."""
    x0, y0, x1, y1, width, height = (
        pl.col(name) for name in (*CORNERS, "width", "height")
    )
    is_outside = (
        (pl.min_horizontal(x0, y0) < -_TOLERANCE)
        | (x1 > width + _TOLERANCE)
        | (y1 > height + _TOLERANCE)
        # A sliver within the tolerance has nothing left inside of the image.
        | (pl.min_horizontal(x1, y1) <= 0)
        | (x0 >= width)
        | (y0 >= height)
    )
    return (
        pl.when(width.is_null())
        .then(pl.lit("unknown_image"))
        .when(~pl.all_horizontal(pl.col(CORNERS).is_finite()))
        .then(pl.lit("box_not_finite"))
        .when((x1 <= x0) | (y1 <= y0))
        .then(pl.lit("box_without_area"))
        .when(is_outside)
        .then(pl.lit("box_outside_image"))
    )


def _rejects(
    checked: pl.DataFrame, *, item_id: pl.Expr, detail: pl.Expr
) -> pl.DataFrame:
    """Return the rows that have a reason, as rejects."""
    return checked.filter(pl.col("reason").is_not_null()).select(
        pl.lit(Stage.ALIGN_REGIONS).alias("stage"),
        item_id.alias("item_id"),
        pl.col("reason"),
        detail.alias("detail"),
    )
