"""Any CSV or Parquet file that names image files, report texts, or both."""

from collections.abc import Iterator
from dataclasses import dataclass

from asg_core.sources.reading.item_files import Problem
from asg_core.sources.shard import ShardReading
from asg_core.sources.splits import canonical_split, unknown_split
from asg_core.sources.table.rows import TableRow, read_table_rows
from asg_core.sources.table.source import TableSourceConfig, find_table
from asg_core.sources.views import GivenView
from asg_core.terms.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlacedRow:
    """A row of the shard, beside what the rows above it, of any shard, have said."""

    row: TableRow
    is_first: bool
    """No row above has the same image."""

    owner: str
    """The patient of the first row with the same study."""


def read_table_source(reading: ShardReading) -> None:
    """Read one shard of a table source.

    A row gives an image, a text, or both. Rows of one study may repeat its text; the
    first text counts and another one is rejected. A row without text gives no report.
    Sizes are read from the headers of the image files, so a header that cannot be read
    is found here and pixels that cannot be decoded later.

    Rejects: `malformed_row`, `empty_row`, `path_outside_root`, `unknown_split`,
    `split_conflict`, `patient_conflict`, `duplicate_id`, `conflicting_text`,
    `missing_image`, `unreadable_image`.

    Raises:
        SourceError: If the table or a column that the configuration names is missing.
        PassingFaultError: If the operating system cannot read a file; another try may.
    """
    placed = list(_rows_of_shard(reading))
    for item in placed:
        split = canonical_split(item.row.split)
        if split is not None:
            reading.splits.name(item.row.patient_id, split)
    for item in placed:
        _read_row(item, reading=reading)


def _rows_of_shard(reading: ShardReading) -> Iterator[_PlacedRow]:
    file = find_table(reading.config, reading.root)
    columns = reading.config.of(TableSourceConfig).columns.named
    seen: set[str] = set()
    owners: dict[str, str] = {}
    for row in read_table_rows(file, columns=columns, root=reading.root):
        owner = owners.setdefault(row.study_id, row.patient_id)
        has_image = row.problem is None and row.path != "" and reading.config.has_images
        is_first = not (has_image and row.image_id in seen)
        if has_image:
            seen.add(row.image_id)
        if reading.has(row.patient_id):
            yield _PlacedRow(row=row, is_first=is_first, owner=owner)


def _read_row(item: _PlacedRow, *, reading: ShardReading) -> None:
    """Keep the image and the text of a row, or reject them, or leave them out."""
    row = item.row
    split = reading.splits.of(row.patient_id)
    if reading.leaves_out(split):
        return
    problem = _row_problem(item)
    if problem is not None or split is None:
        problem = problem or reading.splits.conflict(row.patient_id)
        reading.rejects.add_problem(row.where, problem, where=row.where)
        return
    reading.enter_study(row.study_id, patient_id=row.patient_id, split=split)
    if row.text.strip():
        _read_text(row, reading=reading)
    if row.path and reading.config.has_images:
        _read_image(row, reading=reading)


def _row_problem(item: _PlacedRow) -> Problem | None:
    """Return why nothing of the row can be used."""
    row = item.row
    if row.problem is not None:
        return row.problem
    if row.split.strip() and canonical_split(row.split) is None:
        return unknown_split(row.split)
    if not item.is_first:
        return "duplicate_id", (
            f"expected one row of image {row.image_id}, found another"
        )
    if item.owner != row.patient_id:
        return "patient_conflict", (
            f"expected study {row.study_id} to be of patient {item.owner}, as in a row "
            f"above, found {row.patient_id}"
        )
    return None


def _read_text(row: TableRow, *, reading: ShardReading) -> None:
    text = reading.reports.setdefault(row.study_id, row.text)
    if text != row.text:
        problem = (
            "conflicting_text",
            f"expected the text of study {row.study_id} as in a row above, found another; "
            "the first is kept",
        )
        reading.rejects.add_problem(
            f"{row.where}/text", problem, where=row.where, stage=Stage.READ_REPORTS
        )


def _read_image(row: TableRow, *, reading: ShardReading) -> None:
    keys = reading.config.of(TableSourceConfig)
    has_views = keys.columns.view is not None
    given = GivenView.of(row.view) if has_views else GivenView(keys.default_view, None)
    if not reading.views.keeps(given):
        return
    problem = reading.add_image(
        row.image_id, study_id=row.study_id, path=row.path, given=given
    )
    if problem is not None:
        reading.rejects.add_problem(row.image_id, problem, where=row.where)
