"""The sheet that a person marks: proposed triplets, and room for those that were missed."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl

from asg_core.checking.spreadsheet import SheetError, read_sheet
from asg_core.checking.workbook import workbook_bytes
from asg_core.files import replacing
from asg_core.tables.catalog import TRIPLETS
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES

NUM_BLANK_ROWS = 2
"""Rows below each report for what was missed; more can be inserted."""

_WIDTHS = {
    "row": 6,
    "kind": 10,
    "sentence": 70,
    "finding": 26,
    "region": 24,
    "existence": 11,
    "verdict": 9,
    "true_finding": 26,
    "true_region": 24,
    "true_existence": 14,
    "remark": 24,
    "cue": 14,
    "context": 12,
    "section": 14,
    "sentence_number": 16,
    "study": 14,
    "start": 8,
    "stratum": 34,
    "weight_100": 12,
    "draw": 28,
}
COLUMNS: tuple[str, ...] = tuple(_WIDTHS)
MARKS: tuple[str, ...] = COLUMNS[6:11]
"""The columns that a person fills in."""

_TRUTH = MARKS[1:]
_MAX_SHOWN = 1500
"""Characters of a sentence that are shown before, in and after the words of a finding."""


class RowKind(StrEnum):
    """What a row of the sheet asks."""

    PROPOSED = "proposed"  # is this triplet right?
    SENTENCE = "sentence"  # nothing was proposed here: was something missed?
    MISSED = "missed"  # room for a triplet of the report that was missed
    REPORT = "report"  # has the whole report been read?


_TO_FILL: Mapping[str, tuple[str, ...]] = {
    RowKind.PROPOSED: MARKS,
    RowKind.SENTENCE: _TRUTH,
    # A row that is inserted below gets its cells from this one, and has no study yet.
    RowKind.MISSED: (*_TRUTH, "study"),
    RowKind.REPORT: ("verdict", "remark"),
}
_LETTERS = ("f", "r", "e", "fr", "fe", "re", "fre")


def _not_with_this(letters: str) -> str:
    names = [name for name in ("finding", "region", "existence") if name[0] in letters]
    columns = " and ".join(f"true_{name}" for name in names)
    return (
        f"there is such a claim, but not with this {' and '.join(names)}; what is right "
        f"goes into {columns}, if you can say it"
    )


WORDS: Mapping[str, Mapping[str, str]] = {
    "verdict": {
        "y": "proposed: finding, region and existence are right; report: read to the end",
        "s": "right, and so is each triplet of this sentence without a verdict",
        "n": "the sentence does not claim this at all",
        **{letters: _not_with_this(letters) for letters in _LETTERS},
    },
    "true_finding": dict.fromkeys(FINDINGS, ""),
    "true_region": dict.fromkeys(PLACES, "left and right are the patient's"),
    "true_existence": dict.fromkeys([member.value for member in Existence], ""),
}
"""The words that the columns to be filled in may hold, and what they mean."""


def make_sheet(
    drawn: pl.DataFrame,
    *,
    reports: pl.DataFrame,
    sentences: pl.DataFrame,
    triplets: pl.DataFrame,
) -> bytes:
    """Return the sheet as a workbook; the same tables give the same bytes.

    Reports come in the order of `drawn`. In each: its sentences in order, with one row
    for each proposed triplet or one row that says that there is none; then rows for
    missed triplets; then the row that says that the report was read. In `sentence` the
    words of the finding stand between >> and <<.

    Args:
        drawn: The drawn reports, as `draw_reports` returns them.
        reports: Rows of REPORTS; those of other studies are left out, here and below.
        sentences: Rows of SENTENCES.
        triplets: Rows of TRIPLETS.
    """
    texts = dict(reports.select("study_id", "text").iter_rows())
    sentences_of = _by_study(sentences.sort("study_id", "sentence_index"))
    triplets_of = _by_study(triplets.sort(TRIPLETS.key))
    rows: list[dict[str, str | int]] = []
    for study, stratum, probability in drawn.select(
        "study_id", "stratum", "probability"
    ).iter_rows():
        shared = {
            "study": study,
            "stratum": stratum,
            "weight_100": round(100 / probability),
        }
        for row in _report_rows(
            sentences_of.get(study, []), triplets_of.get(study, []), text=texts[study]
        ):
            rows.append(shared | row | {"row": len(rows) + 1})
    digest = blake2b(json.dumps(rows).encode(), digest_size=4).hexdigest()
    draw = {"draw": f"draw {digest} of {len(rows)} rows"}
    return workbook_bytes(
        [row | draw for row in rows], widths=_WIDTHS, to_fill=_TO_FILL, words=WORDS
    )


def write_new_sheet(content: bytes, path: Path) -> None:
    """Write the sheet in one step, unless there is one with marks, or another file.

    Raises:
        SheetError: If the file at `path` has marks or is no drawn sheet.
    """
    if path.exists():
        _check_unmarked(path)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _check_unmarked(path: Path) -> None:
    """Raise unless the file is a drawn sheet in which nobody has marked anything."""
    advice = (
        "It is not replaced. Move it to another place and name that in "
        "check_triplets.filled to score it, or delete it to draw anew."
    )
    try:
        rows = read_sheet(path.read_bytes(), columns=COLUMNS, where=str(path))
    except SheetError as error:
        raise SheetError(f"{error} {advice}") from error
    marked = rows.filter(pl.any_horizontal(pl.col(MARKS).str.strip_chars() != ""))
    if len(marked):
        raise SheetError(
            f"{path}: expected the sheet as it was drawn, found marks in {len(marked)} "
            f"rows, the first in row {marked['number'][0]}. {advice}"
        )


def printable(text: str) -> str:
    """Return a text in one line, without characters that have no sign."""
    signs = (" " if unicodedata.category(sign) == "Cc" else sign for sign in text)
    return " ".join("".join(signs).split())


def _by_study(table: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each study, in the order of the table."""
    parts = table.partition_by("study_id", as_dict=True)
    return {str(study): rows.to_dicts() for (study,), rows in parts.items()}


