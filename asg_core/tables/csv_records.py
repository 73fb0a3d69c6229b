"""The one reader of CSV: rows of cells, and a sentence where a quote swallows rows.

A cell may hold line breaks. A quote that nobody closes therefore makes one cell of all
rows up to some later quote, or of the rest of the file, and the rows are gone without a
word. `read_records` refuses what shows it: a quote without an end, an end in the middle
of a later line, and a cell whose lines look like rows.

Imports the standard library only, because headers are read while the job graph is built.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

MAX_CELL: Final = 2**24
"""Characters of the longest cell that is read. Run lengths of a large mask have several
hundred thousand; more than this is a quote without an end, in a file of any size."""

_MEND = 'Close the quote, or write "" for a quote inside of a text.'
_NUM_BEFORE: Final = 8
_WORDS: Final = re.compile(r"[Aa ]*")
_RUNS: Final = (
    (re.compile(r"[0-9]+"), "9"),
    (re.compile(r"[A-Z]+"), "A"),
    (re.compile(r"[a-z]+"), "a"),
)


class CsvError(ValueError):
    """A CSV file cannot be read as it is; the message names the file and the line."""


class _Source:
    """Passes the lines of a file through, and keeps those of the row being read."""

    def __init__(self, lines: Iterable[str], *, where: str, delimiter: str) -> None:
        self._lines = iter(lines)
        self.where = where
        self.delimiter = delimiter
        self.num_read = 0
        self.record: list[str] = []
        """The lines of the row that is being read."""

        self.num_columns = 0
        self.rows_before: deque[str] = deque(maxlen=_NUM_BEFORE)
        """The last rows that are one line and have a cell for each column."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.num_read += 1
        self.record.append(line)
        return line

    def line_number(self, index: int) -> int:
        """Return the 1-based number in the file of a line of the record."""
        return self.num_read - len(self.record) + 1 + index


def read_records(
    lines: Iterable[str], *, where: str, delimiter: str = ","
) -> Iterator[list[str]]:
    """Yield the cells of each row, the header first.

    Rows may differ in length; a blank line is an empty row. A quote that is not the first
    character of its cell is one of its characters. Memory holds one row.

    Args:
        lines: The lines with their ends, as a file opened with newline="" gives them.
        where: The name of the file, for messages.
        delimiter: What stands between cells.

    Raises:
        CsvError: If a quote swallows rows, or a cell has more than `MAX_CELL` characters.
    """
    csv.field_size_limit(MAX_CELL)
    source = _Source(lines, where=where, delimiter=delimiter)
    rows = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.record.clear()
        try:
            row = next(rows, None)
        except csv.Error as error:
            row = _read_again(source, problem=str(error))
        if row is None:
            return
        if len(source.record) > 1:
            _check_lines(source, row=row)
        elif row and len(row) == source.num_columns:
            source.rows_before.append(source.record[0])
        source.num_columns = source.num_columns or len(row)
        yield row


def column_places(
    header: Sequence[str], *, columns: Sequence[str], where: str
) -> list[int]:
    """Return where each of `columns` stands in the header, all of which are there.

    Other names may stand there as often as they like.

    Raises:
        CsvError: If one of `columns` stands there twice.
    """
    for name in columns:
        found = [place for place, other in enumerate(header, start=1) if other == name]
        if len(found) > 1:
            raise CsvError(
                f"{where}: expected each of the columns {list(columns)} once, found "
                f"'{name}' in the columns {' and '.join(map(str, found))}. Rename or "
                "remove one of them."
            )
    return [header.index(name) for name in columns]


