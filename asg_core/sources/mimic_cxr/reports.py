"""The report files of MIMIC-CXR, in their tree or in the zip that PhysioNet offers."""

import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from asg_core.sources.config import CorpusConfig
from asg_core.sources.layouts import MIMIC_REPORT, mimic_patient_folders
from asg_core.sources.reading.files import (
    SourceError,
    sorted_entries,
    without_system_files,
)
from asg_core.sources.reading.item_files import read_item, read_member
from asg_core.tables.shards import shard_of


class ReportFile(NamedTuple):
    """A report of the shard, not yet read."""

    patient_id: str
    study_id: str
    read: Callable[[], bytes]
    """Raises ItemFileError, or PassingFaultError if another try may succeed."""


def report_files(
    path: Path,
    *,
    config: CorpusConfig,
    shard: int,
    stack: ExitStack,
    skipped: Counter[str],
) -> Iterator[ReportFile]:
    """Yield the reports of the shard in order of patient and study.

    Args:
        path: The folder `files`, or the zip that holds it.
        config: Says how many shards there are.
        shard: 0-based.
        stack: Closes the zip; reports are read while it is open.
        skipped: Counts what macOS left; what belongs to no patient, in the first shard.

    Raises:
        SourceError: If `path` has the name of a zip but is none, or one without reports.
    """
    shared = skipped if shard == 0 else None
    if path.suffix == ".zip":
        yield from _zipped_reports(
            path, config=config, shard=shard, stack=stack, skipped=shared
        )
        return
    for patient_id, folder in mimic_patient_folders(path, skipped=shared):
        if shard_of(patient_id, num_shards=config.shards) != shard:
            continue
        for entry in sorted_entries(folder, skipped=skipped):
            match = MIMIC_REPORT.search(f"p{patient_id}/{entry.name}")
            if match:
                yield ReportFile(
                    patient_id, match["study"], partial(read_item, Path(entry.path))
                )


def decode_report(raw: bytes) -> tuple[str, bool]:
    """Return the text of a report file, and whether it had to be read as Latin-1."""
    try:
        return raw.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return raw.decode("latin-1"), True


def _zipped_reports(
    path: Path,
    *,
    config: CorpusConfig,
    shard: int,
    stack: ExitStack,
    skipped: Counter[str] | None,
) -> Iterator[ReportFile]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except zipfile.BadZipFile as error:
        raise SourceError(
            f"{path}: expected a zip of the MIMIC-CXR reports, found a file that is not a "
            f"zip: {error}. Download it again."
        ) from error
    reports = [
        match
        for name in without_system_files(archive.namelist(), skipped=skipped)
        if (match := MIMIC_REPORT.search(name))
    ]
    if not reports:
        raise SourceError(
            f"{path}: expected reports such as files/p10/p10000032/s50414267.txt, found "
            f"{len(archive.namelist())} members and none of that kind. Set "
            "corpus.mimic_cxr.report_path to the zip of the MIMIC-CXR reports."
        )
    for match in sorted(reports, key=lambda match: match.string):
        name = match.string
        if shard_of(match["patient"], num_shards=config.shards) == shard:
            yield ReportFile(
                match["patient"], match["study"], partial(read_member, archive, name)
            )
