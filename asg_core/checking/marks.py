"""What a person wrote into a sheet -> judged triplets."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asg_core.checking.sheet import MARKS, RowKind
from asg_core.checking.spreadsheet import SheetError, SheetRow, read_sheet
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES

ELEMENTS: tuple[str, ...] = ("finding", "region", "existence")

_NEEDED = (
    "row",
    "kind",
    "study",
    "sentence_number",
    *ELEMENTS,
    *MARKS[:-1],
    "start",
    "weight_100",
    "draw",
)
_VOCABULARIES: dict[str, Sequence[str]] = {
    "finding": FINDINGS,
    "region": PLACES,
    "existence": [member.value for member in Existence],
}
_YES = frozenset({"y", "yes", "1", "true", "ok"})
_NO = frozenset({"n", "no", "0", "false"})
_SENTENCE = "s"
"""Right, and so is every triplet of the same sentence that has no verdict of its own."""

_LETTERS = {element[0]: element for element in ELEMENTS}
_DRAW = re.compile(r"draw [0-9a-f]+ of ([0-9]+) rows")
_WHOLE = re.compile(r"([0-9]+)([.,]0+)?")
_MAX_SHOWN = 20

_SCHEMA = {
    "row": pl.Int32,
    "study_id": pl.String,
    "weight": pl.Float64,
    "start": pl.Int32,
    "is_proposed": pl.Boolean,
    "is_true": pl.Boolean,
    "is_complete": pl.Boolean,
    **{
        name: pl.String
        for one in ELEMENTS
        for name in (f"proposed_{one}", f"true_{one}")
    },
    **{f"is_right_{element}": pl.Boolean for element in ELEMENTS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledSheet:
    """A marked sheet.

    `claims` has one row per judged or missed triplet:

        row             of the sheet, as a spreadsheet program numbers them
        study_id        as it stands in the sheet
        weight          reports of the corpus that its report stands for
        start           of the finding in the report; null for a missed triplet
        is_proposed     by the parser; otherwise a person found it missing
        is_true         whether there is a claim, right in all elements or not
        is_complete     whether its report was read to the end
        proposed_*      what the parser said; null for a missed triplet
        true_*          what is right; null where there is no claim or nobody says
        is_right_*      whether the proposed element is right
    """

    claims: pl.DataFrame
    unjudged: tuple[tuple[int, str], ...]
    """Row and study of the proposed triplets without a verdict."""

    unread: tuple[tuple[int, str], ...]
    """Row and study of the closing rows without a mark."""

    num_missing: int
    """Rows of the drawn sheet that are not there any more."""

    num_to_mark: int
    """Proposed triplets and closing rows that are there."""

    proposals: frozenset[tuple[str, str, str, str, int]]
    """All proposed triplets: study, finding, region, existence, start."""

    reports: pl.DataFrame
    """The reports of the sheet: study_id, weight, and is_settled, whether each has been
    read to the end with a verdict on every proposed triplet."""


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and what is wrong with it."""

    where: str
    problems: list[str] = field(default_factory=list)
    claims: list[dict[str, object]] = field(default_factory=list)
    unjudged: list[tuple[int, str]] = field(default_factory=list)
    unread: list[tuple[int, str]] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)
    right_sentences: set[tuple[str, int]] = field(default_factory=set)
    proposals: set[tuple[str, str, str, str, int]] = field(default_factory=set)

    def problem(self, row: SheetRow, column: str, expected: str) -> None:
        self.problems.append(
            f"row {row.number}, column {column}: expected {expected}, "
            f"found '{row[column].strip()}'"
        )


def read_filled_sheet(path: Path) -> FilledSheet:
    """Read a marked sheet, in whatever order a spreadsheet program has left it.

    Raises:
        SheetError: If the file is no such sheet, is of several draws, or has marks that
            cannot be understood: all of them are named by row and column.
        FileNotFoundError: If there is no such file.
    """
    rows = read_sheet(path.read_bytes(), columns=_NEEDED, where=str(path))
    num_drawn = _num_drawn(rows, where=str(path))
    reading = _Reading(where=str(path))
    rows = _without_copies(rows, reading)
    weights = _weights(rows, reading)
    _read_sentence_marks(rows, reading)
    for row in rows:
        _read_row(row, reading=reading, weights=weights)
    if reading.problems:
        raise SheetError(_problem_text(reading))
    claims = [
        claim | {"is_complete": claim["study_id"] in reading.complete}
        for claim in reading.claims
    ]
    is_drawn = {row["row"].strip() for row in rows} - {""}
    num_to_mark = len(reading.proposals) + len(reading.complete) + len(reading.unread)
    return FilledSheet(
        claims=pl.DataFrame(claims, schema=_SCHEMA),
        unjudged=tuple(reading.unjudged),
        unread=tuple(reading.unread),
        num_missing=max(num_drawn - len(is_drawn), 0),
        num_to_mark=num_to_mark,
        proposals=frozenset(reading.proposals),
        reports=_reports(weights, reading),
    )


