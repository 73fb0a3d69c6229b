"""How many images a choice of views leaves out, and how their views are spelled."""

import logging
from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from asg_core.tables.catalog import VIEW_COUNTS

WARN_ABOVE: Final = 0.05
"""Share of images left out by their view that a reader of the log is warned about."""

UNLISTED: Final = "(not in views.tsv)"
"""Stands for spellings that are not to be shown."""

_NUM_SHOWN = 12


def count_views(counts: Mapping[tuple[str, str | None], int]) -> pl.DataFrame:
    """Return VIEW_COUNTS for the number of images of each view and spelling.

    A spelling that is None says nothing, as an empty one does.
    """
    rows = [
        {"view": view, "spelling": spelling or "", "num_images": number}
        for (view, spelling), number in counts.items()
    ]
    return add_views(VIEW_COUNTS.frame(rows))


def count_views_of(images: pl.DataFrame) -> pl.DataFrame:
    """Return VIEW_COUNTS for rows of the table `images`."""
    spelled = images.select(
        "view",
        pl.col("view_as_given").fill_null("").alias("spelling"),
        pl.lit(1, dtype=pl.Int64).alias("num_images"),
    )
    return add_views(spelled)


def add_views(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of several VIEW_COUNTS in one frame, sorted by key."""
    return (
        counts.group_by(VIEW_COUNTS.key)
        .agg(pl.col("num_images").sum())
        .sort(VIEW_COUNTS.key)
    )


def left_out(counts: pl.DataFrame, *, views: Collection[str]) -> pl.DataFrame:
    """Return the rows of VIEW_COUNTS that have none of `views`, most images first."""
    others = counts.filter(~pl.col("view").cast(pl.String).is_in(list(views)))
    return others.sort(
        "num_images", "view", "spelling", descending=[True, False, False]
    )


def share_of(part: pl.DataFrame, counts: pl.DataFrame) -> float:
    """Return which share of the images of `counts` is in `part`; 0 for no images."""
    return num_images(part) / max(num_images(counts), 1)


def num_images(counts: pl.DataFrame) -> int:
    """Return the sum of the images of all rows."""
    return int(counts["num_images"].sum())


def spellings_text(rows: pl.DataFrame) -> str:
    """Return views and spellings with their numbers, the first dozen of them."""
    shown = [
        f"{view} {_quoted(spelling)} {number:,}"
        for view, spelling, number in rows.head(_NUM_SHOWN)
        .select(*VIEW_COUNTS.key, "num_images")
        .iter_rows()
    ]
    rest = rows.tail(-_NUM_SHOWN) if len(rows) > _NUM_SHOWN else rows.clear()
    if len(rest):
        shown.append(f"{len(rest):,} others {num_images(rest):,}")
    return ", ".join(shown)


def log_left_out(
    counts: pl.DataFrame, *, views: Collection[str], key: str, logger: logging.Logger
) -> None:
    """Log how many images are left out by their view, by spelling; warn if many are.

    Args:
        counts: VIEW_COUNTS of all images that the choice is made of.
        views: The views that are kept.
        key: The configuration key that names them.
        logger: Of the stage that leaves them out.
    """
    others = left_out(counts, views=views)
    if others.is_empty():
        return
    share = share_of(others, counts)
    logger.log(
        logging.WARNING if share > WARN_ABOVE else logging.INFO,
        "%s leaves out %s of %s images (%.1f %%) by their view: %s",
        key,
        f"{num_images(others):,}",
        f"{num_images(counts):,}",
        100 * share,
        spellings_text(others),
    )


def _quoted(spelling: str) -> str:
    """Return a spelling in quotes, cut where it is no spelling but a text."""
    short = spelling if len(spelling) <= 40 else f"{spelling[:37]}..."
    if spelling in ("", UNLISTED):
        return spelling or "(not said)"
    return f"'{short}'"
