"""What a marked sheet says about itself: in sentences, and as rejects."""

from collections.abc import Iterator

import polars as pl

from asg_core.checking.elements import JOINT_NOW
from asg_core.checking.marks import UNJUDGED, UNREAD, FilledSheet
from asg_core.checking.score import STAGE
from asg_core.tables.catalog import REJECTS


def sheet_facts(
    sheet: FilledSheet, triplets: pl.DataFrame, *, name: str
) -> Iterator[str]:
    """Yield what a reader of the scores must know, as sentences.

    Args:
        sheet: The marked sheet.
        triplets: Rows of TRIPLETS: what the run has now of the reports of the sheet.
        name: The name of the sheet's file.
    """
    num_judged = int(sheet.claims["is_proposed"].sum())
    yield (
        f"{name}: {num_judged} proposed triplets judged and "
        f"{len(sheet.claims) - num_judged} missed ones written down, in "
        f"{sheet.claims['study_id'].n_unique()} reports."
    )
    unjudged, unread = (
        sheet.unmarked.filter(reason=reason)["row"] for reason in (UNJUDGED, UNREAD)
    )
    if len(unjudged):
        yield (
            f"{len(unjudged)} proposed triplets have no verdict and count for nothing, "
            f"the first in row {unjudged[0]}."
        )
    if len(unread):
        yield (
            f"{len(unread)} reports are not marked as read to the end and count for no "
            f"recall, the first in row {unread[0]}."
        )
    if sheet.num_missing:
        yield f"{sheet.num_missing} rows of the drawn sheet are missing."
    key = sheet.proposals.columns
    current = triplets.select(
        pl.col(one).cast(kind) for one, kind in sheet.proposals.schema.items()
    )
    num_gone = len(sheet.proposals.join(current, on=key, how="anti"))
    num_new = len(current.join(sheet.proposals, on=key, how="anti"))
    if num_gone + num_new:
        yield (
            "The triplets of this run are not those of the sheet: "
            f"{num_gone} of the sheet's are gone, and its reports have {num_new} others. "
            "The scores are of the parser that the sheet was drawn with; "
            f"{JOINT_NOW} is of the triplets of this run, against the same truth, in the "
            "reports that are read to the end with a verdict on every row."
        )


def sheet_rejects(sheet: FilledSheet) -> pl.DataFrame:
    """Return what has no mark: proposed triplets, and reports not read to the end."""
    where = "row {} of study {}, column verdict: expected "
    unjudged = f"{where}a verdict: y, s, n or letters of f, r, e, found no mark"
    unread = f"{where}y where a report was read to the end, found no mark"
    rejects = sheet.unmarked.select(
        "reason",
        stage=pl.lit(STAGE),
        item_id=pl.format("row {}", "row"),
        detail=pl.when(pl.col("reason") == UNJUDGED)
        .then(pl.format(unjudged, "row", "study_id"))
        .otherwise(pl.format(unread, "row", "study_id")),
    )
    return REJECTS.frame(rejects.iter_rows(named=True))
