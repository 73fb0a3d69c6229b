"""Files that spreadsheet programs save, as they are and damaged."""

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart
from openpyxl.worksheet.worksheet import Worksheet

from asg_core.checking.spreadsheet import SheetError, read_sheet
from support.damage import damaged_copies
from support.marked_sheet import sheet_content

COLUMNS = ("a", "b")


def book(*rows: tuple[Any, ...]) -> tuple[Workbook, Worksheet]:
    made = Workbook()
    sheet = made.worksheets[0]
    for row in rows:
        sheet.append(row)
    return made, sheet


def saved(made: Workbook) -> bytes:
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def read(content: bytes) -> list[tuple[object, ...]]:
    return read_sheet(content, columns=COLUMNS, where="file").rows()


def problem(content: bytes) -> str:
    with pytest.raises(SheetError) as caught:
        read(content)
    return str(caught.value)


HEADS, ROW = ("a", "b"), ("x", "y")


def test_cells_are_text_as_a_person_sees_it() -> None:
    made, _ = book(HEADS, (12, 12.0), (0.1, 5e7), (True, " s "), ("007", "=B2"))

    assert read(saved(made)) == [
        (2, "12", "12"),
        (3, "0.1", "50000000"),
        (4, "True", " s "),
        (5, "007", "=B2"),
    ]


def test_rows_are_numbered_as_the_program_numbers_them() -> None:
    made, sheet = book(ROW, HEADS, ROW, (None, " "), ROW)
    sheet.delete_rows(1)
    sheet.insert_rows(1, amount=3)

    assert read(saved(made)) == [(5, "x", "y"), (7, "x", "y")]


def test_hidden_rows_and_columns_count() -> None:
    made, sheet = book(("b", "more", "a"), ("y", "-", "x"), ("v", "-", "u"))
    sheet.row_dimensions[2].hidden = True
    sheet.column_dimensions["C"].hidden = True

    assert read(saved(made)) == [(2, "x", "y"), (3, "u", "v")]


def test_the_worksheet_that_has_the_columns_is_read() -> None:
    made, notes = book(("notes", "of mine"), ("more", None))
    notes.merge_cells("A2:B2")
    other = made.create_sheet("second")
    other.append(HEADS)
    other.append(ROW)
    made.create_chartsheet("a picture").add_chart(BarChart())

    assert read(saved(made)) == [(2, "x", "y")]


def test_two_worksheets_that_have_the_columns_are_refused() -> None:
    made, sheet = book(HEADS, ROW)
    sheet.title = "first"
    made.copy_worksheet(sheet)

    assert problem(saved(made)) == (
        "file, worksheet 'first': expected the sheet once, found it in file, worksheet "
        "'first Copy' too. Delete the worksheet that does not count."
    )


def test_of_several_worksheets_the_one_with_most_columns_is_complained_of() -> None:
    made, _ = book(("x",))
    made.create_sheet("marks").append(("a", "a", "c"))

    assert "file, worksheet 'marks', row 1: expected" in problem(saved(made))
    assert "missing ['b'], twice ['a']" in problem(saved(made))


def test_merged_cells_are_refused_but_not_above_the_heads() -> None:
    made, sheet = book((None, None), HEADS, ROW, ROW)
    sheet.merge_cells("A1:B1")
    fine = saved(made)
    sheet.merge_cells("A3:A4")

    assert len(read(fine)) == 2
    assert "found that the cells A3:A4 are merged into one. Split them" in problem(
        saved(made)
    )


def test_a_worksheet_with_a_stray_mark_at_its_end_is_refused() -> None:
    made, sheet = book(HEADS, ROW)
    sheet.cell(1_048_576, 16, "x")

    assert "found 1,048,576 rows of 16 cells. Delete the rows below" in problem(
        saved(made)
    )


