"""The report files of MIMIC-CXR, in their tree or in the zip that PhysioNet offers."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from asg_core.sources.mimic_cxr.source import REPORT_NAME, patient_folders
from asg_core.sources.reading.files import (
    SourceError,
    open_zip,
    sorted_entries,
    without_system_files,
)
from asg_core.sources.reading.item_files import read_item, read_member
from asg_core.sources.shard import ShardReading


class ReportFile(NamedTuple):
    """A report of the shard, not yet read."""

    patient_id: str
    study_id: str
    read: Callable[[], bytes]
    """Raises ItemFileError, or PassingFaultError if another try may succeed."""


def report_files(path: Path, *, reading: ShardReading) -> Iterator[ReportFile]:
    """Yield the reports of the shard in order of patient and study.

    A report is read before the next one is asked for: a zip is open only so long. What
    macOS left is counted as left out; what belongs to no patient, in the first shard.

    Args:
        path: The folder `files`, or the zip that holds it.
        reading: Says which patients are of the shard.

    Raises:
        SourceError: If `path` has the name of a zip but is none, or one without reports.
    """
    shared = reading.left_out if reading.shard == 0 else None
    if path.suffix == ".zip":
        yield from _zipped_reports(path, reading=reading, skipped=shared)
        return
    for patient_id, folder in patient_folders(path, skipped=shared):
        if not reading.has(patient_id):
            continue
        for entry in sorted_entries(folder, skipped=reading.left_out):
            match = REPORT_NAME.search(f"p{patient_id}/{entry.name}")
            if match:
                read = partial(read_item, Path(entry.path))
                yield ReportFile(patient_id, match["study"], read)


def decode_report(raw: bytes) -> tuple[str, bool]:
    """Return the text of a report file, and whether it had to be read as Latin-1."""
    try:
        return raw.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return raw.decode("latin-1"), True


def _zipped_reports(
    path: Path, *, reading: ShardReading, skipped: Counter[str] | None
) -> Iterator[ReportFile]:
    with open_zip(path, holds="the MIMIC-CXR reports") as archive:
        names = list(without_system_files(archive.namelist(), skipped=skipped))
        reports = [match for name in names if (match := REPORT_NAME.search(name))]
        if not reports:
            raise SourceError(
                f"{path}: expected reports such as files/p10/p10000032/s50414267.txt, "
                f"found {len(archive.namelist())} members and none of that kind. Set "
                "corpus.mimic_cxr.report_path to the zip of the MIMIC-CXR reports."
            )
        for match in sorted(reports, key=lambda match: match.string):
            if reading.has(match["patient"]):
                read = partial(read_member, archive, match.string)
                yield ReportFile(match["patient"], match["study"], read)
