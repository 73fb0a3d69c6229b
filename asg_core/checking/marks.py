"""What a person wrote into a sheet -> judged triplets."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from asg_core.checking.elements import ELEMENTS
from asg_core.checking.sheet import MARKS, RowKind
from asg_core.checking.spreadsheet import SheetError, read_sheet
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES

UNJUDGED, UNREAD = "unjudged", "not_read_to_the_end"

_NUMBERS = ("start", "weight_100", "sentence_number")
_NEEDED = ("row", "kind", "study", *ELEMENTS, *MARKS[:-1], *_NUMBERS, "draw")
_VOCABULARIES: Mapping[str, Sequence[str]] = {
    "finding": FINDINGS,
    "region": PLACES,
    "existence": [member.value for member in Existence],
}
_YES = ("y", "yes", "1", "true", "ok")
_NO = ("n", "no", "0", "false")
_SENTENCE = "s"
"""Right, and so is every triplet of the same sentence that has no verdict of its own."""

_DRAW = re.compile(r"draw [0-9a-f]+ of ([0-9]+) rows")
_WHOLE = r"^([0-9]+)([.,]0+)?$"
_BETWEEN_LETTERS = r"[\s,;+/&.-]+"
_MAX_SHOWN = 20

_IS_PROPOSED = pl.col("what") == RowKind.PROPOSED.value
_IS_CLOSING = pl.col("what") == RowKind.REPORT.value
_IS_DRAWN = _IS_PROPOSED | _IS_CLOSING
"""Whether a row is one that nobody adds."""

_IS_ROOM = pl.col("what").is_in([RowKind.SENTENCE.value, RowKind.MISSED.value])
_HAS_TRUTH = pl.any_horizontal(pl.col(f"true_{one}") != "" for one in ELEMENTS)
_MARK = pl.col("mark")


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
    reports: pl.DataFrame
    """The reports of the sheet: study_id, weight, and is_settled, whether each has been
    read to the end with a verdict on every proposed triplet."""

    proposals: pl.DataFrame
    """All proposed triplets: study_id, finding, region, existence, finding_start."""

    unmarked: pl.DataFrame
    """Rows without a mark: row, study_id and reason, which is `UNJUDGED` of a proposed
    triplet without a verdict, `UNREAD` of the end of a report."""

    num_missing: int
    """Rows of the drawn sheet that are not there any more."""

    num_to_mark: int
    """Proposed triplets and closing rows that are there."""


def read_filled_sheet(path: Path) -> FilledSheet:
    """Read a marked sheet, in whatever order a spreadsheet program has left it.

    Raises:
        SheetError: If the file is no such sheet, is of several draws, or has marks that
            cannot be understood: all of them are named by row and column.
        FileNotFoundError: If there is no such file.
    """
    cells = read_sheet(path.read_bytes(), columns=_NEEDED, where=str(path))
    num_drawn = _num_drawn(cells["draw"], where=str(path))
    # A drawn row that was copied, marks and all, counts once.
    is_first = pl.struct(_NEEDED).is_first_distinct()
    rows = _interpret(cells).filter(~_IS_DRAWN | is_first)
    _check(rows, where=str(path))
    is_unjudged = _IS_PROPOSED & ~pl.col("is_judged")
    is_unread = _IS_CLOSING & ~_MARK.is_in(_YES)
    rows = rows.with_columns(
        # Not by Polars, whose division by a constant can be off in the last digit.
        pl.Series("weight", rows["hundredths"].to_numpy() / 100),
        study_id="study",
        finding_start="start_value",
        is_settled=pl.col("is_complete") & ~is_unjudged.any().over("study"),
        reason=pl.when(is_unjudged).then(pl.lit(UNJUDGED)).otherwise(pl.lit(UNREAD)),
    )
    drawn = rows.filter(_IS_DRAWN)
    return FilledSheet(
        claims=_claims(rows),
        reports=drawn.select("study_id", "weight", "is_settled")
        .unique()
        .sort("study_id"),
        proposals=drawn.filter(_IS_PROPOSED).select(
            "study_id", *ELEMENTS, "finding_start"
        ),
        unmarked=drawn.filter(is_unjudged | is_unread).select(
            pl.col("number").alias("row"), "study_id", "reason"
        ),
        num_missing=max(num_drawn - len(set(rows["row"]) - {""}), 0),
        num_to_mark=len(drawn),
    )


def _num_drawn(draws: pl.Series, *, where: str) -> int:
    """Return how many rows the sheet had when it was drawn."""
    found = sorted(set(draws.str.strip_chars()) - {""})
    match = _DRAW.fullmatch(found[0]) if len(found) == 1 else None
    if match is None:
        raise SheetError(
            f"{where}, column draw: expected the same text in all rows, such as 'draw "
            f"0123abcd of 300 rows', found {found[:5]}. Score the sheets of several draws "
            "one by one, and leave the column as it was drawn."
        )
    return int(match[1])


def _interpret(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with columns that say what their cells mean.

    mark            the verdict in small letters
    word_*          the word that true_* names; empty for none
    *_value         the whole number in a cell; null where there is none
    what            the kind of the row; one that a person has added needs none
    first           the number of the first drawn row with the same `row`
    hundredths      the weight of the study; null for one that was not drawn
    is_complete     whether the report was read to the end
    is_no           whether the verdict says that there is no such claim
    is_judged       whether there is a verdict, be it by another row of the sentence
    is_wrong_*      whether the verdict calls the element wrong
    """
    kind = pl.col("kind").str.to_lowercase()
    added = pl.when((kind == "") & _HAS_TRUTH).then(pl.lit(RowKind.MISSED.value))
    letters = _MARK.str.replace_all(_BETWEEN_LETTERS, "")
    has_letters = letters.str.contains("^[fre]+$")
    is_no = _MARK.is_in(_NO)
    sentence = pl.col("sentence_number_value")
    is_right_sentence = (
        (_IS_PROPOSED & (_MARK == _SENTENCE)).any().over("study", sentence)
    )
    by_sentence = (
        is_right_sentence & sentence.is_not_null() & ~_HAS_TRUTH & (_MARK == "")
    )
    weight = pl.when(_IS_DRAWN).then(pl.col("weight_100_value"))
    number = pl.when(_IS_DRAWN).then(pl.col("number"))
    rows = cells.with_columns(pl.exclude("number", "study").str.strip_chars())
    rows = rows.with_columns(
        *(_whole_number(name).alias(f"{name}_value") for name in _NUMBERS),
        *(_word(one).alias(f"word_{one}") for one in ELEMENTS),
        mark=pl.col("verdict").str.to_lowercase(),
        what=added.otherwise(kind),
    )
    return rows.with_columns(
        *(
            (is_no | (has_letters & letters.str.contains(one[0]))).alias(
                f"is_wrong_{one}"
            )
            for one in ELEMENTS
        ),
        first=number.drop_nulls().first().over("row"),
        hundredths=weight.drop_nulls().first().over("study"),
        is_complete=(_IS_CLOSING & _MARK.is_in(_YES)).any().over("study"),
        is_no=is_no,
        is_judged=_MARK.is_in((*_YES, *_NO, _SENTENCE)) | has_letters | by_sentence,
    )


