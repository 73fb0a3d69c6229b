"""The sheet that a person marks: proposed triplets, and room for those that were missed."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl

from asg_core.checking.spreadsheet import (
    SheetError,
    printable,
    read_sheet,
    sheet_bytes,
)
from asg_core.files import replacing
from asg_core.tables.catalog import TRIPLETS
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES

NUM_BLANK_ROWS = 2
"""Rows below each report for what was missed; more can be inserted."""

MARKS: tuple[str, ...] = (
    "verdict",
    "true_finding",
    "true_region",
    "true_existence",
    "remark",
)
"""The columns that a person fills in."""

COLUMNS: tuple[str, ...] = (
    "row",
    "kind",
    "sentence",
    "finding",
    "region",
    "existence",
    *MARKS,
    "cue",
    "context",
    "section",
    "sentence_number",
    "study",
    "start",
    "stratum",
    "weight_100",
    "draw",
)
_MAX_SHOWN = 1500
"""Characters of a sentence that are shown before, in and after the words of a finding."""


class RowKind(StrEnum):
    """What a row of the sheet asks."""

    PROPOSED = "proposed"  # is this triplet right?
    SENTENCE = "sentence"  # nothing was proposed here: was something missed?
    MISSED = "missed"  # room for a triplet of the report that was missed
    REPORT = "report"  # has the whole report been read?


def make_sheet(
    drawn: pl.DataFrame,
    *,
    reports: pl.DataFrame,
    sentences: pl.DataFrame,
    triplets: pl.DataFrame,
) -> bytes:
    """Return the sheet as CSV; the same tables give the same bytes.

    Reports come in the order of `drawn`. In each: its sentences in order, with one row
    for each proposed triplet or one row that says that there is none; then rows for
    missed triplets; then the row that says that the report was read. In `sentence` the
    words of the finding stand between >> and <<.

    Args:
        drawn: In the columns of `draw_reports`.
        reports: In REPORTS; rows of other studies are left out, here and below.
        sentences: In SENTENCES.
        triplets: In TRIPLETS.
    """
    texts = dict(reports.select("study_id", "text").iter_rows())
    of_study = {
        name: table.sort("study_id", "sentence_index").partition_by(
            "study_id", as_dict=True, include_key=True
        )
        for name, table in (
            ("sentences", sentences),
            ("triplets", triplets.sort(TRIPLETS.key)),
        )
    }
    rows: list[dict[str, str | int]] = []
    for report in drawn.iter_rows(named=True):
        key = (report["study_id"],)
        shared = {
            "study": report["study_id"],
            "stratum": report["stratum"],
            "weight_100": round(100 / report["probability"]),
        }
        for row in _report_rows(
            of_study["sentences"].get(key, sentences.clear()),
            of_study["triplets"].get(key, triplets.clear()),
            text=texts[report["study_id"]],
        ):
            rows.append(
                dict.fromkeys(COLUMNS, "") | shared | row | {"row": len(rows) + 1}
            )
    content = sheet_bytes(rows, columns=COLUMNS[:-1])
    digest = blake2b(content, digest_size=4).hexdigest()
    draw = f"draw {digest} of {len(rows)} rows"
    return sheet_bytes((row | {"draw": draw} for row in rows), columns=COLUMNS)


def write_new_sheet(content: bytes, path: Path) -> None:
    """Write the sheet in one step, unless there is one with marks, or another file.

    Raises:
        SheetError: If the file at `path` has marks or is no drawn sheet.
    """
    if path.exists():
        check_unmarked(path)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def check_unmarked(path: Path) -> None:
    """Raise unless the file is a drawn sheet in which nobody has marked anything.

    Raises:
        SheetError: Telling where the first mark is and what to do.
    """
    advice = (
        "It is not replaced. Move it to another place and name that in "
        "check_triplets.filled to score it, or delete it to draw anew."
    )
    try:
        rows = read_sheet(path.read_bytes(), columns=COLUMNS, where=str(path))
    except SheetError as error:
        raise SheetError(f"{error} {advice}") from error
    marked = [row for row in rows if any(row[column].strip() for column in MARKS)]
    if marked:
        raise SheetError(
            f"{path}: expected the sheet as it was drawn, found marks in {len(marked)} "
            f"rows, the first in row {marked[0].number}. {advice}"
        )


def legend_bytes() -> bytes:
    """Return what may stand in the columns to be filled in, as CSV."""
    return sheet_bytes(_legend_rows(), columns=("column", "value", "meaning"))


def _report_rows(
    sentences: pl.DataFrame, triplets: pl.DataFrame, *, text: str
) -> Iterator[dict[str, str | int]]:
    by_sentence: dict[int, list[dict[str, Any]]] = {}
    for triplet in triplets.iter_rows(named=True):
        by_sentence.setdefault(triplet["sentence_index"], []).append(triplet)
    for sentence in sentences.iter_rows(named=True):
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
    cue = (
        ""
        if claim["cue_start"] is None
        else text[claim["cue_start"] : claim["cue_end"]]
    )
    return {
        "kind": RowKind.PROPOSED,
        "sentence": printable(
            f"{_end_of(text[low:start])}>>{_start_of(text[start:end])}<<"
            f"{_start_of(text[end:high])}"
        ),
        "finding": claim["finding"],
        "region": claim["region"],
        "existence": claim["existence"],
        "cue": printable(cue),
        "context": claim["context"],
        "start": start,
    }


def _start_of(text: str) -> str:
    """Return the start of a text, as long as a cell can hold beside others."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."


def _end_of(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"... {text[-_MAX_SHOWN:]}"


def _legend_rows() -> Iterator[dict[str, str | int]]:
    def row(column: str, value: str, meaning: str) -> dict[str, str | int]:
        return {"column": column, "value": value, "meaning": meaning}

    proposed = "in a row of kind proposed: "
    yield row("verdict", "y", f"{proposed}finding, region and existence are right")
    yield row(
        "verdict",
        "s",
        f"{proposed}right, and so is each triplet of this sentence without a verdict",
    )
    yield row("verdict", "n", f"{proposed}the sentence does not claim this at all")
    for letter, element in (("f", "finding"), ("r", "region"), ("e", "existence")):
        yield row(
            "verdict",
            letter,
            f"{proposed}there is such a claim, but its {element} is wrong; write the right "
            f"one into true_{element} if you can. Letters can be joined: re",
        )
    yield row("verdict", "(empty)", f"{proposed}not judged; it counts for nothing")
    yield row("verdict", "y", "in a row of kind report: read to the end")
    yield row("verdict", "(empty)", "in a row of kind report: it counts for no recall")
    missed = (
        "in rows of kind sentence and missed: a triplet that was missed, in all three"
    )
    yield row("true_finding, true_region, true_existence", "(a value below)", missed)
    yield row("remark", "(anything)", "is not read")
    for finding in FINDINGS:
        yield row("true_finding", finding, "")
    for place in PLACES:
        yield row("true_region", place, "left and right are the patient's")
    for existence in Existence:
        yield row("true_existence", existence.value, f"or {existence.value[0]}")
