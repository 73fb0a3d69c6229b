"""Findings as image-level targets: what a report claims as a whole."""

import polars as pl

from asg_core.tables.catalog import EXISTENCE, TAG_TARGETS
from asg_core.terms.existence import EXISTENCE_RANK, Context, Existence


def make_tag_targets(triplets: pl.DataFrame, *, images: pl.DataFrame) -> pl.DataFrame:
    """Return the table `tag_targets` of `images`: one row per image and finding claimed.

    Over the report of the image's study, present wins over uncertain and uncertain over
    absent. What is past counts as follows: claims about the history say nothing about
    this image and are left out; a removal says that the finding is absent now. A finding
    that the report does not mention has no row, and an image whose report claims nothing
    has none at all.

    Args:
        triplets: Rows of the table `triplets`.
        images: Rows of the table `images` that get targets.
    """
    rank = {existence.value: rank for rank, existence in enumerate(EXISTENCE_RANK)}
    by_rank = {rank: existence.value for rank, existence in enumerate(EXISTENCE_RANK)}
    is_removal = pl.col("context") == Context.REMOVAL.value
    existence = (
        pl.when(is_removal)
        .then(pl.lit(Existence.ABSENT.value))
        .otherwise(pl.col("existence").cast(pl.String))
    )
    over_reports = (
        triplets.filter(pl.col("context") != Context.HISTORY.value)
        .with_columns(rank=existence.replace_strict(rank, return_dtype=pl.Int8))
        .group_by("study_id", "finding")
        .agg(pl.col("rank").min())
        .with_columns(
            existence=pl.col("rank").replace_strict(by_rank, return_dtype=EXISTENCE)
        )
    )
    return (
        images.select("image_id", "study_id")
        .join(over_reports, on="study_id")
        .select(list(TAG_TARGETS.columns))
        .sort(TAG_TARGETS.key)
    )
