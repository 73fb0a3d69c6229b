"""Bring what reports claim about regions together with the boxes of those regions."""

import logging
from dataclasses import dataclass

import polars as pl

from asg_core.alignment.config import AlignmentConfig, Policy
from asg_core.alignment.tags import make_tag_targets
from asg_core.alignment.units import (
    CORNERS,
    clause_spans,
    make_units,
    sentence_spans,
)
from asg_core.tables.catalog import REGION, REJECTS
from asg_core.tables.view_counts import count_views_of, log_left_out
from asg_core.terms.regions import REGIONS
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

STAGE = Stage.ALIGN_REGIONS

_TOLERANCE = 0.5
"""Pixels by which a box may leave its image: rounding, and no error."""

_SENTENCE = ["study_id", "sentence_index"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignments:
    """What `align_regions` makes."""

    alignments: pl.DataFrame
    tag_targets: pl.DataFrame
    rejects: pl.DataFrame
    num_items: int
    """How many items there were to use: triplets and boxes."""

    counts: dict[str, int]
    """What happened, by name; see `align_regions`."""


def align_regions(
    *,
    sentences: pl.DataFrame,
    triplets: pl.DataFrame,
    region_boxes: pl.DataFrame,
    images: pl.DataFrame,
    config: AlignmentConfig,
) -> Alignments:
    """Make the units of each image: one box with one piece of its report.

    An image of `config.views` gets a unit for what its study's report claims about
    regions that have a box in it (see `make_units`). A sentence none of whose regions has
    a box here gives no unit of this image; it is still part of the report. Tag targets
    are made for all images of `config.views`, with boxes or without (see
    `make_tag_targets`).

    Rejected is what cannot be true: a claim of a sentence that does not exist or outside
    of its sentence, a box of an unknown image, without area, or outside of its image.

    Counted are, over the images of `config.views`: `images`, `images_without_boxes`,
    `images_without_units`, `units`, `scenario_1` to `scenario_3` (units), `scenario_4`
    (pairs of an image and a sentence that makes claims but has no region with a box in
    this image), `units_over_max`, `tag_targets`; and over the input: `boxes_not_used`
    (images of other views), `triplets_not_used` (other contexts or existences) and
    `triplets_without_region` (places that no box covers).

    Args:
        sentences: Rows of the table `sentences`, of the same studies as the others.
        triplets: Rows of the table `triplets`.
        region_boxes: Rows of the table `region_boxes`.
        images: Rows of the table `images`.
        config: What takes part, and the policy.
    """
    triplets, bad_triplets = _check_triplets(triplets, sentences=sentences)
    boxes, bad_boxes = _check_boxes(region_boxes, images=images)
    used_images = images.filter(pl.col("view").cast(pl.String).is_in(config.views))
    log_left_out(
        count_views_of(images),
        views=config.views,
        key="alignment.views",
        logger=logger,
    )
    used_boxes = boxes.join(used_images, on="image_id", how="semi")
    claims = _aligning(triplets, config=config)
    pairs = _region_pairs(claims)

    edges = used_boxes.join(pairs, on=["study_id", "region"])
    spans = (
        sentence_spans(sentences)
        if config.policy is Policy.MERGE
        else clause_spans(sentences, triplets=triplets)
    )
    all_units = make_units(edges, spans=spans, policy=config.policy)
    units = _first_units(all_units, max_units=config.max_units)
    tag_targets = make_tag_targets(triplets, images=used_images)
    rejects = pl.concat([bad_triplets, bad_boxes]).sort(REJECTS.key)

    without_boxes = used_images.join(used_boxes, on="image_id", how="anti")
    without_units = used_images.join(units, on="image_id", how="anti")
    is_boxed = pl.col("region").cast(pl.String).is_in(REGIONS)
    counts = {
        "images": len(used_images),
        "images_without_boxes": len(without_boxes),
        "images_without_units": len(without_units),
        "units": len(units),
        "units_over_max": len(all_units) - len(units),
        "tag_targets": len(tag_targets),
        "boxes_not_used": len(boxes) - len(used_boxes),
        "triplets_not_used": len(triplets) - len(claims),
        "triplets_without_region": len(claims.filter(~is_boxed)),
        **_count_scenarios(units),
        "scenario_4": _count_silent(claims, edges=edges, images=used_images),
    }
    logger.info(
        "%d images, %d triplets and %d boxes -> %d units (%s), %d tag targets",
        len(used_images),
        len(triplets),
        len(used_boxes),
        len(units),
        config.policy,
        len(tag_targets),
    )
    return Alignments(
        alignments=units,
        tag_targets=tag_targets,
        rejects=rejects,
        num_items=len(triplets) + len(bad_triplets) + len(region_boxes),
        counts=counts,
    )


def _check_triplets(
    triplets: pl.DataFrame, *, sentences: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the triplets that lie in a sentence, and rejects for the others."""
    known = sentences.select(*_SENTENCE, "start", "end")
    joined = triplets.join(known, on=_SENTENCE, how="left").with_columns(
        reason=pl.when(pl.col("start").is_null())
        .then(pl.lit("unknown_sentence"))
        .when(
            (pl.col("finding_start") < pl.col("start"))
            | (pl.col("finding_end") > pl.col("end"))
        )
        .then(pl.lit("outside_sentence"))
    )
    bad = joined.filter(pl.col("reason").is_not_null()).select(
        item_id=pl.format(
            "{}/{}/{}/{}/{}",
            "study_id",
            "sentence_index",
            pl.col("region").cast(pl.String),
            pl.col("finding").cast(pl.String),
            "finding_start",
        ),
        reason=pl.col("reason"),
        detail=pl.when(pl.col("start").is_null())
        .then(
            pl.format(
                "study {}: expected a sentence {}, found none; the tables sentences and "
                "triplets are of different runs",
                "study_id",
                "sentence_index",
            )
        )
        .otherwise(
            pl.format(
                "study {}, sentence {}: expected a finding inside {}-{}, found {}-{}",
                "study_id",
                "sentence_index",
                "start",
                "end",
                "finding_start",
                "finding_end",
            )
        ),
    )
    good = joined.filter(pl.col("reason").is_null()).select(triplets.columns)
    return good, _as_rejects(bad)


def _check_boxes(
    region_boxes: pl.DataFrame, *, images: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the sound boxes, clipped to their images, and rejects for the others.

    The boxes have the columns image_id, study_id, region and x0 to y1.
    """
    x0, y0, x1, y1 = (pl.col(corner) for corner in CORNERS)
    width, height = pl.col("width"), pl.col("height")
    is_finite = pl.all_horizontal(pl.col(corner).is_finite() for corner in CORNERS)
    is_outside = (
        (pl.min_horizontal(x0, y0) < -_TOLERANCE)
        | (x1 > width + _TOLERANCE)
        | (y1 > height + _TOLERANCE)
        # A sliver within the tolerance has nothing left inside of the image.
        | (pl.min_horizontal(x1, y1) <= 0)
        | (x0 >= width)
        | (y0 >= height)
    )
    joined = (
        region_boxes.with_columns(
            pl.col("box_xyxy").arr.get(index).alias(corner)
            for index, corner in enumerate(CORNERS)
        )
        .join(
            images.select("image_id", "study_id", "width", "height"),
            on="image_id",
            how="left",
        )
        .with_columns(
            reason=pl.when(width.is_null())
            .then(pl.lit("unknown_image"))
            .when(~is_finite)
            .then(pl.lit("box_not_finite"))
            .when((x1 <= x0) | (y1 <= y0))
            .then(pl.lit("box_without_area"))
            .when(is_outside)
            .then(pl.lit("box_outside_image"))
        )
    )
    corners = ", ".join(["{}"] * 4)
    bad = joined.filter(pl.col("reason").is_not_null()).select(
        item_id=pl.format("{}/{}", "image_id", pl.col("region").cast(pl.String)),
        reason=pl.col("reason"),
        detail=pl.format(
            "image {}: expected a box of positive area inside {} x {} pixels, found "
            f"({corners})",
            "image_id",
            width.cast(pl.String).fill_null("unknown"),
            height.cast(pl.String).fill_null("unknown"),
            *CORNERS,
        ),
    )
    good = joined.filter(pl.col("reason").is_null()).select(
        "image_id",
        "study_id",
        pl.col("region").cast(REGION),
        x0.clip(lower_bound=0).cast(pl.Float32),
        y0.clip(lower_bound=0).cast(pl.Float32),
        pl.min_horizontal(x1, width).cast(pl.Float32).alias("x1"),
        pl.min_horizontal(y1, height).cast(pl.Float32).alias("y1"),
    )
    return good, _as_rejects(bad)


def _as_rejects(bad: pl.DataFrame) -> pl.DataFrame:
    return bad.select(pl.lit(STAGE).alias("stage"), "item_id", "reason", "detail")


def _aligning(triplets: pl.DataFrame, *, config: AlignmentConfig) -> pl.DataFrame:
    return triplets.filter(
        pl.col("context").cast(pl.String).is_in(config.contexts)
        & pl.col("existence").cast(pl.String).is_in(config.existences)
    )


def _region_pairs(claims: pl.DataFrame) -> pl.DataFrame:
    """Return which sentence makes a claim about which region that can have a box."""
    return (
        claims.select(*_SENTENCE, pl.col("region").cast(pl.String))
        .filter(pl.col("region").is_in(REGIONS))
        .unique()
        .with_columns(pl.col("region").cast(REGION))
    )


def _first_units(units: pl.DataFrame, *, max_units: int | None) -> pl.DataFrame:
    return (
        units if max_units is None else units.filter(pl.col("unit_index") < max_units)
    )


def _count_scenarios(units: pl.DataFrame) -> dict[str, int]:
    return {
        f"scenario_{number}": int((units["scenario"] == number).sum())
        for number in (1, 2, 3)
    }


def _count_silent(
    claims: pl.DataFrame, *, edges: pl.DataFrame, images: pl.DataFrame
) -> int:
    """Count the pairs of an image and a sentence with claims but without a box here."""
    sentences = claims.select(_SENTENCE).unique()
    all_pairs = images.select("image_id", "study_id").join(sentences, on="study_id")
    return len(all_pairs.join(edges, on=["image_id", "sentence_index"], how="anti"))
