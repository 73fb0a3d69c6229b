"""Which reports two parsers have both read, and what the second says of them."""

from pathlib import Path

import polars as pl
import pytest

from asg_core.checking.config import SecondOpinionConfig
from asg_core.checking.second import read_again, read_elsewhere
from asg_core.reports.config import ReportsConfig
from asg_core.tables.catalog import REJECTS, REPORTS, TRIPLETS
from asg_core.tables.schema import TableError, write_table
from support.marked_sheet import tables

STUDIES = pl.Series("study_id", ["s1", "s2", "s3"])


def save(triplets: pl.DataFrame, path: Path) -> Path:
    write_table(triplets, path, schema=TRIPLETS)
    return path


def test_another_parser_reads_the_reports_of_the_run() -> None:
    reports = REPORTS.frame(
        [
            {"study_id": "s1", "text": "FINDINGS: Small left effusion."},
            {"study_id": "s2", "text": " "},
            {"study_id": "s3", "text": " "},
        ]
    )

    opinion = read_again(reports, studies=STUDIES[:2], config=ReportsConfig())

    # Nobody has read s3, so it is no loss of the second.
    assert opinion.studies.to_list() == ["s1"]
    assert opinion.triplets["finding"].to_list() == ["pleural effusion"]
    REJECTS.check(opinion.rejects, where="test")
    assert opinion.rejects.select("stage", "item_id", "reason").rows() == [
        ("compare_triplets", "s2", "empty_report")
    ]


def test_files_are_compared_where_they_have_rows(tmp_path: Path) -> None:
    own = tables()["triplets"]
    other = own.head(1).with_columns(study_id=pl.lit("s9"))
    paths = [
        save(own.filter(study_id="s1"), tmp_path / "one.parquet"),
        save(pl.concat([own.filter(study_id="s2"), other]), tmp_path / "two.parquet"),
    ]

    opinion = read_elsewhere(paths, studies=STUDIES, include_history=False)

    assert opinion.studies.to_list() == ["s1", "s2"]
    assert opinion.triplets.sort(TRIPLETS.key).equals(own.sort(TRIPLETS.key))
    REJECTS.check(opinion.rejects, where="test")
    (reject,) = opinion.rejects.to_dicts()
    assert (reject["item_id"], reject["reason"]) == ("s3", "no_second_triplets")
    assert reject["detail"] == (
        "check_triplets.second_opinion.triplets: expected rows of the study in 2 files, "
        "found none."
    )


def test_claims_about_the_past_are_compared_where_the_run_has_them(
    tmp_path: Path,
) -> None:
    past = pl.lit("history", dtype=TRIPLETS.columns["context"])
    own = tables()["triplets"].filter(study_id="s2").with_columns(context=past)
    path = save(own, tmp_path / "past.parquet")

    without, with_them = (
        read_elsewhere([path], studies=STUDIES, include_history=wanted)
        for wanted in (False, True)
    )

    # The study was read, whatever it says.
    assert without.studies.to_list() == with_them.studies.to_list() == ["s2"]
    assert (len(without.triplets), len(with_them.triplets)) == (0, 1)


def test_the_same_rows_in_two_files_are_refused(tmp_path: Path) -> None:
    paths = [save(tables()["triplets"], tmp_path / f"{n}.parquet") for n in "ab"]

    with pytest.raises(TableError, match=r"second_opinion\.triplets: expected one row"):
        read_elsewhere(paths, studies=STUDIES, include_history=False)


def test_a_second_opinion_is_one() -> None:
    with pytest.raises(ValueError, match="one second opinion is compared at a time"):
        SecondOpinionConfig(parser="lexicon", triplets=Path("x.parquet"))

    assert not SecondOpinionConfig().is_wanted
    assert SecondOpinionConfig(parser="lexicon").is_wanted
    assert SecondOpinionConfig(triplets=Path("x.parquet")).is_wanted