def test_a_workbook_with_macros_is_read() -> None:
    made, _ = book(HEADS, ROW)
    stream = io.BytesIO(saved(made))
    with (
        zipfile.ZipFile(stream) as source,
        zipfile.ZipFile(other := io.BytesIO(), "w") as target,
    ):
        for name in source.namelist():
            part = source.read(name).replace(
                b"openxmlformats-officedocument.spreadsheetml.sheet.main",
                b"ms-excel.sheet.macroEnabled.main",
            )
            target.writestr(name, part)
        target.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 a macro")

    assert read(other.getvalue()) == [(2, "x", "y")]


def test_a_workbook_with_a_password_is_refused() -> None:
    text = problem(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1EncryptedPackage")

    assert text == (
        "file: expected a workbook (.xlsx) or CSV, found a workbook with a password, or "
        "in the format of Excel before 2007. Save it as .xlsx without a password."
    )


def test_another_kind_of_archive_is_refused() -> None:
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as target:
        target.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        target.writestr("content.xml", "<office/>")

    text = problem(stream.getvalue())

    assert text.startswith(
        "file: expected a workbook (.xlsx) or CSV, found a file that"
    )
    assert text.endswith("Open it in the spreadsheet program and save it as .xlsx.")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_workbook_that_breaks_off_is_refused(share: float) -> None:
    content = sheet_content()

    text = problem(content[: int(len(content) * share)])

    assert text.startswith("file: expected a workbook (.xlsx) or CSV, found")


def test_a_damaged_workbook_is_read_or_refused_wherever_the_damage_is(
    tmp_path: Path,
) -> None:
    """The library raises errors of a dozen kinds, by the byte that is wrong."""
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(saved(book(HEADS, ROW)[0]))
    num_refused = 0

    for _ in damaged_copies(path):
        try:
            read(path.read_bytes())
        except SheetError:
            num_refused += 1

    assert num_refused > 10


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("xl/worksheets/sheet1.xml", b"</worksheet>", b""),
        ("xl/worksheets/sheet1.xml", b'r="1"', b'r="one"'),
        ("xl/workbook.xml", b"<sheets>", b"<leaves>"),
        ("xl/workbook.xml", b"sheetId=", b"leafId="),
        ("xl/styles.xml", b"<fonts", b"<fronts"),
        ("[Content_Types].xml", b"<Override", b"<Overwrite"),
    ],
)
def test_a_workbook_with_a_damaged_part_is_refused(
    part: str, old: bytes, new: bytes
) -> None:
    whole = saved(book(HEADS, ROW)[0])
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as source,
        zipfile.ZipFile(stream := io.BytesIO(), "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            assert name != part or old in content
            changed = content.replace(old, new) if name == part else content
            target.writestr(name, changed)

    assert problem(stream.getvalue()).startswith("file")


def test_a_warning_of_the_library_is_no_fault(tmp_path: Path) -> None:
    made, _ = book(HEADS, ROW)
    stream = io.BytesIO(saved(made))
    extension = b'<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst>'
    with (
        zipfile.ZipFile(stream) as source,
        zipfile.ZipFile(tmp_path / "excel.xlsx", "w") as target,
    ):
        for name in source.namelist():
            part = source.read(name)
            if name.endswith("sheet1.xml"):
                part = part.replace(b"</worksheet>", extension + b"</worksheet>")
            target.writestr(name, part)
    with pytest.warns(UserWarning, match="extension is not supported"):
        openpyxl.load_workbook(tmp_path / "excel.xlsx")

    assert read((tmp_path / "excel.xlsx").read_bytes()) == [(2, "x", "y")]


def test_an_apostrophe_that_keeps_a_cell_text_is_no_part_of_it() -> None:
    assert read(b"'a,b\r\n'=1+1,'''7\r\n") == [(2, "=1+1", "''7")]


def test_what_looks_like_a_workbook_but_is_csv_is_read() -> None:
    assert read(b"a,b\nPK\x03\x04,y\n") == [(2, "PK\x03\x04", "y")]
