"""The workbook that is drawn: its lists, its locks, its text."""

import io
import time
import zipfile

import openpyxl
import pytest
from openpyxl.utils import column_index_from_string

from asg_core.checking.sheet import COLUMNS, MARKS, WORDS
from asg_core.checking.spreadsheet import read_sheet
from asg_core.checking.workbook import workbook_bytes
from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES
from support.marked_sheet import sheet_content, worksheet_of


def made(*texts: str | int) -> bytes:
    return workbook_bytes(
        [{"kind": "k", "text": text} for text in texts],
        widths={"kind": 9, "text": 9},
        to_fill={"k": ()},
        words={},
    )


def lists() -> dict[str, list[str]]:
    """Return the words of every drop-down list by column."""
    book = openpyxl.load_workbook(io.BytesIO(sheet_content()))
    sheet, words = book.worksheets
    found = {}
    for choice in sheet.data_validations.dataValidation:
        assert choice.type == "list"
        assert choice.showErrorMessage
        assert choice.allow_blank
        title, _, cells = choice.formula1.partition("!")
        assert title == words.title
        letter = str(choice.sqref)[0]
        assert str(choice.sqref) == f"{letter}2:{letter}{sheet.max_row}"
        column = COLUMNS[column_index_from_string(letter) - 1]
        found[column] = [str(cell.value) for (cell,) in words[cells.replace("$", "")]]
    return found


def test_marks_are_chosen_from_the_vocabularies() -> None:
    assert lists() == {
        "verdict": ["y", "s", "n", "f", "r", "e", "fr", "fe", "re", "fre"],
        "true_finding": list(FINDINGS),
        "true_region": list(PLACES),
        "true_existence": ["present", "absent", "uncertain"],
    }


def test_every_word_has_a_row_of_its_own_with_what_it_means() -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet_content()))

    heads, *rows = book.worksheets[1].iter_rows(values_only=True)

    assert heads == ("column", "value", "meaning")
    assert [row[:2] for row in rows] == [
        (column, word) for column, meanings in WORDS.items() for word in meanings
    ]
    meaning = {str(row[1]): str(row[2]) for row in rows}
    assert meaning["n"] == "the sentence does not claim this at all"
    assert meaning["re"].startswith(
        "there is such a claim, but not with this region and existence; what is right "
        "goes into true_region and true_existence"
    )


def test_only_what_is_to_be_filled_in_is_unlocked() -> None:
    sheet = worksheet_of(sheet_content())
    unlocked: dict[str, set[str]] = {}
    for row in sheet.iter_rows(min_row=2):
        kind = str(row[COLUMNS.index("kind")].value)
        free = {
            column
            for column, cell in zip(COLUMNS, row, strict=True)
            if not cell.protection.locked
        }
        assert unlocked.setdefault(kind, free) == free

    assert sheet.protection.sheet
    assert sheet.protection.password is None
    assert not sheet.protection.insertRows
    truth = set(MARKS) - {"verdict"}
    assert unlocked == {
        "proposed": set(MARKS),
        "sentence": truth,
        "missed": truth | {"study"},
        "report": {"verdict", "remark"},
    }


def test_the_heads_stay_in_sight_and_can_be_filtered() -> None:
    sheet = worksheet_of(sheet_content())

    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions == "A1:T16"
    assert sheet.column_dimensions["C"].width > 5 * sheet.column_dimensions["A"].width


def test_a_row_is_as_high_as_its_text() -> None:
    sheet = worksheet_of(made("short", "nine more letters than fit", ""))

    heights = [sheet.row_dimensions[number].height for number in (2, 3, 4)]
    assert heights == [15, 45, 15]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@x", "1. Jan", "007", "#N/A", "TRUE", "1e5", "=", "'x"],
)
def test_a_text_stays_a_text(text: str) -> None:
    content = made(text)

    cell = worksheet_of(content)["B2"]
    assert (cell.data_type, cell.number_format) == ("s", "@")
    back = read_sheet(content, columns=("text",), where="x")
    assert back["text"].to_list() == [text]


def test_numbers_stay_numbers_so_that_they_can_be_sorted() -> None:
    assert worksheet_of(made(12))["B2"].value == 12


def test_signs_that_no_workbook_can_hold_are_replaced() -> None:
    content = made("a\x00b\x0bc\ufffed\uffff")

    assert worksheet_of(content)["B2"].value == "a\ufffdb\ufffdc\ufffdd\ufffd"


def test_the_same_rows_give_the_same_bytes_at_any_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = made("x")
    later = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(later))

    assert made("x") == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        core = archive.read("docProps/core.xml").decode()
    assert core.count("1980-01-01T00:00:00Z") == 2
