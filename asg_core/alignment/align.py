"""Bring what reports claim about regions together with the boxes of those regions."""

import logging
from dataclasses import dataclass

import polars as pl

from asg_core.alignment.checks import check_boxes, check_triplets
from asg_core.alignment.config import AlignmentConfig, Policy
from asg_core.alignment.tags import make_tag_targets
from asg_core.alignment.units import clause_spans, make_units, sentence_spans
from asg_core.tables.catalog import REGION, REJECTS
from asg_core.tables.view_counts import count_views_of, log_left_out
from asg_core.terms.regions import REGIONS

logger = logging.getLogger(__name__)

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
    """How often what happened.

    Over the images of the views that are used: `images`, `images_without_boxes`,
    `images_without_units`, `units`, `scenario_1` to `scenario_3` (units), `scenario_4`
    (pairs of an image and a sentence that makes claims but has no region with a box in
    this image), `units_over_max` and `tag_targets`. Over the input: `boxes_not_used`
    (images of other views), `triplets_not_used` (other contexts or existences) and
    `triplets_without_region` (places that no box covers).
    """


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

    What cannot be true is rejected: a claim of a sentence that does not exist or outside
    of its sentence, a box of an unknown image, without area, or outside of its image.

    Args:
        sentences: Rows of the table `sentences`, of the same studies as the others.
        triplets: Rows of the table `triplets`.
        region_boxes: Rows of the table `region_boxes`.
        images: Rows of the table `images`.
        config: What takes part, and the policy.
    """
    sound, bad_triplets = check_triplets(triplets, sentences=sentences)
    boxes, bad_boxes = check_boxes(region_boxes, images=images)
    used_images = _used_images(images, config=config)
    used_boxes = boxes.join(used_images, on="image_id", how="semi")
    claims = _aligning(sound, config=config)
    edges = used_boxes.join(_region_pairs(claims), on=["study_id", "region"])
    spans = (
        sentence_spans(sentences)
        if config.policy is Policy.MERGE
        else clause_spans(sentences, triplets=sound)
    )
    all_units = make_units(edges, spans=spans, policy=config.policy)
    is_kept = pl.col("unit_index") < (config.max_units or len(all_units))
    units = all_units.filter(is_kept)
    tag_targets = make_tag_targets(sound, images=used_images)
    counts = {
        **_count_images(used_images, boxes=used_boxes, units=units),
        **_count_units(units),
        "units_over_max": len(all_units) - len(units),
        "tag_targets": len(tag_targets),
        "boxes_not_used": len(boxes) - len(used_boxes),
        "triplets_not_used": len(sound) - len(claims),
        "triplets_without_region": len(claims.filter(~_is_boxed())),
        "scenario_4": _count_silent(claims, edges=edges, images=used_images),
    }
    logger.info("policy %s: %s", config.policy, counts)
    return Alignments(
        alignments=units,
        tag_targets=tag_targets,
        rejects=pl.concat([bad_triplets, bad_boxes]).sort(REJECTS.key),
        num_items=len(triplets) + len(region_boxes),
        counts=counts,
    )


def _used_images(images: pl.DataFrame, *, config: AlignmentConfig) -> pl.DataFrame:
    """Return the images that get units, and log which views are left out."""
    counts, views = count_views_of(images), config.views
    log_left_out(counts, views=views, key="alignment.views", logger=logger)
    return images.filter(pl.col("view").cast(pl.String).is_in(views))


def _aligning(triplets: pl.DataFrame, *, config: AlignmentConfig) -> pl.DataFrame:
    """Return the triplets that take part."""
    return triplets.filter(
        pl.col("context").cast(pl.String).is_in(config.contexts)
        & pl.col("existence").cast(pl.String).is_in(config.existences)
    )


def _is_boxed() -> pl.Expr:
    """Say whether the region of a triplet is one that can have a box."""
    return pl.col("region").cast(pl.String).is_in(REGIONS)


def _region_pairs(claims: pl.DataFrame) -> pl.DataFrame:
    """Return which sentence makes a claim about which region that can have a box."""
    region = pl.col("region").cast(pl.String).cast(REGION)
    return claims.filter(_is_boxed()).select(*_SENTENCE, region).unique()


def _count_images(
    images: pl.DataFrame, *, boxes: pl.DataFrame, units: pl.DataFrame
) -> dict[str, int]:
    return {
        "images": len(images),
        "images_without_boxes": len(images.join(boxes, on="image_id", how="anti")),
        "images_without_units": len(images.join(units, on="image_id", how="anti")),
    }


def _count_units(units: pl.DataFrame) -> dict[str, int]:
    of_scenario = {
        f"scenario_{number}": int((units["scenario"] == number).sum())
        for number in (1, 2, 3)
    }
    return {"units": len(units), **of_scenario}


def _count_silent(
    claims: pl.DataFrame, *, edges: pl.DataFrame, images: pl.DataFrame
) -> int:
    """Count the pairs of an image and a sentence with claims but without a box here."""
    sentences = claims.select(_SENTENCE).unique()
    all_pairs = images.select("image_id", "study_id").join(sentences, on="study_id")
    return len(all_pairs.join(edges, on=["image_id", "sentence_index"], how="anti"))
