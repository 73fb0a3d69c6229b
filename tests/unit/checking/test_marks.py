from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from asg_core.checking.marks import (
    UNJUDGED,
    UNREAD,
    FilledSheet,
    read_filled_sheet,
)
from asg_core.checking.sheet import COLUMNS
from asg_core.checking.spreadsheet import SheetError
from support.marked_sheet import (
    MARKS,
    marked,
    rows_of,
    save,
    save_workbook,
    sheet_content,
)


def read(tmp_path: Path, marks: Mapping[int, Mapping[str, str]]) -> FilledSheet:
    return read_filled_sheet(save(marked(marks), tmp_path / "filled.csv"))


def problem(tmp_path: Path, marks: Mapping[int, Mapping[str, str]]) -> str:
    with pytest.raises(SheetError) as caught:
        read(tmp_path, marks)
    return str(caught.value)


def test_marks_become_judged_triplets(tmp_path: Path) -> None:
    claims = read(tmp_path, MARKS).claims

    columns = ("row", "study_id", "is_proposed", "is_true", "is_complete", "weight")
    assert claims.select(columns).rows() == [
        (2, "s1", True, True, True, 1.0),
        (3, "s1", True, True, True, 1.0),
        (4, "s1", True, True, True, 1.0),
        (8, "s2", True, False, True, 2.0),
        (9, "s2", False, True, True, 2.0),
    ]
    assert claims.select(
        "proposed_region", "true_region", "is_right_region"
    ).rows() == [
        ("left costophrenic angle", "left costophrenic angle", True),
        ("right lung", "right lower lung zone", False),
        ("left lung", "left lung", True),
        ("unspecified", None, False),
        (None, "cardiac silhouette", False),
    ]
    assert claims["is_right_finding"].to_list() == [True, True, True, False, False]
    assert claims["true_existence"].to_list() == [
        "present",
        "absent",
        "absent",
        None,
        "present",
    ]


def test_a_row_without_a_mark_is_not_right_but_unjudged(tmp_path: Path) -> None:
    sheet = read(tmp_path, {1: {"verdict": "y"}, 6: {"verdict": "n"}})

    assert sheet.claims["row"].to_list() == [2]
    assert sheet.claims["is_complete"].to_list() == [False]
    assert sheet.unmarked.rows() == [
        (3, "s1", UNJUDGED),
        (4, "s1", UNJUDGED),
        (7, "s1", UNREAD),
        (8, "s2", UNJUDGED),
        (12, "s2", UNREAD),
        (16, "s3", UNREAD),
    ]
    assert sheet.num_to_mark == 7
    assert sheet.reports.rows() == [
        ("s1", 1.0, False),
        ("s2", 2.0, False),
        ("s3", 4.0, False),
    ]
    closed = read(tmp_path, MARKS | {1: {"verdict": ""}})
    assert closed.reports["is_settled"].to_list() == [False, True, True]


def test_one_mark_can_judge_a_sentence(tmp_path: Path) -> None:
    sheet = read(tmp_path, {2: {"verdict": "s"}, 7: {"verdict": "S"}})

    # Both edema rows are of one sentence; the effusion is of another.
    assert sheet.claims["row"].to_list() == [3, 4, 8]
    assert sheet.claims.select(pl.all_horizontal("^is_right_.*$").all()).item()
    unjudged = sheet.unmarked.filter(reason=UNJUDGED)
    assert unjudged.select("row", "study_id").rows() == [(2, "s1")]


def test_a_verdict_of_its_own_counts_before_that_of_the_sentence(
    tmp_path: Path,
) -> None:
    sheet = read(tmp_path, {3: {"verdict": "s"}, 2: {"verdict": "e"}})

    assert sheet.claims["is_right_existence"].to_list() == [False, True]


def test_a_correction_needs_a_mark_in_a_right_sentence_too(tmp_path: Path) -> None:
    text = problem(tmp_path, {3: {"verdict": "s"}, 2: {"true_region": "left lung"}})

    assert "row 3, column verdict: expected a mark" in text


def test_an_empty_sheet_has_no_claims(tmp_path: Path) -> None:
    sheet = read(tmp_path, {})

    assert sheet.claims.is_empty()
    assert len(sheet.proposals) == 4


