from collections.abc import Mapping
from pathlib import Path

import polars as pl

from asg_core.checking.facts import sheet_facts, sheet_rejects
from asg_core.checking.marks import FilledSheet, read_filled_sheet
from asg_core.tables.catalog import REJECTS
from support.marked_sheet import MARKS, marked, save, tables


def filled(folder: Path, marks: Mapping[int, Mapping[str, str]]) -> FilledSheet:
    return read_filled_sheet(save(marked(marks), folder / "filled.csv"))


def facts(sheet: FilledSheet, triplets: pl.DataFrame) -> list[str]:
    return list(sheet_facts(sheet, triplets, name="filled.csv"))


def test_of_a_sheet_that_is_done_only_its_size_is_told(tmp_path: Path) -> None:
    assert facts(filled(tmp_path, MARKS), tables()["triplets"]) == [
        "filled.csv: 4 proposed triplets judged and 1 missed ones written down, in 2 "
        "reports."
    ]


def test_what_has_no_mark_is_told_with_its_first_row(tmp_path: Path) -> None:
    marks = {number: MARKS[number] for number in (1, 2, 6, 8)}

    told = facts(filled(tmp_path, marks), tables()["triplets"])

    assert told[1:] == [
        "2 proposed triplets have no verdict and count for nothing, the first in row 4.",
        "2 reports are not marked as read to the end and count for no recall, the first "
        "in row 12.",
    ]


def test_rows_that_were_deleted_are_told(tmp_path: Path) -> None:
    sheet = read_filled_sheet(save(marked(MARKS)[:11], tmp_path / "f.csv"))

    told = facts(sheet, tables()["triplets"])

    assert told[1:] == ["4 rows of the drawn sheet are missing."]


def test_what_has_no_mark_is_rejected_by_row(tmp_path: Path) -> None:
    marks = {number: cells for number, cells in MARKS.items() if number not in (3, 15)}

    rejects = sheet_rejects(filled(tmp_path, marks))

    REJECTS.check(rejects, where="test")
    assert rejects.select("item_id", "reason").rows() == [
        ("row 4", "unjudged"),
        ("row 16", "not_read_to_the_end"),
    ]
    assert "row 4 of study s1, column verdict: expected" in rejects["detail"][0]


def test_a_sheet_of_another_parser_says_so(tmp_path: Path) -> None:
    sheet = filled(tmp_path, MARKS)
    same = tables()["triplets"]
    others = same.with_columns(
        existence=pl.when(pl.col("finding") == "mass")
        .then(pl.lit("absent"))
        .otherwise(pl.col("existence").cast(pl.String))
        .cast(same.schema["existence"])
    ).tail(3)

    (told,) = facts(sheet, others)[1:]

    assert "2 of the sheet's are gone, and its reports have 1 others" in told
    assert "joint_now is of the triplets of this run" in told
    (fewer,) = facts(sheet, same.tail(3))[1:]
    assert "1 of the sheet's are gone, and its reports have 0 others" in fewer
