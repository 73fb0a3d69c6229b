"""One table as the pages show it; `formats` writes the same cells into files."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from asg_core.summary.sheets.numbers import MISSING

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetColumn:
    """One column: its heading, and whether it holds numbers, which are set to the right."""

    label: str
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: the text, a second smaller one, and a remark for below the table."""

    text: str
    small: str = ""
    why: str = ""  # why there is no value, or what it leaves out
    is_muted: bool = False

    @property
    def plain(self) -> str:
        """The cell in one line."""
        return f"{self.text} {self.small}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of a page, which is a file in three formats too.

    The name is the stem of those files: letters, digits, "-" and "_" only. `data` goes
    into the CSV file instead of the texts of the cells: the same numbers with all of
    their digits.
    """

    name: str
    caption: str
    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    data: pl.DataFrame | None = None
    num_row_heads: int = 1  # leading columns that name the row
    footer: tuple[Cell, ...] | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for row in self.all_rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"Sheet '{self.name}': expected {len(self.columns)} cells in every "
                    f"row, found {len(row)}: {[cell.text for cell in row]}"
                )

    @property
    def all_rows(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows, the footer last."""
        return self.rows if self.footer is None else (*self.rows, self.footer)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The distinct remarks, in the order of the cells."""
        found = (cell.why for row in self.all_rows for cell in row if cell.why)
        return tuple(dict.fromkeys(found))

    def mark_of(self, cell: Cell) -> str:
        """Return the letter of a cell's remark; nothing for a cell without."""
        return self.mark_of_reason(cell.why) if cell.why else ""

    def mark_of_reason(self, reason: str) -> str:
        """Return the letter of one of `reasons`; past the alphabet, its number."""
        index = self.reasons.index(reason)
        return _LETTERS[index] if index < len(_LETTERS) else str(index + 1)


def text_columns(*labels: str) -> tuple[SheetColumn, ...]:
    """Return columns of words, with these headings."""
    return tuple(SheetColumn(label=label, is_number=False) for label in labels)


def number_columns(*labels: str) -> tuple[SheetColumn, ...]:
    """Return columns of numbers, with these headings."""
    return tuple(SheetColumn(label=label, is_number=True) for label in labels)


def cells(values: Sequence[str | None]) -> tuple[Cell, ...]:
    """Return a row of plain cells; None is a missing value."""
    return tuple(
        missing_cell() if value is None else Cell(text=value) for value in values
    )


def missing_cell(why: str = "") -> Cell:
    """Return the dash that stands for a value that is not there, with its reason."""
    return Cell(text=MISSING, why=why, is_muted=True)


def empty_sheet(name: str) -> Sheet:
    """Return the table of a name that the results have nothing for."""
    return Sheet(
        name=name,
        caption=f"{name}: this run has no rows; the pages say what was not made, and why.",
        columns=text_columns(""),
        rows=(),
    )