def _whole_number(column: str) -> pl.Expr:
    return pl.col(column).str.extract(_WHOLE).cast(pl.Int64, strict=False)


def _word(element: str) -> pl.Expr:
    """Return the word in the column true_*: spaces and capitals do not count."""
    word = pl.col(f"true_{element}").str.replace_all(r"\s+", " ").str.to_lowercase()
    letters = {known[0]: known for known in _VOCABULARIES["existence"]}
    return word.replace(letters) if element == "existence" else word


def _check(rows: pl.DataFrame, *, where: str) -> None:
    """Raise if anything cannot be understood, naming all of it by row and column."""
    found = pl.concat(
        rows.filter(is_wrong).select(
            "number", column=pl.lit(column), expected=expected, found=pl.col(column)
        )
        for is_wrong, column, expected in (*_faults_of_rows(), *_faults_of_words())
    ).sort("number", maintain_order=True)
    if found.is_empty():
        return
    shown = [
        f"row {number}, column {column}: expected {expected}, found '{text.strip()}'"
        for number, column, expected, text in found.head(_MAX_SHOWN).iter_rows()
    ]
    if len(found) > _MAX_SHOWN:
        shown.append(f"... and {len(found) - _MAX_SHOWN} more")
    raise SheetError(
        f"{where}: {len(found)} cells cannot be understood. Mend them and run again; "
        "rows are numbered as in the spreadsheet program.\n" + "\n".join(shown)
    )


Fault = tuple[pl.Expr, str, pl.Expr]
"""Which rows have it, the column at fault, and what was expected there."""


