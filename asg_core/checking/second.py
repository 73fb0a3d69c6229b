"""The second opinion on some reports: of another parser, or of files made elsewhere."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from asg_core.checking.draw import read_rows_of
from asg_core.reports.config import ReportsConfig
from asg_core.reports.parse import parse_reports
from asg_core.tables.catalog import REJECTS, TRIPLETS
from asg_core.terms.existence import Context
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

STAGE = Stage.COMPARE_TRIPLETS


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """What is compared with the triplets of the run."""

    studies: pl.Series
    """The studies that the run and the second have both read."""

    triplets: pl.DataFrame
    """Rows of TRIPLETS of these studies."""

    rejects: pl.DataFrame
    """REJECTS: the studies that the run has read and the second has not."""


def read_again(
    reports: pl.DataFrame, *, studies: pl.Series, config: ReportsConfig
) -> SecondOpinion:
    """Return what another parser reads in the same reports.

    Args:
        reports: Rows of REPORTS.
        studies: Those of them that the run has read.
        config: How the second parser reads.

    Raises:
        ValueError: If the parser's model or file cannot be used.
    """
    parsed = parse_reports(reports, config=config)
    unread = parsed.rejects.filter(pl.col("item_id").is_in(studies.to_list()))
    return _opinion(
        parsed.triplets,
        studies=studies,
        rejects=unread.with_columns(stage=pl.lit(STAGE.value)),
    )


def read_elsewhere(
    paths: Sequence[Path], *, studies: pl.Series, include_history: bool
) -> SecondOpinion:
    """Return what files of triplets say of the studies that the run has read.

    A study without a row in the files counts as not read: they do not say which studies
    their parser has read and found nothing in.

    Args:
        paths: Files of the table TRIPLETS.
        studies: Those that the run has read.
        include_history: Whether claims about the past are compared; they are where the
            run has them.

    Raises:
        TableError: If a file is not the table, or two files have the same row.
    """
    triplets = read_rows_of(studies, paths, schema=TRIPLETS)
    TRIPLETS.check(triplets, where="check_triplets.second_opinion.triplets")
    missing = studies.filter(~studies.is_in(triplets["study_id"].to_list()))
    rejects = [
        {
            "stage": STAGE.value,
            "item_id": study_id,
            "reason": "no_second_triplets",
            "detail": "check_triplets.second_opinion.triplets: expected rows of the "
            f"study in {len(paths)} files, found none.",
        }
        for study_id in missing
    ]
    if not include_history:
        triplets = triplets.filter(pl.col("context") != Context.HISTORY.value)
    return _opinion(triplets, studies=studies, rejects=REJECTS.frame(rejects))


def _opinion(
    triplets: pl.DataFrame, *, studies: pl.Series, rejects: pl.DataFrame
) -> SecondOpinion:
    both = studies.filter(~studies.is_in(rejects["item_id"].to_list()))
    logger.info("%d of %d studies are read by both", len(both), len(studies))
    return SecondOpinion(
        studies=both,
        triplets=triplets.filter(pl.col("study_id").is_in(both.to_list())),
        rejects=rejects,
    )
