"""A table of the pages as CSV, Markdown and LaTeX."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from asg_core.summary.sheets.names import SUFFIXES
from asg_core.summary.sheets.numbers import MISSING
from asg_core.summary.sheets.sheet import Cell, Sheet

_LATEX = str.maketrans(
    {
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
)
_MARKDOWN = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_{}[]<>#|"})


def write_sheet(sheet: Sheet, folder: Path) -> None:
    """Write <name>.csv, <name>.md and <name>.tex into `folder`."""
    texts = (csv_frame(sheet).write_csv(), markdown(sheet), latex(sheet))
    for suffix, text in zip(SUFFIXES, texts, strict=True):
        (folder / f"{sheet.name}{suffix}").write_text(text, encoding="utf-8")


def csv_frame(sheet: Sheet) -> pl.DataFrame:
    """Return what the CSV file holds: `data`, or the texts of the cells.

    CSV needs distinct headings, so that those that repeat get a number.
    """
    if sheet.data is not None:
        return sheet.data
    texts: dict[str, list[str]] = {}
    for index, column in enumerate(sheet.columns):
        earlier = [other.label for other in sheet.columns[:index]]
        repeats = earlier.count(column.label)
        label = f"{column.label} {repeats + 1}" if repeats else column.label
        texts[label] = [
            "" if row[index].text == MISSING else row[index].plain
            for row in sheet.all_rows
        ]
    return pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String))


def markdown(sheet: Sheet) -> str:
    """Return the table as Markdown: caption, pipes, then the remarks."""
    heads = [_markdown_text(column.label) or " " for column in sheet.columns]
    rules = ["---:" if column.is_number else ":---" for column in sheet.columns]
    rows = [
        [
            _markdown_text(
                cell.plain + (f" ({sheet.mark_of(cell)})" if cell.why else "")
            )
            for cell in row
        ]
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


def _latex_text(text: str) -> str:
    return text.translate(_LATEX)


def _markdown_text(text: str) -> str:
    return " ".join(text.translate(_MARKDOWN).split())