def _read_again(source: _Source, *, problem: str) -> list[str]:
    """Return the row if its quotes are faulty and swallow nothing; raise otherwise."""
    is_endless = problem.startswith("field larger")
    is_at_end = problem.startswith("unexpected end")
    if len(source.record) == 1 and not (is_endless or is_at_end):
        forgiving = csv.reader([source.record[0], ""], delimiter=source.delimiter)
        row = next(forgiving)
        if forgiving.line_num == 1:
            return row
    opening = _faulty_quote(source)
    if opening is None:
        raise CsvError(
            f"{source.where}, line {source.num_read}: expected cells of at most "
            f"{MAX_CELL:,} characters, found a longer one. Take it out of the table."
        )
    if is_endless:
        found = f"none within {MAX_CELL:,} characters"
    elif is_at_end:
        found = "none to the end of the file"
    else:
        found = f"the next quote in the middle of line {source.num_read}"
    begins = source.line_number(opening)
    swallowed = f"lines {begins} to {source.num_read} would be one cell"
    raise CsvError(
        f"{source.where}, line {begins}: expected the cell that begins there with a quote "
        f"to end with one, found {found}: {swallowed}. {_MEND}"
    )


def _faulty_quote(source: _Source) -> int | None:
    """Return the line of the record with the first quote that does not end its cell."""
    delimiter = re.escape(source.delimiter)
    end = rf"(?:{delimiter}|[\r\n]|\Z)"
    quoted = rf'"(?:[^"]++|"")*+"(?={end})'
    cell = re.compile(rf'(?:{quoted}|(?!")[^{delimiter}\r\n]*+){end}')
    text, place = "".join(source.record), 0
    while place < len(text):
        found = cell.match(text, place)
        if found is None:
            ends = accumulate(len(line) for line in source.record)
            return sum(end <= place for end in ends)
        place = found.end()
    return None


def _check_lines(source: _Source, *, row: Sequence[str]) -> None:
    """Raise if the lines of one row look like rows themselves."""
    num_cells = source.num_columns
    lines = [line.rstrip("\r\n") for line in source.record]
    if num_cells < 2 or any(
        line.count(source.delimiter) != num_cells - 1 for line in lines
    ):
        return
    if len(row) == num_cells and not _look_alike(lines, source=source):
        return
    first, last = source.line_number(0), source.num_read
    raise CsvError(
        f"{source.where}, line {first}: expected a row in every line, found a cell that "
        f"begins with a quote there and ends with one in line {last}, though the lines "
        f"look like rows. {_MEND} If they are one text, take out its line breaks."
    )


def _look_alike(lines: Sequence[str], *, source: _Source) -> bool:
    """Say whether lines of the right number of cells are spelled as rows are.

    Lines of a text can have as many commas as rows have. Rows agree in what their cells
    are made of, in most columns and in one that is no words: an id, a path, a number.
    """
    patterns = _patterns(lines, source=source)
    needed = min(source.num_columns - 1, -(-3 * source.num_columns // 4))
    for line in lines:
        pairs = zip(_shapes(line, source=source), patterns, strict=True)
        alike = [shape for shape, known in pairs if shape in known]
        if len(alike) < needed or all(_WORDS.fullmatch(shape) for shape in alike):
            return False
    return True


def _patterns(lines: Sequence[str], *, source: _Source) -> list[set[str]]:
    """Return the shapes of each column that rows have: those before, else the first line.

    The first and the last line of a text end and begin with the cells beside it, so
    that alone they say little; nor does a single line of two columns, one of which is
    the text. Then nothing is known.
    """
    num_cells = source.num_columns
    before = [row.rstrip("\r\n") for row in source.rows_before]
    rows = [
        shapes
        for line in (before or lines[:1])
        if len(shapes := _shapes(line, source=source)) == num_cells
    ]
    if len(lines) < 3 and (num_cells == 2 or not before):
        rows = []
    return [{row[column] for row in rows} for column in range(num_cells)]


def _shapes(line: str, *, source: _Source) -> list[str]:
    """Return what each cell is made of: "p12/s3.png" is "a9/a9.a"."""
    shapes = [cell.strip('"') for cell in line.split(source.delimiter)]
    for run, sign in _RUNS:
        shapes = [run.sub(sign, shape) for shape in shapes]
    return shapes