@pytest.mark.parametrize(
    ("verdict", "wrong"),
    [("f", "f"), ("re", "re"), ("R, E", "re"), ("e+r", "re"), ("f/r/e", "fre")],
)
def test_letters_name_the_wrong_elements(
    tmp_path: Path, verdict: str, wrong: str
) -> None:
    (claim,) = read(tmp_path, {1: {"verdict": verdict}}).claims.to_dicts()

    is_wrong = {
        "f": not claim["is_right_finding"],
        "r": not claim["is_right_region"],
        "e": not claim["is_right_existence"],
    }
    assert {letter for letter, yes in is_wrong.items() if yes} == set(wrong)
    assert claim["is_true"]


@pytest.mark.parametrize(
    ("number", "cells", "expected"),
    [
        (
            1,
            {"verdict": "maybe"},
            "row 2, column verdict: expected y, s, n, or the letters",
        ),
        (
            1,
            {"true_region": "left lung"},
            "row 2, column verdict: expected a mark, since",
        ),
        (
            1,
            {"verdict": "r", "true_region": "left lungs"},
            "row 2, column true_region: expected one word for the region (did you mean "
            "['left lung'",
        ),
        (
            1,
            {"verdict": "e", "true_existence": "2"},
            "row 2, column true_existence: expected one word for the existence (the "
            "worksheet 'words' lists them), found '2'",
        ),
        (
            1,
            {"verdict": "r", "true_region": "left costophrenic angle"},
            "row 2, column true_region: expected another word than the one called wrong",
        ),
        (
            1,
            {"verdict": "y", "true_finding": "mass"},
            "row 2, column true_finding: expected nothing, since the verdict is 'y'",
        ),
        (
            7,
            {"verdict": "n", "true_finding": "nodule"},
            "row 8, column true_finding: expected nothing, since the verdict is 'n'",
        ),
        (
            4,
            {"verdict": "y"},
            "row 5, column verdict: expected nothing in a row of kind",
        ),
        (
            4,
            {"true_finding": "mass", "true_existence": "present"},
            "row 5, column true_region: expected one word for the region",
        ),
        (6, {"verdict": "r"}, "row 7, column verdict: expected y (read to the end)"),
        (
            6,
            {"verdict": "y", "true_finding": "mass"},
            "row 7, column true_finding: expected nothing in a row of kind report",
        ),
        (2, {"kind": "purposed"}, "row 3, column kind: expected one of ['proposed'"),
        (2, {"start": "1.6.25"}, "row 3, column start: expected the whole number"),
        (2, {"weight_100": ""}, "row 3, column weight_100: expected the whole number"),
        (
            2,
            {"verdict": "s", "sentence_number": "1. Jan"},
            "row 3, column sentence_number: expected the whole number",
        ),
        (2, {"region": "left lng"}, "row 3, column region: expected the word that the"),
        (
            2,
            {"row": "1"},
            "row 3, column row: expected a number that row 2 does not have",
        ),
    ],
)
def test_what_cannot_be_understood_is_named_by_row_and_column(
    tmp_path: Path, number: int, cells: dict[str, str], expected: str
) -> None:
    assert expected in problem(tmp_path, {number: cells})


def test_all_problems_are_told_at_once_but_not_a_thousand(tmp_path: Path) -> None:
    two = problem(tmp_path, {1: {"verdict": "?"}, 7: {"verdict": "!"}})
    assert two.startswith(f"{tmp_path / 'filled.csv'}: 2 cells cannot be understood.")
    assert [line[:5] for line in two.splitlines()[1:]] == ["row 2", "row 8"]

    rows = marked({})
    extra = dict.fromkeys(COLUMNS, "") | {"draw": rows[0]["draw"], "kind": "?"}
    path = save([*rows, *([extra] * 30)], tmp_path / "many.csv")
    with pytest.raises(SheetError, match=r"30 cells(.|\n)*and 10 more") as caught:
        read_filled_sheet(path)
    assert len(str(caught.value).splitlines()) == 1 + 20 + 1


def test_rows_can_be_added_for_more_misses(tmp_path: Path) -> None:
    truth = {
        "true_finding": "mass",
        "true_region": "left lung",
        "true_existence": "a",
        "study": "s3",
    }
    path = save(
        [*marked(MARKS), truth, truth | {"true_finding": "nodule"}], tmp_path / "f"
    )

    added = read_filled_sheet(path).claims.tail(2)

    assert added.select("study_id", "true_finding", "weight", "row").rows() == [
        ("s3", "mass", 4.0, 17),
        ("s3", "nodule", 4.0, 18),
    ]


