"""The metadata and split CSV files of MIMIC-CXR-JPG."""

import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from asg_core.sources.mimic_cxr.source import METADATA_COLUMNS, SPLIT_COLUMNS
from asg_core.sources.mimic_cxr.views import MEANING, POSITION
from asg_core.sources.reading.files import table_columns, table_rows
from asg_core.sources.shard import ShardReading
from asg_core.sources.splits import canonical_split, unknown_split

logger = logging.getLogger(__name__)

_ROWS_PER_FRAME = 100_000


class ListedImage(NamedTuple):
    """A row of the metadata; a cell without text is empty, one without number is 0."""

    where: str
    """The file and the 1-based number of the row below the header."""

    image_id: str
    study_id: str
    patient_id: str
    position: str
    meaning: str
    width: int
    height: int
    is_first: bool
    """No row above, of any shard, has the same image."""

    owner: str
    """The patient of the first row, of any shard, with the same study."""


def read_splits(path: Path | None, *, reading: ShardReading) -> None:
    """Name the splits of the shard's patients; without a file they are all drawn.

    Rows whose split is no split are rejected, as `unknown_split`.
    """
    if path is None:
        logger.info("no split file: splits are drawn by patient")
        return
    frame = _read_csv(path, SPLIT_COLUMNS).rename({"subject_id": "patient_id"})
    rows = of_shard(frame, reading=reading).select("patient_id", "split", "number")
    for patient_id, split, number in rows.iter_rows():
        known = canonical_split(split)
        if known is None:
            where = f"{path.name}:{number}"
            reading.rejects.add_problem(where, unknown_split(split), where=where)
        else:
            reading.splits.name(patient_id, known)


def listed_images(path: Path) -> pl.DataFrame:
    """Return the rows of the metadata, all shards, in the columns of `ListedImage`."""
    optional = [MEANING] if MEANING in table_columns(path) else []
    frame = _read_csv(path, (*METADATA_COLUMNS, *optional))
    return frame.select(
        where=pl.format("{}:{}", pl.lit(path.name), "number"),
        image_id="dicom_id",
        study_id="study_id",
        patient_id="subject_id",
        position=POSITION,
        meaning=MEANING if optional else pl.lit(""),
        width=_whole_number("Columns"),
        height=_whole_number("Rows"),
        is_first=pl.col("dicom_id").is_first_distinct(),
        owner=pl.col("subject_id").first().over("study_id"),
    )


def of_shard(frame: pl.DataFrame, *, reading: ShardReading) -> pl.DataFrame:
    """Return the rows of the shard's patients; the empty id counts as one."""
    patients = frame["patient_id"].unique().to_list()
    mine = [patient_id for patient_id in patients if reading.has(patient_id)]
    return frame.filter(pl.col("patient_id").is_in(mine))


def _read_csv(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Read `columns` as text, with the 1-based `number` of each row.

    A row with more or fewer cells than the header has empty cells, so that it is no
    image's and no patient's.
    """
    malformed = [""] * len(columns)
    rows = (row or malformed for row in table_rows(path, columns=columns))
    schema = dict.fromkeys(columns, pl.String)
    frames = [pl.DataFrame(schema=schema)]
    # Rows as Python objects take 20 times the room of a frame.
    while chunk := list(islice(rows, _ROWS_PER_FRAME)):
        cells = zip(*chunk, strict=True)
        frames.append(
            pl.DataFrame(dict(zip(columns, cells, strict=True)), schema=schema)
        )
    return pl.concat(frames).with_row_index("number", offset=1)


def _whole_number(column: str) -> pl.Expr:
    """Read "2544" and "2544.0" as a number; 0 for anything else."""
    number = pl.col(column).cast(pl.Float64, strict=False)
    is_whole = number.is_finite() & (number == number.round())
    whole = pl.when(is_whole).then(number).otherwise(None)
    return whole.cast(pl.Int32, strict=False).fill_null(0)
