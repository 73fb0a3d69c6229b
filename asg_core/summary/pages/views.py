"""Which views the images have, how the source spells them, and which are left out."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from asg_core.summary.inputs import SummaryInputs, config_at
from asg_core.summary.sheets.numbers import count_text, percent_text
from asg_core.summary.sheets.sheet import (
    Cell,
    Sheet,
    missing_cell,
    number_columns,
    text_columns,
)
from asg_core.tables.catalog import VIEW_COUNTS
from asg_core.tables.schema import read_tables
from asg_core.tables.view_counts import (
    UNLISTED,
    WARN_ABOVE,
    add_views,
    num_images,
    share_of,
    spellings_text,
)
from asg_core.terms.view_spellings import is_known_spelling

logger = logging.getLogger(__name__)

_NUM_ROWS = 40
_KEPT_BY: Final = ("corpus", "images", "alignment")
"""Sections whose key `views` leaves images out, in the order of the pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownViews:
    """What the pages say about views."""

    sheet: Sheet
    text: str
    """One sentence on what is left out; empty where nothing is."""

    is_warned: bool
    """Whether more is left out than anyone should overlook."""


def show_views(
    inputs: SummaryInputs, *, may_export_examples: bool
) -> ShownViews | None:
    """Return what the pages say about views; None if there are no images.

    Spellings that `views.tsv` does not have are shown only where examples may be
    exported: the column of a view that was named by mistake can hold anything.
    """
    paths = inputs.tables.get(VIEW_COUNTS.name, ())
    counts = add_views(read_tables(paths, schema=VIEW_COUNTS))
    if counts.is_empty():
        return None
    if not may_export_examples:
        shown = [
            spelling if is_known_spelling(spelling) else UNLISTED
            for spelling in counts["spelling"]
        ]
        spellings = pl.Series("spelling", shown, dtype=pl.String)
        counts = add_views(counts.with_columns(spellings))
    counts = counts.sort(
        "num_images", "view", "spelling", descending=[True, False, False]
    )
    keys = {
        view: _left_out_by(view, config=inputs.config)
        for view in counts["view"].cast(pl.String).unique()
    }
    counts = counts.with_columns(
        left_out_by=pl.col("view").cast(pl.String).replace_strict(keys)
    )
    others = counts.filter(pl.col("left_out_by") != "")
    share = share_of(others, counts)
    text = "" if others.is_empty() else _sentence(others, counts)
    if share > WARN_ABOVE:
        logger.warning("%s", text)
    return ShownViews(sheet=_sheet(counts), text=text, is_warned=share > WARN_ABOVE)


def _left_out_by(view: str, *, config: Mapping[str, Any]) -> str:
    """Return the key that leaves a view out; empty: none does."""
    has_units = config_at(config, "regions").get("backend") != "none"
    for section in _KEPT_BY if has_units else _KEPT_BY[:2]:
        kept = config_at(config, section).get("views")
        if kept is not None and view not in kept:
            return f"{section}.views"
    return ""


def _sentence(others: pl.DataFrame, counts: pl.DataFrame) -> str:
    num_others, num_all = num_images(others), num_images(counts)
    return (
        f"{count_text(num_others)} of {count_text(num_all)} images "
        f"({percent_text(num_others / num_all)} %) are left out by their view: "
        f"{spellings_text(others)}."
    )


def _sheet(counts: pl.DataFrame) -> Sheet:
    total = num_images(counts)
    rows = [
        (
            Cell(text=row["view"]),
            _spelling_cell(row["spelling"]),
            Cell(text=count_text(row["num_images"])),
            Cell(text=percent_text(row["num_images"] / total)),
            Cell(text=row["left_out_by"]),
        )
        for row in counts.head(_NUM_ROWS).iter_rows(named=True)
    ]
    num_more = len(counts) - len(rows)
    more = (f"{count_text(num_more)} more spellings are in the CSV file.",)
    return Sheet(
        name="views",
        caption="Images by their view as the source spells it, before any is left out or "
        "rejected.",
        columns=(
            *text_columns("View", "Spelling"),
            *number_columns("Images", "%"),
            *text_columns("Left out by"),
        ),
        rows=tuple(rows),
        data=counts.with_columns(pl.col("view").cast(pl.String)),
        num_row_heads=2,
        notes=more if num_more else (),
    )


def _spelling_cell(spelling: str) -> Cell:
    if not spelling:
        return missing_cell("the source says nothing")
    unknown = "asg_core/terms/views.tsv does not have it, so that it counts as UNKNOWN"
    return Cell(text=spelling, why="" if is_known_spelling(spelling) else unknown)