def test_an_added_row_names_its_report(tmp_path: Path) -> None:
    truth = {"true_finding": "mass", "true_region": "spine", "true_existence": "p"}

    path = save([*marked(MARKS), truth | {"study": "s9"}], tmp_path / "f.csv")

    with pytest.raises(SheetError, match="row 17, column study: expected the study of"):
        read_filled_sheet(path)


def test_rows_that_were_deleted_are_counted(tmp_path: Path) -> None:
    sheet = read_filled_sheet(save(marked(MARKS)[:6], tmp_path / "part.csv"))

    assert sheet.num_missing == 9
    assert len(sheet.claims) == 3


def test_a_row_that_was_copied_counts_once(tmp_path: Path) -> None:
    rows = marked(MARKS)

    sheet = read_filled_sheet(save([*rows, rows[0], rows[5]], tmp_path / "copy.csv"))

    assert len(sheet.claims) == 5
    assert sheet.num_missing == 0


def test_sheets_of_two_draws_are_refused(tmp_path: Path) -> None:
    rows = marked(MARKS)
    rows[0]["draw"] = "draw 00000000 of 15 rows"

    with pytest.raises(SheetError, match="column draw: expected the same text in all"):
        read_filled_sheet(save(rows, tmp_path / "two.csv"))


def test_a_sheet_without_its_heads_is_refused(tmp_path: Path) -> None:
    path = save(marked(MARKS), tmp_path / "few.csv", columns=COLUMNS[1:])
    with pytest.raises(SheetError, match=r"row 1: .* missing \['row'\], twice \[\]"):
        read_filled_sheet(path)

    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(SheetError, match="row 1: expected each of the columns"):
        read_filled_sheet(tmp_path / "empty.csv")