def _faults_of_rows() -> Iterator[Fault]:
    """Yield what can be wrong with a row as such, and with its verdict."""
    drawn_number = pl.lit("the whole number that the sheet was drawn with")
    is_known = pl.col("hundredths").is_not_null()
    kinds = [member.value for member in RowKind]
    yield ~pl.col("what").is_in(kinds), "kind", pl.lit(f"one of {kinds}")
    is_said = _IS_PROPOSED | (_IS_ROOM & _HAS_TRUTH)
    yield ~is_known & is_said, "study", pl.lit("the study of a report of this sheet")
    another = pl.format("a number that row {} does not have, or equal marks", "first")
    yield _IS_DRAWN & (pl.col("number") != pl.col("first")), "row", another
    weight = pl.col("weight_100_value")
    is_other = weight.is_null() | (weight != pl.col("hundredths"))
    yield _IS_DRAWN & is_other, "weight_100", drawn_number
    yield _IS_PROPOSED & pl.col("start_value").is_null(), "start", drawn_number
    is_lost = pl.col("sentence_number_value").is_null() & (_MARK == _SENTENCE)
    yield _IS_PROPOSED & is_lost, "sentence_number", drawn_number
    is_unclear = _IS_PROPOSED & is_known & ~pl.col("is_judged")
    letters = pl.lit("y, s, n, or the letters of f, r, e that are wrong")
    yield is_unclear & (_MARK != ""), "verdict", letters
    a_mark = pl.lit("a mark, since a true_ column is filled in")
    yield is_unclear & (_MARK == "") & _HAS_TRUTH, "verdict", a_mark
    nothing = "nothing in a row of kind {}; fill in true_ columns for a miss"
    yield _IS_ROOM & is_known & (_MARK != ""), "verdict", pl.format(nothing, "what")
    is_no_end = ~_MARK.is_in((*_YES, *_NO, ""))
    yield _IS_CLOSING & is_no_end, "verdict", pl.lit("y (read to the end) or nothing")


def _faults_of_words() -> Iterator[Fault]:
    """Yield what can be wrong with finding, region and existence, and with the true ones."""
    is_known = pl.col("hundredths").is_not_null()
    for one, vocabulary in _VOCABULARIES.items():
        column, word = f"true_{one}", pl.col(f"word_{one}")
        drawn_word = pl.lit("the word that the sheet was drawn with")
        yield _IS_PROPOSED & ~pl.col(one).is_in(vocabulary), one, drawn_word
        is_filled = pl.col(column) != ""
        is_wanted = pl.col(f"is_wrong_{one}") & ~pl.col("is_no")
        is_judged = _IS_PROPOSED & is_known & pl.col("is_judged") & is_filled
        nothing = pl.format("nothing, since the verdict is '{}'", "mark")
        yield is_judged & ~is_wanted, column, nothing
        is_word_wanted = (is_judged & is_wanted) | (_IS_ROOM & is_known & _HAS_TRUTH)
        similar = word.map_elements(partial(_similar, element=one), pl.String)
        yield is_word_wanted & ~word.is_in(vocabulary), column, similar
        another = pl.lit("another word than the one called wrong")
        yield is_judged & is_wanted & (word == pl.col(one)), column, another
        elsewhere = pl.lit("nothing in a row of kind report; use a row of kind missed")
        yield _IS_CLOSING & is_filled, column, elsewhere


def _similar(text: str, element: str) -> str:
    """Return what was expected in the place of a word that no vocabulary has."""
    close = difflib.get_close_matches(text, _VOCABULARIES[element], n=3)
    hint = f"did you mean {close}?" if close else "the worksheet 'words' lists them"
    return f"one word for the {element} ({hint})"


def _claims(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the judged and the missed triplets; the columns are those of `FilledSheet`."""
    columns: dict[str, pl.Expr] = {}
    for one in ELEMENTS:
        proposed = pl.when(_IS_PROPOSED).then(pl.col(one))
        is_right = _IS_PROPOSED & ~pl.col(f"is_wrong_{one}")
        corrected = pl.col(f"word_{one}").replace("", None)
        columns[f"proposed_{one}"] = proposed
        columns[f"true_{one}"] = (
            pl.when(is_right).then(pl.col(one)).otherwise(corrected)
        )
        columns[f"is_right_{one}"] = is_right
    is_missed = _IS_ROOM & _HAS_TRUTH
    return rows.filter((_IS_PROPOSED & pl.col("is_judged")) | is_missed).select(
        "study_id",
        "weight",
        "is_complete",
        row="number",
        start=pl.when(_IS_PROPOSED).then(pl.col("start_value")),
        is_proposed=_IS_PROPOSED,
        is_true=~pl.col("is_no"),
        **columns,
    )