def _num_drawn(rows: Sequence[SheetRow], *, where: str) -> int:
    """Return how many rows the sheet had when it was drawn."""
    draws = sorted({row["draw"].strip() for row in rows} - {""})
    match = _DRAW.fullmatch(draws[0]) if len(draws) == 1 else None
    if match is None:
        raise SheetError(
            f"{where}, column draw: expected the same text in all rows, such as 'draw "
            f"0123abcd of 300 rows', found {draws[:5]}. Score the sheets of several draws "
            "one by one, and leave the column as it was drawn."
        )
    return int(match[1])


def _without_copies(rows: Sequence[SheetRow], reading: _Reading) -> list[SheetRow]:
    """Leave out proposed and closing rows that repeat another one, marks and all."""
    kept: list[SheetRow] = []
    first: dict[str, SheetRow] = {}
    for row in rows:
        if _kind(row) not in (RowKind.PROPOSED, RowKind.REPORT):
            kept.append(row)
            continue
        other = first.setdefault(row["row"].strip(), row)
        if other is row:
            kept.append(row)
        elif row.cells != other.cells:
            expected = f"a number that row {other.number} does not have, or equal marks"
            reading.problem(row, "row", expected)
    return kept


def _weights(rows: Sequence[SheetRow], reading: _Reading) -> dict[str, float]:
    """Return the weight of every report of the sheet."""
    weights: dict[str, float] = {}
    for row in rows:
        study = row["study"]
        if _kind(row) not in (RowKind.PROPOSED, RowKind.REPORT):
            continue
        number = _whole_number(row["weight_100"])
        if number is None or weights.get(study, number / 100) != number / 100:
            expected = "the whole number that the sheet was drawn with"
            reading.problem(row, "weight_100", expected)
        else:
            weights[study] = number / 100
    return weights


def _read_sentence_marks(rows: Sequence[SheetRow], reading: _Reading) -> None:
    """Note the sentences that are right as a whole."""
    for row in rows:
        if _kind(row) != RowKind.PROPOSED or _verdict(row) != _SENTENCE:
            continue
        number = _whole_number(row["sentence_number"])
        if number is None:
            expected = "the whole number that the sheet was drawn with"
            reading.problem(row, "sentence_number", expected)
        else:
            reading.right_sentences.add((row["study"], number))


def _reports(weights: Mapping[str, float], reading: _Reading) -> pl.DataFrame:
    settled = reading.complete - {study for _, study in reading.unjudged}
    return pl.DataFrame(
        [(study, weights[study], study in settled) for study in sorted(weights)],
        schema={"study_id": pl.String, "weight": pl.Float64, "is_settled": pl.Boolean},
        orient="row",
    )


def _read_row(row: SheetRow, *, reading: _Reading, weights: dict[str, float]) -> None:
    kind = _kind(row)
    if kind is None:
        kinds = [member.value for member in RowKind]
        reading.problem(row, "kind", f"one of {kinds}")
    elif kind == RowKind.REPORT:
        _read_closing(row, reading=reading)
    elif row["study"] not in weights:
        if kind == RowKind.PROPOSED or _has_truth(row):
            reading.problem(row, "study", "the study of a report of this sheet")
    elif kind == RowKind.PROPOSED:
        _read_proposed(row, reading=reading, weight=weights[row["study"]])
    else:
        _read_missed(row, reading=reading, weight=weights[row["study"]])


def _kind(row: SheetRow) -> RowKind | None:
    """Return the kind of a row; one that a person has added needs none."""
    text = row["kind"].strip().lower()
    if not text and _has_truth(row):
        return RowKind.MISSED
    return RowKind(text) if text in {member.value for member in RowKind} else None


def _has_truth(row: SheetRow) -> bool:
    return any(row[f"true_{element}"].strip() for element in ELEMENTS)


def _read_closing(row: SheetRow, *, reading: _Reading) -> None:
    verdict = _verdict(row)
    if verdict in _YES:
        reading.complete.add(row["study"])
    elif not verdict or verdict in _NO:
        reading.unread.append((row.number, row["study"]))
    else:
        reading.problem(row, "verdict", "y (read to the end) or nothing")
    if _has_truth(row):
        expected = "nothing in a row of kind report; use a row of kind missed"
        column = next(f"true_{one}" for one in ELEMENTS if row[f"true_{one}"].strip())
        reading.problem(row, column, expected)