DAMAGE = {
    "semicolons": {"delimiter": ";"},
    "tabs": {"delimiter": "\t"},
    "columns in another order": {"columns": COLUMNS[::-1]},
    "columns added": {"columns": (*COLUMNS, "", "reader")},
    "a column of no use lost": {"columns": [c for c in COLUMNS if c != "sentence"]},
    "Windows letters": {"change": lambda text: text.encode("cp1252", "replace")},
    "UTF-16": {"change": lambda text: text.encode("utf-16")},
    "a byte order mark": {"change": lambda text: text.encode("utf-8-sig")},
    "bare line feeds": {"change": lambda text: text.replace("\r\n", "\n").encode()},
    "old Mac lines": {"change": lambda text: text.replace("\r\n", "\r").encode()},
    "empty lines at the end": {"change": lambda text: (text + ",,,\r\n" * 9).encode()},
    "a line that names the delimiter": {
        "delimiter": ";",
        "change": lambda text: ("sep=;\r\n" + text).encode(),
    },
    "capital heads": {
        "change": lambda text: (
            text.partition("\n")[0].upper() + "\n" + text.partition("\n")[2]
        ).encode()
    },
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_spreadsheet_programs_do_to_a_file_is_tolerated(
    tmp_path: Path, name: str
) -> None:
    rows = marked(MARKS)
    rows[0]["remark"] = "sic \u2013 \u00e9"
    expected = read_filled_sheet(save(rows, tmp_path / "plain.csv"))

    found = read_filled_sheet(save(rows, tmp_path / "damaged.csv", **DAMAGE[name]))  # type: ignore[arg-type]

    assert found.claims.equals(expected.claims)
    assert found.proposals.equals(expected.proposals)
    assert found.unmarked.equals(expected.unmarked)


def test_rows_in_another_order_mean_the_same(tmp_path: Path) -> None:
    expected = read(tmp_path, MARKS)

    found = read_filled_sheet(save(marked(MARKS)[::-1], tmp_path / "sorted.csv"))

    def sorted_claims(sheet: FilledSheet) -> pl.DataFrame:
        return sheet.claims.drop("row").sort(pl.all())

    assert sorted_claims(found).equals(sorted_claims(expected))


def test_numbers_and_dates_that_a_program_has_made_do_no_harm(tmp_path: Path) -> None:
    rows = marked(MARKS)
    for row in rows:
        row["row"] += ".0"
        row["weight_100"] += ",00"
        row["sentence"] = "01.Mai"
        row["section"] = "1. Jan"

    sheet = read_filled_sheet(save(rows, tmp_path / "numbers.csv", delimiter=";"))

    assert sheet.claims.equals(read(tmp_path, MARKS).claims)


def test_the_sheet_as_drawn_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(sheet_content())

    assert len(read_filled_sheet(path).unmarked.filter(reason=UNJUDGED)) == 4
    assert len(rows_of(sheet_content())) == 15


def test_a_marked_workbook_says_what_the_same_marks_in_csv_do(tmp_path: Path) -> None:
    found = read_filled_sheet(save_workbook(MARKS, tmp_path / "filled.xlsx"))

    expected = read(tmp_path, MARKS)
    assert found.claims.equals(expected.claims)
    assert found.proposals.equals(expected.proposals)
    assert found.reports.equals(expected.reports)


def test_weights_with_hundredths_are_those_of_the_draw(tmp_path: Path) -> None:
    rows = marked(MARKS)
    for row in rows:
        row["weight_100"] = {"s1": "113", "s2": "229", "s3": "377"}[row["study"]]

    sheet = read_filled_sheet(save(rows, tmp_path / "f.csv"))

    assert sheet.reports["weight"].to_list() == [1.13, 2.29, 3.77]
    assert sheet.claims["weight"].to_list() == [1.13] * 3 + [2.29] * 2


def test_a_weight_that_differs_inside_a_report_is_named(tmp_path: Path) -> None:
    text = problem(tmp_path, {8: {"weight_100": "3"}, 11: {"weight_100": "300"}})

    # Row 9 is of a sentence without triplets, whose weight nothing is counted with.
    assert "row 12, column weight_100: expected the whole number" in text
    assert "row 9" not in text


HOSTILE: dict[str, object] = {
    "a formula": "=G2",
    "an error": "#N/A",
    "a date": datetime(2026, 5, 1),  # noqa: DTZ001 - cells know no time zone
    "a number": 12.5,
    "a formula of several cells": ArrayFormula("G3:G4", "=H3:H4"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("column", ["verdict", "true_region", "start", "draw"])
def test_a_cell_that_a_program_has_changed_is_named(
    tmp_path: Path, name: str, column: str
) -> None:
    marks = {2: {"verdict": "r", column: HOSTILE[name]}}

    with pytest.raises(SheetError, match=rf"column {column}: expected .*found"):
        read_filled_sheet(save_workbook(marks, tmp_path / "filled.xlsx"))


def test_what_a_program_makes_of_a_mark_is_read(tmp_path: Path) -> None:
    marks: dict[int, dict[str, object]] = {
        1: {"verdict": True},
        2: {"verdict": 0.0},
        3: {"verdict": " Y", "remark": "=1/0"},
        6: {"verdict": 1},
    }

    sheet = read_filled_sheet(save_workbook(marks, tmp_path / "filled.xlsx"))

    assert sheet.claims["is_true"].to_list() == [True, False, True]
    assert sheet.claims["is_complete"].all()


def test_a_missed_triplet_of_a_study_that_is_a_formula_is_named(tmp_path: Path) -> None:
    miss: dict[str, object] = {f"true_{one}": one for one in ("finding", "region")}

    with pytest.raises(SheetError, match=r"row 5, column study: .* found '=P2'"):
        read_filled_sheet(
            save_workbook({4: miss | {"study": "=P2"}}, tmp_path / "filled.xlsx")
        )


def test_a_triplet_that_was_missed_twice_counts_twice(tmp_path: Path) -> None:
    truth = {"true_finding": "mass", "true_region": "spine", "true_existence": "p"}
    rows = [*marked(MARKS), truth | {"study": "s3"}, truth | {"study": "s3"}]

    claims = read_filled_sheet(save(rows, tmp_path / "f.csv")).claims

    assert claims["study_id"].to_list().count("s3") == 2


def test_rows_that_a_person_adds_do_not_stand_for_those_that_are_missing(
    tmp_path: Path,
) -> None:
    truth = {"true_finding": "mass", "true_region": "spine", "true_existence": "p"}
    rows = [*marked(MARKS)[:13], truth | {"study": "s1"}, truth | {"study": "s2"}]

    assert read_filled_sheet(save(rows, tmp_path / "f.csv")).num_missing == 2
