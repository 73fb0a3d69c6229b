"""The XML files of Open-i, in their folder or in the archive that is distributed."""

import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from asg_core.sources.open_i.source import study_id_of
from asg_core.sources.reading.files import (
    SYSTEM_FILE,
    SourceError,
    is_system_file,
    sorted_entries,
)
from asg_core.sources.reading.item_files import (
    ItemFileError,
    raise_if_passing,
    read_item,
)
from asg_core.sources.shard import ShardReading

ReadFile = Callable[[], bytes]
"""Returns the content of a file; raises ItemFileError if it has none to give."""

_UNREADABLE_ARCHIVE = (tarfile.TarError, OSError, EOFError, zlib.error)


def report_files(
    path: Path, *, reading: ShardReading
) -> Iterator[tuple[str, ReadFile]]:
    """Yield study id and content of the shard's files N.xml, in the order they lie in.

    A file is read before the next one is asked for: an archive is open only so long. What
    macOS left is counted as left out, in the first shard.

    Raises:
        SourceError: If an archive cannot be read.
    """
    files = _packed_files if path.is_file() else _loose_files
    skipped = reading.left_out if reading.shard == 0 else None
    for name, read in files(path, skipped=skipped):
        study_id = study_id_of(name)
        if study_id and reading.has(study_id):
            yield study_id, read


def _loose_files(
    folder: Path, *, skipped: Counter[str] | None
) -> Iterator[tuple[str, ReadFile]]:
    for entry in sorted_entries(folder, skipped=skipped):
        yield entry.name, partial(read_item, Path(entry.path))


def _packed_files(
    path: Path, *, skipped: Counter[str] | None
) -> Iterator[tuple[str, ReadFile]]:
    with _open_archive(path) as archive:
        try:
            members = archive.getmembers()
        except _UNREADABLE_ARCHIVE as error:
            raise_if_passing(error, where=str(path))
            raise SourceError(_broken_archive(path, error)) from error
        for member in members:  # in file order: going back would unpack from the start
            if not is_system_file(member.name):
                where = f"{path}: {member.name}"
                read = partial(_read_member, archive, member, where=where)
                yield member.name, read
            elif skipped is not None:
                skipped[SYSTEM_FILE] += 1


def _read_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, *, where: str
) -> bytes:
    try:
        content = archive.extractfile(member)
        raw = None if content is None else content.read()
    except (*_UNREADABLE_ARCHIVE, KeyError) as error:  # KeyError: a link to no member
        raise_if_passing(error, where=where)
        raise ItemFileError(
            f"found a member of the archive that cannot be read: {error}",
            is_missing=False,
        ) from error
    if raw is None:
        raise ItemFileError("found what is no file", is_missing=False)
    return raw


def _open_archive(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path)
    except _UNREADABLE_ARCHIVE as error:
        raise_if_passing(error, where=str(path))
        raise SourceError(_broken_archive(path, error)) from error


def _broken_archive(path: Path, error: Exception) -> str:
    return (
        f"{path}: expected NLMCXR_reports.tgz, found an archive that cannot be read: "
        f"{error}. Download it again."
    )
