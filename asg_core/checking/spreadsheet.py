"""Read a sheet as spreadsheet programs save it: an Excel workbook, or CSV.

Which of the two a file is, its content tells. A workbook may have further worksheets,
rows, columns and macros; a CSV file may have lost the byte order mark, or have another
encoding, another delimiter or other line ends. The order of the columns is free. Cells
come back as text: a formula as it is written, a number without needless digits.
"""

import io
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

import openpyxl
import polars as pl
from openpyxl.cell import Cell, MergedCell

from asg_core.tables.csv_records import CsvError, read_records

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DELIMITERS = (",", ";", "\t")
_DAMAGE = (
    *(AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError),
    *(ValueError, zipfile.BadZipFile, zlib.error, ParseError),
)
"""What openpyxl raises of a damaged file, as thousands of them have shown."""

_MAX_CELLS = 4_000_000
"""Cells of a worksheet that are looked at. The largest sheet that can be drawn has far
fewer; a stray mark at the far end of a worksheet would have billions."""


class SheetError(ValueError):
    """A sheet cannot be used; the message names the rows, the columns and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """The cells of a file or of a worksheet."""

    where: str
    rows: Sequence[Sequence[str]]
    merged: Sequence[str] = ()
    """Cells below the first row that were merged into one, such as "G2:G4"."""

    @property
    def first(self) -> int:
        """The index of the first row that is not blank, which has the headings."""
        filled = (at for at, row in enumerate(self.rows) if any(map(str.strip, row)))
        return next(filled, 0)

    @property
    def heads(self) -> list[str]:
        """The headings; those of an older sheet may have an apostrophe in front."""
        heads = self.rows[self.first] if self.rows else []
        return [head.strip().removeprefix("'").lower() for head in heads]


def read_sheet(content: bytes, *, columns: Sequence[str], where: str) -> pl.DataFrame:
    """Return the rows of a sheet that are not blank, as text.

    The frame has `columns` and `number`, which is that of the row as the program shows
    it. An apostrophe at the beginning of a cell is left out: programs, and the CSV that
    earlier versions drew, put it there to keep a cell text.

    Args:
        content: The bytes of the file.
        columns: The columns that are needed; others are left out.
        where: The name of the file, for messages.

    Raises:
        SheetError: If the file cannot be read, lacks a column or has it twice.
    """
    if content.startswith(_OLE):
        raise SheetError(
            f"{where}: expected a workbook (.xlsx) or CSV, found a workbook with a "
            "password, or in the format of Excel before 2007. Save it as .xlsx without a "
            "password."
        )
    if content.startswith(_ZIP):
        grid = _only(_worksheets(content, where=where), columns=columns)
    else:
        grid = _csv_grid(content, columns=columns, where=where)
    first, heads = grid.first, grid.heads
    missing = [column for column in columns if column not in heads]
    double = sorted(column for column in columns if heads.count(column) > 1)
    if missing or double:
        raise SheetError(
            f"{grid.where}, row {first + 1}: expected each of the columns "
            f"{list(columns)} once, found missing {missing}, twice {double}. Put the "
            "first row of the drawn sheet back."
        )
    if grid.merged:
        raise SheetError(
            f"{grid.where}: expected a value in every cell, found that the cells "
            f"{grid.merged[0]} are merged into one. Split them, and fill in each."
        )
    places = [heads.index(column) for column in columns]
    rows = [
        (number, *(row[at].removeprefix("'") if at < len(row) else "" for at in places))
        for number, row in enumerate(grid.rows[first + 1 :], start=first + 2)
    ]
    schema = {"number": pl.Int32} | dict.fromkeys(columns, pl.String)
    is_filled = pl.any_horizontal(pl.col(*columns).str.strip_chars() != "")
    return pl.DataFrame(rows, schema=schema, orient="row").filter(is_filled)


def _only(grids: Sequence[_Grid], *, columns: Sequence[str]) -> _Grid:
    """Return the worksheet that has the columns; without one, the most similar."""

    def num_found(grid: _Grid) -> int:
        return len(set(grid.heads).intersection(columns))

    fitting = [grid for grid in grids if num_found(grid) == len(columns)]
    if len(fitting) > 1:
        raise SheetError(
            f"{fitting[0].where}: expected the sheet once, found it in "
            f"{fitting[1].where} too. Delete the worksheet that does not count."
        )
    return max(grids, key=num_found)


def _worksheets(content: bytes, *, where: str) -> list[_Grid]:
    """Return the cells of all worksheets; a workbook without any has no cells."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of features that are not kept
            book = openpyxl.load_workbook(io.BytesIO(content))
    except _DAMAGE as error:
        raise SheetError(
            f"{where}: expected a workbook (.xlsx) or CSV, found a file that cannot be "
            f"read as either ({type(error).__name__}: {error}). Open it in the "
            "spreadsheet program and save it as .xlsx."
        ) from error
    grids = []
    for sheet in book.worksheets:
        here = f"{where}, worksheet '{sheet.title}'"
        if sheet.max_row * sheet.max_column > _MAX_CELLS:
            raise SheetError(
                f"{here}: expected a sheet as it is drawn, found {sheet.max_row:,} rows "
                f"of {sheet.max_column:,} cells. Delete the rows below the last report "
                "and the columns behind the last one."
            )
        rows = [[_text_of(cell) for cell in row] for row in sheet.iter_rows()]
        merged = [one.coord for one in sheet.merged_cells.ranges if one.max_row > 1]
        grids.append(_Grid(where=here, rows=rows, merged=merged))
    return grids or [_Grid(where=where, rows=[])]


def _text_of(cell: Cell | MergedCell) -> str:
    """Return what stands in a cell, as text."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    # The formula of several cells is an object that holds its text.
    return str(getattr(value, "text", value))


def _csv_grid(content: bytes, *, columns: Sequence[str], where: str) -> _Grid:
    """Return the cells of a CSV file, read with the delimiter that finds most columns."""
    text = _decode(content)
    # Excel writes and honours a first line that names the delimiter.
    head = text.lstrip("\r\n")
    named = head[:5].lower()
    if named.startswith("sep=") and len(named) == 5:
        text = head.partition("\n")[2]
    first = (text.lstrip("\r\n").splitlines() or [""])[0]

    def num_found(delimiter: str) -> int:
        cells = first.split(delimiter)
        return len({cell.strip('" ').lower() for cell in cells} & set(columns))

    delimiter = max(_DELIMITERS, key=num_found)
    lines = io.StringIO(text, newline="")
    try:
        rows = list(read_records(lines, where=where, delimiter=delimiter))
    except CsvError as error:
        raise SheetError(str(error)) from error
    return _Grid(where=where, rows=rows)


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Five bytes have no sign in Windows-1252; no cell that counts has one of them.
        return content.decode("cp1252", errors="replace")
