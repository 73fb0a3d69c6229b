"""Small tables to be checked, their sheet, and what a person writes into it."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
from openpyxl.worksheet.worksheet import Worksheet

from asg_core.checking.sheet import COLUMNS, make_sheet
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLETS

TEXTS = {
    "s1": ("Small left effusion.", "No edema. "),
    "s2": ("Possible mass.", "The heart is large."),
    "s3": ("Lines as before.",),
}
"""Sentences by study; a report is its sentences, each in a line of its own."""

# Study, sentence, finding, its word, region, existence, cue
CLAIMS: tuple[tuple[str, int, str, str, str, str, str | None], ...] = (
    (
        "s1",
        0,
        "pleural effusion",
        "effusion",
        "left costophrenic angle",
        "present",
        None,
    ),
    ("s1", 1, "edema", "edema", "right lung", "absent", "No"),
    ("s1", 1, "edema", "edema", "left lung", "absent", "No"),
    ("s2", 0, "mass", "mass", "unspecified", "uncertain", "Possible"),
)


def tables() -> dict[str, pl.DataFrame]:
    """Return reports, sentences and triplets of three studies; s3 has no claim."""
    texts = {study: "\n".join(sentences) for study, sentences in TEXTS.items()}
    sentences = [
        {
            "study_id": study,
            "sentence_index": index,
            "section": "findings",
            "start": texts[study].index(sentence),
            "end": texts[study].index(sentence) + len(sentence),
            "text": sentence,
        }
        for study, parts in TEXTS.items()
        for index, sentence in enumerate(parts)
    ]
    return {
        "reports": REPORTS.frame(
            {"study_id": study, "text": text} for study, text in texts.items()
        ),
        "sentences": SENTENCES.frame(sentences),
        "triplets": TRIPLETS.frame(_triplet(claim, texts=texts) for claim in CLAIMS),
    }


def _triplet(
    claim: tuple[str, int, str, str, str, str, str | None], *, texts: Mapping[str, str]
) -> dict[str, object]:
    study, index, finding, word, region, existence, cue = claim
    start = texts[study].index(word)
    cue_start = None if cue is None else texts[study].index(cue)
    return {
        "study_id": study,
        "sentence_index": index,
        "region": region,
        "finding": finding,
        "existence": existence,
        "context": "current",
        "finding_start": start,
        "finding_end": start + len(word),
        "cue_start": cue_start,
        "cue_end": None if cue_start is None else cue_start + len(cue or ""),
        "parser": "fake",
    }


def drawn() -> pl.DataFrame:
    """Return the three studies as drawn; s3 stands for 4 reports."""
    return pl.DataFrame(
        {
            "study_id": ["s1", "s2", "s3"],
            "stratum": ["edema absent", "mass uncertain", "no claim"],
            "probability": [1.0, 0.5, 0.25],
        }
    )


def sheet_content() -> bytes:
    """Return the sheet of the three studies."""
    return make_sheet(drawn(), **tables())


def worksheet_of(content: bytes) -> Worksheet:
    """Return the first worksheet of a workbook."""
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Read a drawn sheet as it was written."""
    heads, *rows = worksheet_of(content).iter_rows(values_only=True)
    return [
        {str(h): "" if v is None else str(v) for h, v in zip(heads, row, strict=True)}
        for row in rows
    ]


def marked(marks: Mapping[int, Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the rows of the sheet with marks, by the number in the column row."""
    rows = rows_of(sheet_content())
    for number, cells in marks.items():
        rows[number - 1] |= cells
    return rows


def save_workbook(marks: Mapping[int, Mapping[str, Any]], path: Path) -> Path:
    """Write marks into the workbook, as a person does; any value can be one."""
    book = openpyxl.load_workbook(io.BytesIO(sheet_content()))
    for number, cells in marks.items():
        for column, value in cells.items():
            place = COLUMNS.index(column) + 1
            book.worksheets[0].cell(number + 1, place, value)
    book.save(path)
    return path


def save(
    rows: Sequence[Mapping[str, str]],
    path: Path,
    *,
    columns: Sequence[str] = COLUMNS,
    delimiter: str = ",",
    change: Callable[[str], bytes] = str.encode,
) -> Path:
    """Write rows as a program exports CSV: quotes where needed, no byte order mark."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(
        stream, columns, delimiter=delimiter, extrasaction="ignore", restval=""
    )
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(change(stream.getvalue()))
    return path


# Of the sheet: 1 effusion, 2-3 edema, 4-5 room, 6 end of s1; 7 mass, 8 the heart, 9-10
# room, 11 end of s2; 12 a sentence, 13-14 room, 15 end of s3.
MARKS: dict[int, dict[str, str]] = {
    1: {"verdict": "y"},
    2: {"verdict": "r", "true_region": "right lower lung zone"},
    3: {"verdict": "Y "},
    6: {"verdict": "y"},
    7: {"verdict": "n"},
    8: {
        "true_finding": "Cardiomegaly",
        "true_region": "cardiac  silhouette",
        "true_existence": "p",
    },
    11: {"verdict": "yes"},
    15: {"verdict": "y"},
}
"""Two edema rows, one of a wrong region; a mass that is none; a heart that was missed."""
