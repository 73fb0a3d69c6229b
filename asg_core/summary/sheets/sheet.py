"""One table as it is shown: the same cells as HTML, CSV, Markdown and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asg_core.summary.files import SUFFIXES
from asg_core.summary.sheets.numbers import MISSING

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\u2013": "--",
    "\u2014": "---",
    "\u00b1": r"$\pm$",
    "\u00d7": r"$\times$",
    "\u2026": r"\ldots{}",
    "\n": " ",
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its heading, and whether it holds numbers (set to the right)."""

    label: str
    is_number: bool = True


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

    The name is the file's stem: letters, digits, "-" and "_" only. `data` goes into the
    CSV file instead of the cells' texts: the same numbers with all of their digits.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
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
        """Return the letter of one of `reasons`."""
        index = self.reasons.index(reason)
        return _LETTERS[index] if index < len(_LETTERS) else str(index + 1)


def cells(values: Sequence[str | None]) -> tuple[Cell, ...]:
    """Return a row of plain cells; None is a missing value."""
    return tuple(
        Cell(text=MISSING, is_muted=True) if value is None else Cell(text=value)
        for value in values
    )


def empty_sheet(name: str) -> Sheet:
    """Return the table of a name that the results have nothing for."""
    return Sheet(
        name=name,
        caption=f"{name}: this run has no rows; the pages say what was not made, and why.",
        columns=(Column(label="", is_number=False),),
        rows=(),
    )


def write_sheet(sheet: Sheet, folder: Path) -> None:
    """Write <name>.csv, <name>.md and <name>.tex into `folder`."""
    texts = (csv_frame(sheet).write_csv(), markdown(sheet), latex(sheet))
    for suffix, text in zip(SUFFIXES, texts, strict=True):
        (folder / f"{sheet.name}{suffix}").write_text(text, encoding="utf-8")


def csv_frame(sheet: Sheet) -> pl.DataFrame:
    """Return what the CSV file holds: `data`, or the texts of the cells."""
    if sheet.data is not None:
        return sheet.data
    labels = _distinct([column.label for column in sheet.columns])
    return pl.DataFrame(
        {
            label: [
                "" if row[index].text == MISSING else row[index].plain
                for row in sheet.all_rows
            ]
            for index, label in enumerate(labels)
        },
        schema=dict.fromkeys(labels, pl.String),
    )


def markdown(sheet: Sheet) -> str:
    """Return the table as Markdown: caption, pipes, then the remarks."""
    heads = [_markdown_text(column.label) or " " for column in sheet.columns]
    rules = ["---:" if column.is_number else ":---" for column in sheet.columns]
    rows = [
        [_markdown_text(cell.plain + _bracketed(sheet, cell)) for cell in row]
        for row in sheet.all_rows
    ]
    lines = [f"| {' | '.join(row)} |" for row in (heads, rules, *rows)]
    below = [f"{_markdown_text(line)}\n" for line in _lines_below(sheet)]
    return "\n".join([f"{_markdown_text(sheet.caption)}\n", *lines, "", *below])


def latex(sheet: Sheet) -> str:
    """Return the table as LaTeX; it needs the package booktabs."""
    spec = "".join("r" if column.is_number else "l" for column in sheet.columns)
    heads = [_latex_text(column.label) for column in sheet.columns]
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex_text(sheet.caption)}}}",
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        rf"{' & '.join(heads)} \\",
        r"\midrule",
        *(_latex_row(sheet, row) for row in sheet.rows),
    ]
    if sheet.footer is not None:
        lines += [r"\midrule", _latex_row(sheet, sheet.footer)]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {_latex_text(line)}" for line in _lines_below(sheet)]
    return "\n".join([*lines, r"\end{table}", ""])


def _latex_row(sheet: Sheet, row: Sequence[Cell]) -> str:
    texts = [
        _latex_text(cell.plain)
        + (rf"\textsuperscript{{{sheet.mark_of(cell)}}}" if cell.why else "")
        for cell in row
    ]
    return rf"{' & '.join(texts)} \\"


def _lines_below(sheet: Sheet) -> list[str]:
    reasons = [f"({sheet.mark_of_reason(why)}) {why}" for why in sheet.reasons]
    return [*reasons, *sheet.notes]


def _bracketed(sheet: Sheet, cell: Cell) -> str:
    return f" ({sheet.mark_of(cell)})" if cell.why else ""


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _markdown_text(text: str) -> str:
    for letter in "\\`*_{}[]<>#|":
        text = text.replace(letter, f"\\{letter}")
    return " ".join(text.split())


def _distinct(labels: Sequence[str]) -> list[str]:
    """Return the labels, those that repeat with a number: CSV needs distinct ones."""
    seen: dict[str, int] = {}
    distinct = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        distinct.append(label if seen[label] == 1 else f"{label} {seen[label]}")
    return distinct
