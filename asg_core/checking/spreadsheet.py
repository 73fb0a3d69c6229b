"""CSV for spreadsheet programs: written so that cells stay text, read as they come back.

Such programs run cells that begin like a formula, and turn cells that begin like a number
into numbers and dates. Cells of text that could be either get an apostrophe in front;
reading takes it away. What is read may have lost the byte order mark, have another
encoding, another delimiter, other line ends, fewer or more columns, or another order.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from asg_core.tables.csv_records import CsvError, read_records

_GUARD = "'"
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What formulas begin with, in the wide letters of Japanese settings too."""

_DELIMITERS = (",", ";", "\t")


class SheetError(ValueError):
    """A sheet cannot be used; the message names the rows, the columns and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One row of a sheet: its number as the program shows it, and its cells by column."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


def guard(text: str) -> str:
    """Return a text as a cell that no program runs or converts."""
    bare = text.lstrip()
    is_risky = bare.startswith(_FORMULA) or bare[:1].isdigit()
    if is_risky or text[:1] in (_GUARD, "\t", "\r", "\n"):
        return _GUARD + text
    return text


def unguard(cell: str) -> str:
    """Return the text of a cell that `guard` made, or that a person typed."""
    return cell.removeprefix(_GUARD)


def printable(text: str) -> str:
    """Return a text in one line, without characters that have no sign."""
    signs = (" " if unicodedata.category(sign) == "Cc" else sign for sign in text)
    return " ".join("".join(signs).split())


def sheet_bytes(
    rows: Iterable[Mapping[str, str | int]], *, columns: Sequence[str]
) -> bytes:
    """Return a CSV with a byte order mark, quotes around every cell, and CRLF.

    Texts are guarded; whole numbers are written as they are.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        cells = (row[column] for column in columns)
        writer.writerow(
            str(cell) if isinstance(cell, int) else guard(cell) for cell in cells
        )
    return stream.getvalue().encode("utf-8-sig")


def read_sheet(content: bytes, *, columns: Sequence[str], where: str) -> list[SheetRow]:
    """Return the rows of a sheet that a spreadsheet program has saved, blank ones left out.

    Columns may stand in any order and in upper case; other columns are left out.

    Args:
        content: The bytes of the file: UTF-8 or UTF-16 with a mark, UTF-8, or Windows-1252.
        columns: The columns that are needed.
        where: The name of the file, for messages.

    Raises:
        SheetError: If it is a workbook, is no CSV, or lacks a column or has it twice.
    """
    text = _decode(content, where=where)
    records, num_above = _records(text, columns=columns, where=where)
    heads = [head.strip().strip(_GUARD).lower() for head in records[0]]
    missing = [column for column in columns if column not in heads]
    double = sorted(
        {head for head in heads if head in columns and heads.count(head) > 1}
    )
    if missing or double:
        raise SheetError(
            f"{where}, row {num_above + 1}: expected each of the columns {list(columns)} once, found "
            f"missing {missing}, twice {double}. Put the first row of the drawn sheet back."
        )
    places = {column: heads.index(column) for column in columns}
    rows = []
    for number, record in enumerate(records[1:], start=num_above + 2):
        cells = {
            column: unguard(record[place]) if place < len(record) else ""
            for column, place in places.items()
        }
        if any(cell.strip() for cell in cells.values()):
            rows.append(SheetRow(number=number, cells=cells))
    return rows


def _decode(content: bytes, *, where: str) -> str:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SheetError(
            f"{where}: expected CSV, found a workbook of a spreadsheet program. Save the "
            "sheet as CSV (UTF-8) and name that file."
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Five bytes have no sign in Windows-1252; no cell that counts has one of them.
        return content.decode("cp1252", errors="replace")


def _records(
    text: str, *, columns: Sequence[str], where: str
) -> tuple[list[list[str]], int]:
    """Return the records from the heads on, and how many blank ones stood above.

    Read with the delimiter that finds most columns.
    """
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
        records = list(read_records(lines, where=where, delimiter=delimiter))
    except CsvError as error:
        raise SheetError(str(error)) from error
    num_above = 0
    while num_above < len(records) and not any(map(str.strip, records[num_above])):
        num_above += 1
    return records[num_above:] or [[]], num_above
