"""Write the sheet as an Excel workbook in which marks are chosen from lists."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence

from openpyxl import Workbook
from openpyxl.styles import (
    Alignment,
    Border,
    Font,
    NamedStyle,
    PatternFill,
    Protection,
    Side,
)
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The first date that a ZIP archive can name; it stands for none."""

_SAVED_AT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_HEAD, _TEXT, _MARK, _END = "sheet head", "sheet text", "sheet mark", "sheet end"
_FILLS = {_HEAD: "D9E1F2", _MARK: "FFF8DC", _END: "EDEDED"}
_WORDS = "words"
_LINE_HEIGHT = 15.0  # points
_WIDTHS = {"column": 16, "value": 28, "meaning": 90}


def workbook_bytes(
    rows: Sequence[Mapping[str, str | int]],
    *,
    widths: Mapping[str, int],
    to_fill: Mapping[str, Sequence[str]],
    words: Mapping[str, Mapping[str, str]],
) -> bytes:
    """Return the workbook; the same arguments give the same bytes.

    Cells are locked but for those to be filled in, without a password. A text stays a
    text, whatever it begins with.

    Args:
        rows: The rows by column; a column that a row lacks is blank in it.
        widths: The columns in their order, and how many characters wide each is.
        to_fill: The columns to be filled in, by what a row has in its column "kind".
        words: Column -> the words that it may hold, each with its meaning. They make the
            drop-down list of the column, and a second worksheet.
    """
    book = Workbook()
    for name in (_HEAD, _TEXT, _MARK, _END):
        book.add_named_style(_style(name))
    sheet = book.worksheets[0]
    sheet.title = "triplets"
    _write_heads(sheet, widths)
    for number, row in enumerate(rows, start=2):
        unlocked = to_fill[str(row["kind"])]
        locked = _END if row["kind"] == "report" else _TEXT
        for place, column in enumerate(widths, start=1):
            style = _MARK if column in unlocked else locked
            _write(sheet, (number, place), row.get(column, ""), style=style)
        # Programs do not look for the height that wrapped text needs.
        lines = (-(-len(str(row.get(name, ""))) // widths[name]) for name in widths)
        sheet.row_dimensions[number].height = _LINE_HEIGHT * max(1, *lines)
    sheet.auto_filter.ref = sheet.dimensions
    sheet.protection.sheet = True
    for allowed in ("autoFilter", "formatColumns", "formatRows", "insertRows"):
        setattr(sheet.protection, allowed, False)
    _write_words(book.create_sheet(_WORDS), words)
    _add_lists(sheet, words, columns=list(widths))
    return _without_dates(book)


def _style(name: str) -> NamedStyle:
    style = NamedStyle(
        name,
        font=Font(bold=name == _HEAD),
        alignment=Alignment(vertical="top", wrap_text=True),
        number_format="@",  # what is typed into such a cell stays text, too
        protection=Protection(locked=name != _MARK),
    )
    if name == _MARK:  # a fill hides the lines between cells
        line = Side("thin", color="D9CFA0")
        style.border = Border(left=line, right=line, top=line, bottom=line)
    if name in _FILLS:
        style.fill = PatternFill("solid", fgColor=_FILLS[name])
    return style


def _write(
    sheet: Worksheet, place: tuple[int, int], value: str | int, *, style: str
) -> None:
    cell = sheet.cell(*place)
    cell.style = style
    if isinstance(value, int):
        cell.value = value
    elif value:
        # Reading takes one apostrophe away, since programs put it before texts.
        guard = "'" if value.startswith("'") else ""
        cell.value = guard + _NOT_IN_XML.sub("\ufffd", value)
        cell.data_type = "s"  # openpyxl takes "=..." for a formula


def _write_heads(sheet: Worksheet, widths: Mapping[str, int]) -> None:
    for place, (column, width) in enumerate(widths.items(), start=1):
        _write(sheet, (1, place), column, style=_HEAD)
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "A2"


def _write_words(sheet: Worksheet, words: Mapping[str, Mapping[str, str]]) -> None:
    _write_heads(sheet, _WIDTHS)
    rows = [
        (column, word, meaning)
        for column, meanings in words.items()
        for word, meaning in meanings.items()
    ]
    for number, row in enumerate(rows, start=2):
        for place, text in enumerate(row, start=1):
            _write(sheet, (number, place), text, style=_TEXT)


def _add_lists(
    sheet: Worksheet, words: Mapping[str, Mapping[str, str]], *, columns: Sequence[str]
) -> None:
    """Give each column of `words` its drop-down list, whose source is their worksheet."""
    first = 2
    for column, meanings in words.items():
        last = first + len(meanings) - 1
        choice = DataValidation(
            type="list",
            formula1=f"{_WORDS}!$B${first}:$B${last}",
            allow_blank=True,
            showErrorMessage=True,
            errorTitle=column,
            error=f"Choose from the list; the worksheet '{_WORDS}' says what each means.",
        )
        letter = get_column_letter(columns.index(column) + 1)
        choice.add(f"{letter}2:{letter}{sheet.max_row}")
        sheet.add_data_validation(choice)
        first = last + 1


def _without_dates(book: Workbook) -> bytes:
    """Return the file of a workbook without the times at which it was made."""
    saved, dated = io.BytesIO(), io.BytesIO()
    book.save(dated)
    with zipfile.ZipFile(dated) as source, zipfile.ZipFile(saved, "w") as target:
        for name in source.namelist():
            part = _SAVED_AT.sub(rb"\g<1>1980-01-01T00:00:00Z", source.read(name))
            entry = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, part)
    return saved.getvalue()