def _read_proposed(row: SheetRow, *, reading: _Reading, weight: float) -> None:
    proposed = {element: row[element].strip() for element in ELEMENTS}
    start = _whole_number(row["start"])
    if start is None:
        reading.problem(row, "start", "the whole number that the sheet was drawn with")
    for element, value in proposed.items():
        if value not in _VOCABULARIES[element]:
            reading.problem(row, element, "the word that the sheet was drawn with")
    finding, region, existence = proposed.values()
    reading.proposals.add((row["study"], finding, region, existence, start or 0))
    wrong = _wrong_elements(row, reading=reading)
    if wrong is None:
        return
    truth = _corrections(row, wrong, reading=reading)
    is_none = set(wrong) == set(ELEMENTS) and _verdict(row) in _NO
    claim: dict[str, object] = {
        "row": row.number,
        "study_id": row["study"],
        "weight": weight,
        "start": start,
        "is_proposed": True,
        "is_true": not is_none,
    }
    for element in ELEMENTS:
        claim[f"proposed_{element}"] = proposed[element]
        is_right = element not in wrong
        claim[f"is_right_{element}"] = is_right
        claim[f"true_{element}"] = proposed[element] if is_right else truth[element]
    reading.claims.append(claim)


def _wrong_elements(row: SheetRow, *, reading: _Reading) -> Sequence[str] | None:
    """Return the elements that the verdict calls wrong; None where there is no verdict."""
    verdict = _verdict(row)
    sentence = (row["study"], _whole_number(row["sentence_number"]))
    is_of_right = not verdict and sentence in reading.right_sentences
    if verdict in _YES or verdict == _SENTENCE or (is_of_right and not _has_truth(row)):
        return ()
    if verdict in _NO:
        return ELEMENTS
    letters = re.sub(r"[\s,;+/&.-]+", "", verdict)
    if letters and set(letters) <= set(_LETTERS):
        return [_LETTERS[letter] for letter in _LETTERS if letter in letters]
    if verdict:
        reading.problem(
            row, "verdict", "y, s, n, or the letters of f, r, e that are wrong"
        )
    elif _has_truth(row):
        reading.problem(row, "verdict", "a mark, since a true_ column is filled in")
    else:
        reading.unjudged.append((row.number, row["study"]))
    return None


def _corrections(
    row: SheetRow, wrong: Sequence[str], *, reading: _Reading
) -> dict[str, str | None]:
    """Return the right values of the wrong elements, None where nobody says."""
    truth: dict[str, str | None] = dict.fromkeys(ELEMENTS)
    for element in ELEMENTS:
        column = f"true_{element}"
        if not row[column].strip():
            continue
        if element not in wrong or _verdict(row) in _NO:
            expected = f"nothing, since the verdict is '{_verdict(row)}'"
            reading.problem(row, column, expected)
            continue
        truth[element] = _word(row, element, reading=reading)
        if truth[element] == row[element].strip():
            reading.problem(row, column, "another word than the one called wrong")
    return truth


def _read_missed(row: SheetRow, *, reading: _Reading, weight: float) -> None:
    if _verdict(row):
        kind = row["kind"].strip() or RowKind.MISSED
        expected = f"nothing in a row of kind {kind}; fill in true_ columns for a miss"
        reading.problem(row, "verdict", expected)
    if not _has_truth(row):
        return
    claim: dict[str, object] = {
        "row": row.number,
        "study_id": row["study"],
        "weight": weight,
        "is_proposed": False,
        "is_true": True,
    }
    for element in ELEMENTS:
        claim[f"true_{element}"] = _word(row, element, reading=reading)
        claim[f"is_right_{element}"] = False
    reading.claims.append(claim)


def _word(row: SheetRow, element: str, *, reading: _Reading) -> str | None:
    """Return the word of the vocabulary that a cell names; a problem where it does not."""
    column = f"true_{element}"
    text = " ".join(row[column].split()).lower()
    known = _VOCABULARIES[element]
    if element == "existence":
        text = {word[0]: word for word in known}.get(text, text)
    if text in known:
        return text
    close = difflib.get_close_matches(text, known, n=3)
    hint = f"did you mean {close}?" if close else "legend.csv lists them"
    reading.problem(row, column, f"a {element} of the vocabulary ({hint})")
    return None


def _verdict(row: SheetRow) -> str:
    return row["verdict"].strip().lower()


def _whole_number(text: str) -> int | None:
    match = _WHOLE.fullmatch(text.strip())
    return int(match[1]) if match else None


def _problem_text(reading: _Reading) -> str:
    shown = reading.problems[:_MAX_SHOWN]
    left = len(reading.problems) - len(shown)
    more = [f"... and {left} more"] if left else []
    return "\n".join(
        [
            f"{reading.where}: {len(reading.problems)} cells cannot be understood. Mend "
            "them and run again; rows are numbered as in the spreadsheet program.",
            *shown,
            *more,
        ]
    )