def _report_rows(
    sentences: list[dict[str, Any]], triplets: list[dict[str, Any]], *, text: str
) -> Iterator[dict[str, str | int]]:
    """Yield the rows of one report, without what all of them share."""
    by_sentence: dict[int, list[dict[str, Any]]] = {}
    for triplet in triplets:
        by_sentence.setdefault(triplet["sentence_index"], []).append(triplet)
    for sentence in sentences:
        place: dict[str, str | int] = {
            "section": sentence["section"],
            "sentence_number": sentence["sentence_index"] + 1,
        }
        claims = by_sentence.get(sentence["sentence_index"], [])
        for claim in sorted(claims, key=lambda row: row["finding_start"]):
            yield place | _proposed_row(claim, sentence=sentence, text=text)
        if not claims:
            words = printable(_start_of(text[sentence["start"] : sentence["end"]]))
            yield place | {"kind": RowKind.SENTENCE, "sentence": words}
    for _ in range(NUM_BLANK_ROWS):
        yield {"kind": RowKind.MISSED}
    closing = "(read to the end? y, when everything missed is written down)"
    yield {"kind": RowKind.REPORT, "sentence": closing}


def _proposed_row(
    claim: Mapping[str, Any], *, sentence: Mapping[str, Any], text: str
) -> dict[str, str | int]:
    start, end = claim["finding_start"], claim["finding_end"]
    low, high = min(sentence["start"], start), max(sentence["end"], end)
    has_cue = claim["cue_start"] is not None
    return {
        "kind": RowKind.PROPOSED,
        "sentence": printable(
            f"{_end_of(text[low:start])}>>{_start_of(text[start:end])}<<"
            f"{_start_of(text[end:high])}"
        ),
        "finding": claim["finding"],
        "region": claim["region"],
        "existence": claim["existence"],
        "cue": printable(text[claim["cue_start"] : claim["cue_end"]])
        if has_cue
        else "",
        "context": claim["context"],
        "start": start,
    }


def _start_of(text: str) -> str:
    """Return the start of a text, as long as a cell can hold beside others."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."


def _end_of(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"... {text[-_MAX_SHOWN:]}"
