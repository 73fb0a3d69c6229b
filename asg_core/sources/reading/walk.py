"""The files of a dataset with their sizes and times, in the same order on every disk.

Which files a source has is said in its own package.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from asg_core.sources.reading.files import sorted_entries
from asg_core.sources.reading.item_files import is_folder, stat_or_none

Part = Literal["all", "images", "reports"]
"""What of a corpus is looked at. Two rules read the two parts, so that an edited report
does not decode images and train a detector again."""

_IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"),
    *(".dcm", ".dicom", ".ima"),
)
_REPORT_SUFFIX = ".txt"


class FileStat(NamedTuple):
    """One file of a dataset."""

    patient_id: str | None
    """Whose file it is; None for a file that every shard reads."""

    name: str
    """Relative to the root, or absolute for files outside; with forward slashes."""

    size: int
    """Bytes; -1 for a file that is named but not there."""

    mtime_ns: int


def of_part(files: Iterable[FileStat], *, part: Part) -> Iterator[FileStat]:
    """Yield the files of one part of a corpus.

    In the part of the images a report file says only that it is there: which studies there
    are depends on its name, and nothing depends on its text. Files that hold both images
    and reports (archives, tables, XML) belong to both parts.
    """
    for file in files:
        if part == "images" and file.name.endswith(_REPORT_SUFFIX):
            yield file._replace(size=min(file.size, 0), mtime_ns=0)
        elif part != "reports" or not file.name.lower().endswith(_IMAGE_SUFFIXES):
            yield file


def files_below(folder: Path, *, name: str) -> Iterator[FileStat]:
    """Yield every file below a folder, as files of no patient."""
    if not folder.is_dir():
        return
    for entry in sorted_entries(folder):
        if is_folder(entry):
            yield from files_below(Path(entry.path), name=f"{name}/{entry.name}")
        else:
            yield entry_stat(entry, base=name, patient_id=None)


def entry_stat(
    entry: os.DirEntry[str], *, base: str, patient_id: str | None
) -> FileStat:
    """Return the entry under the name "base/entry"; a broken link is a file not there."""
    name = f"{base}/{entry.name}" if base else entry.name
    return _file_stat(entry.path, name=name, patient_id=patient_id)


def path_stat(path: Path, *, root: Path, patient_id: str | None = None) -> FileStat:
    """Return a file under its name below `root`, by default as a file of no patient."""
    return _file_stat(path, name=name_below(root, path), patient_id=patient_id)


def name_below(root: Path, path: Path) -> str:
    """Return `path` relative to `root` where it is inside, with forward slashes."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _file_stat(path: str | Path, *, name: str, patient_id: str | None) -> FileStat:
    # A file that is not there is a reject of the reader, and a change if it appears. What
    # the system cannot say for a moment is neither: it would run everything again.
    status = stat_or_none(path)
    if status is None:
        return FileStat(patient_id, name, -1, 0)
    return FileStat(patient_id, name, status.st_size, status.st_mtime_ns)
