"""Reads one file of a lexicon: tab-separated, one entry a line, made to be edited."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a lexicon file: its cells by column, and where it stands."""

    cells: dict[str, str]
    where: str

    def __getitem__(self, column: str) -> str:
        """Return the cell of a column."""
        return self.cells[column]

    def listed(self, column: str, *, between: str | None = None) -> tuple[str, ...]:
        """Return the words of a cell, cut at blanks or at `between`; "-" is none."""
        cell = self.cells[column]
        return () if cell == "-" else tuple(cell.split(between))

    def expect(self, value: str, allowed: Collection[str], what: str) -> None:
        """Check one value of this line; `what` names it in the message ("a zone").

        Raises:
            ValueError: If it is not one of those that are allowed.
        """
        if value not in allowed:
            options = ", ".join(sorted(allowed))
            raise self.error(f"{what} out of {options}", f"'{value}'")

    def phrases(self, column: str) -> list[str]:
        """Return the phrases that the pattern in a cell stands for.

        Raises:
            ValueError: If its brackets do not pair.
        """
        return expand(self.cells[column], where=self.where)

    def error(self, expected: str, found: str) -> ValueError:
        """Return the error to raise about this line."""
        return ValueError(
            f"{self.where}: expected {expected}, found {found}. Mend the line; "
            "docs/vocabulary.md says what the columns mean."
        )


def read_rows(path: Path, *, columns: tuple[str, ...]) -> list[Row]:
    """Return the rows of one lexicon file; lines that start with # are comments.

    Raises:
        ValueError: With file and line, if the header or a row does not fit.
    """
    rows: list[Row] = []
    has_header = False
    for number, line in enumerate(_text_of(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        where = f"{path}, line {number}"
        if not has_header and tuple(cells) != columns:
            raise _unfit(where, "the header", columns, cells)
        if len(cells) != len(columns) or not all(cells):
            raise _unfit(where, "the columns", columns, cells)
        if has_header:
            rows.append(Row(dict(zip(columns, cells, strict=True)), where))
        has_header = True
    return rows


def expand(pattern: str, *, where: str = "expand") -> list[str]:
    """Return the phrases that a pattern with (alternatives|...) stands for.

    An empty alternative makes its place optional: "opacit(y|ies)", "(lung |)base".
    Groups may be nested.

    Raises:
        ValueError: If the brackets do not pair.
    """
    phrases, rest = _expand_options(pattern)
    if rest:
        raise ValueError(
            f"{where}: expected paired brackets, found '{pattern}'. Each ( needs its )."
        )
    return phrases


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: expected text in UTF-8, found the byte "
            f"{error.object[error.start]:#04x}. Save the file as UTF-8."
        ) from error


def _unfit(
    where: str, what: str, columns: tuple[str, ...], cells: list[str]
) -> ValueError:
    return ValueError(
        f"{where}: expected {what} {list(columns)}, found {cells}. Separate columns by "
        'single tabs; a column that says nothing holds "-".'
    )


def _expand_options(pattern: str) -> tuple[list[str], str]:
    """Expand up to the bracket that closes this level; return what follows it."""
    options: list[str] = []
    phrases = [""]
    while pattern:
        char, pattern = pattern[0], pattern[1:]
        if char == ")":
            return options + phrases, ")" + pattern
        if char == "|":
            options, phrases = options + phrases, [""]
        elif char == "(":
            inner, pattern = _expand_options(pattern)
            if not pattern:
                return [], "("
            pattern = pattern[1:]
            phrases = [phrase + option for phrase in phrases for option in inner]
        else:
            phrases = [phrase + char for phrase in phrases]
    return options + phrases, ""
