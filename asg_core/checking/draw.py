"""Shards of sentences and triplets -> the reports to be checked, and their rows."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from asg_core.checking.config import TripletCheckConfig
from asg_core.checking.sample import claims_of, draw_reports, stratify
from asg_core.checking.sheet import make_sheet
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLETS
from asg_core.tables.schema import TableSchema, read_table

logger = logging.getLogger(__name__)

_SCHEMAS: tuple[TableSchema, ...] = (REPORTS, SENTENCES, TRIPLETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSheet:
    """A sheet to be marked, and how its reports were drawn.

    `strata` has stratum, num_reports (of the corpus), num_drawn and probability.
    """

    content: bytes
    strata: pl.DataFrame


def draw_sheet(
    paths: Mapping[str, Sequence[Path]], *, config: TripletCheckConfig
) -> DrawnSheet:
    """Draw reports and return their sheet.

    Reports without any sentence cannot be judged and are not drawn. Shards are read one
    by one, and of a report that is not drawn only its kinds of claims are held.

    Args:
        paths: The shards of `reports`, `sentences` and `triplets`, by table.
        config: The number of reports, and the seed of the draw.

    Raises:
        TableError: If a file is not the table it should be.
        ValueError: If no report has a sentence.
    """
    sentences = [
        read_table(path, schema=SENTENCES)["study_id"].unique()
        for path in paths["sentences"]
    ]
    claims = [
        claims_of(read_table(path, schema=TRIPLETS)) for path in paths["triplets"]
    ]
    studies = pl.concat([SENTENCES.empty()["study_id"], *sentences])
    if studies.is_empty():
        raise ValueError(
            "check_triplets: expected reports with sentences to draw from, found none. "
            "Look into the rejects of extract_triplets."
        )
    strata = stratify(studies, pl.concat(claims))
    drawn = draw_reports(strata, num_reports=config.num_reports, seed=config.seed)
    tables = {
        schema.name: read_rows_of(drawn["study_id"], paths[schema.name], schema=schema)
        for schema in _SCHEMAS
    }
    logger.info("drew %d of %d reports", len(drawn), len(strata))
    return DrawnSheet(
        content=make_sheet(drawn, **tables), strata=_counts(strata, drawn)
    )


def read_rows_of(
    studies: pl.Series, paths: Sequence[Path], *, schema: TableSchema
) -> pl.DataFrame:
    """Return the rows of some studies, reading the shards one by one."""
    is_wanted = pl.col("study_id").is_in(studies.unique().to_list())
    rows = [read_table(path, schema=schema).filter(is_wanted) for path in paths]
    return pl.concat([schema.empty(), *rows])


def _counts(strata: pl.DataFrame, drawn: pl.DataFrame) -> pl.DataFrame:
    return (
        strata.group_by("stratum")
        .len("num_reports")
        .join(
            drawn.group_by("stratum").agg(
                pl.len().alias("num_drawn"), pl.first("probability")
            ),
            on="stratum",
            how="left",
        )
        .with_columns(pl.col("num_drawn").fill_null(0))
        .sort("num_reports", "stratum")
    )
