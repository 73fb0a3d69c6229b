"""Any CSV or Parquet file that names image files, report texts, or both."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from asg_core.sources.assemble import (
    REPORTS_STAGE,
    GivenView,
    PatientSplits,
    RejectLog,
    SourceTables,
    StudyBook,
    ViewLog,
    canonical_split,
    image_row,
    source_tables,
)
from asg_core.sources.config import CorpusConfig
from asg_core.sources.reading.image_size import UnreadableImageError, image_size
from asg_core.sources.reading.item_files import is_file
from asg_core.sources.table.rows import TableRow, read_table_rows
from asg_core.tables.shards import shard_of

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Reading:
    """What one shard has given so far."""

    config: CorpusConfig
    root: Path
    splits: PatientSplits
    views: ViewLog
    rejects: RejectLog = field(default_factory=RejectLog)
    studies: StudyBook = field(default_factory=StudyBook)
    images: list[dict[str, object]] = field(default_factory=list)
    reports: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlacedRow:
    """A row of the shard, beside what the rows above it, of any shard, have said."""

    row: TableRow
    is_first: bool
    """No row above has the same image."""

    owner: str
    """The patient of the first row with the same study."""


def read_table_source(*, config: CorpusConfig, root: Path, shard: int) -> SourceTables:
    """Read one shard of a table source.

    A row gives an image, a text, or both. Rows of one study may repeat its text; the
    first text counts and another one is rejected. A row without text gives no report.
    Sizes are read from the headers of the image files, so a header that cannot be read
    is found here and pixels that cannot be decoded later.

    Rejects: `malformed_row`, `empty_row`, `path_outside_root`, `unknown_split`,
    `split_conflict`, `patient_conflict`, `duplicate_id`, `conflicting_text`,
    `missing_image`, `unreadable_image`.

    Args:
        config: The corpus; its root is not read, `root` is.
        root: Folder that the table and the paths in it are relative to.
        shard: 0-based.

    Raises:
        SourceError: If the table or a column that the configuration names is missing.
        PassingFaultError: If the operating system cannot read a file; another try may.
    """
    placed = _rows_of_shard(config=config, root=root, shard=shard)
    claims = [
        (item.row.patient_id, split)
        for item in placed
        if (split := canonical_split(item.row.split)) is not None
    ]
    splits = PatientSplits(claims, config=config)
    views = ViewLog(config)
    reading = _Reading(config=config, root=root, splits=splits, views=views)
    for item in placed:
        _read_row(item, reading=reading)
    logger.info(
        "shard %d: %d rows -> %d images, %d reports; rejected %s; left out by choice %s",
        shard,
        len(placed),
        len(reading.images),
        len(reading.reports),
        reading.rejects.counts(),
        dict(sorted(reading.left_out.items())),
    )
    return source_tables(
        studies=reading.studies,
        images=reading.images,
        reports=reading.reports,
        views=reading.views,
        rejects=reading.rejects,
    )


def _rows_of_shard(*, config: CorpusConfig, root: Path, shard: int) -> list[_PlacedRow]:
    seen: set[str] = set()
    owners: dict[str, str] = {}
    placed = []
    for row in read_table_rows(config=config, root=root):
        owner = owners.setdefault(row.study_id, row.patient_id)
        has_image = row.problem is None and row.path != "" and config.images == "files"
        is_first = not (has_image and row.image_id in seen)
        if has_image:
            seen.add(row.image_id)
        if shard_of(row.patient_id, num_shards=config.shards) == shard:
            placed.append(_PlacedRow(row=row, is_first=is_first, owner=owner))
    return placed


def _read_row(item: _PlacedRow, *, reading: _Reading) -> None:
    """Keep the image and the text of a row, or reject them, or leave them out."""
    row = item.row
    split = reading.splits.of(row.patient_id)
    if split is not None and split not in reading.config.splits:
        reading.left_out[f"split {split}"] += 1
        return
    problem = _row_problem(item, splits=reading.splits)
    if problem is not None or split is None:
        reason, detail = problem or (
            "split_conflict",
            f"{row.where}: {reading.splits.conflict(row.patient_id)}",
        )
        reading.rejects.add(row.where, reason=reason, detail=detail)
        return
    reading.studies.enter(row.study_id, patient_id=row.patient_id, split=split)
    if row.text.strip():
        _read_text(row, reading=reading)
    if row.path and reading.config.images == "files":
        _read_image(row, reading=reading)


def _row_problem(item: _PlacedRow, *, splits: PatientSplits) -> tuple[str, str] | None:
    """Return reason and detail if nothing of the row can be used."""
    row = item.row
    if row.problem is not None:
        return row.problem
    if row.split.strip() and canonical_split(row.split) is None:
        return "unknown_split", (
            f"{row.where}: expected train, validate or test, found '{row.split}'"
        )
    if not item.is_first:
        return "duplicate_id", (
            f"{row.where}: expected one row of image {row.image_id}, found another"
        )
    if item.owner != row.patient_id:
        return "patient_conflict", (
            f"{row.where}: expected study {row.study_id} to be of patient {item.owner}, "
            f"as in a row above, found {row.patient_id}"
        )
    return None


def _read_text(row: TableRow, *, reading: _Reading) -> None:
    text = reading.reports.setdefault(row.study_id, row.text)
    if text != row.text:
        reading.rejects.add(
            f"{row.where}/text",
            reason="conflicting_text",
            stage=REPORTS_STAGE,
            detail=f"{row.where}: expected the text of study {row.study_id} as in a row "
            "above, found another; the first is kept",
        )


def _read_image(row: TableRow, *, reading: _Reading) -> None:
    config = reading.config
    has_views = config.table.columns.view is not None
    given = (
        GivenView.of(row.view)
        if has_views
        else GivenView(config.table.default_view, None)
    )
    if not reading.views.keeps(given):
        return
    path = reading.root / row.path
    if not is_file(path):
        reading.rejects.add(
            row.image_id,
            reason="missing_image",
            detail=f"{row.where}: expected the file {row.path}, found none",
        )
        return
    try:
        size = image_size(path)
    except UnreadableImageError as error:
        detail = f"{row.where}: {row.path}: {error}"
        reading.rejects.add(row.image_id, reason="unreadable_image", detail=detail)
        return
    reading.images.append(
        image_row(
            image_id=row.image_id,
            study_id=row.study_id,
            path=row.path,
            given=given,
            size=size,
        )
    )
