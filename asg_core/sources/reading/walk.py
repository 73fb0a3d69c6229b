"""The files of a dataset that a run reads, with their sizes and times.

Imports the standard library and pydantic only, because inventories are taken while the
job graph is built. Files come in the same order on every file system.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from asg_core.sources.config import AnnotationsConfig, CorpusConfig
from asg_core.sources.layouts import (
    find_box_table,
    find_imagenome,
    find_mimic,
    find_open_i,
    find_table,
    mimic_patient_folders,
    open_i_study_id,
)
from asg_core.sources.reading.files import sorted_entries
from asg_core.sources.reading.item_files import is_folder, stat_or_none
from asg_core.sources.table.rows import read_table_rows

_OPEN_I_IMAGE = re.compile(r"(CXR\d+)_.*\.png$")


Part = Literal["all", "images", "reports"]
"""What of a corpus is looked at."""

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

    Of the images' part a report file says only that it is there: which studies there
    are depends on its name, and nothing on its text. Files that hold both (archives,
    tables, XML) belong to both parts.
    """
    for file in files:
        if part == "images" and file.name.endswith(_REPORT_SUFFIX):
            yield file._replace(size=min(file.size, 0), mtime_ns=0)
        elif part != "reports" or not file.name.lower().endswith(_IMAGE_SUFFIXES):
            yield file


def source_files(*, config: CorpusConfig, root: Path) -> Iterator[FileStat]:
    """Yield the files that `read_source` reads; of an `index` inventory the index only.

    Raises:
        SourceError: If the dataset is not laid out as the configuration says.
    """
    match config.source:
        case "mimic_cxr" | "synthetic":
            yield from _mimic_files(config=config, root=root)
        case "open_i":
            yield from _open_i_files(config=config, root=root)
        case "table":
            yield from _table_files(config=config, root=root)
        case "none":
            return


def _mimic_files(*, config: CorpusConfig, root: Path) -> Iterator[FileStat]:
    layout = find_mimic(config=config, root=root)
    for path in (layout.metadata, layout.split):
        if path is not None:
            yield _stat(path, root=root)
    if layout.reports.is_file():
        yield _stat(layout.reports, root=root)
    if config.inventory == "index":
        return
    suffix = config.mimic_cxr.image_suffix
    if layout.images is not None and layout.images != layout.reports:
        yield from mimic_tree(layout.images, root=root, suffix=suffix, reports=False)
    if layout.reports.is_dir():
        shared = suffix if layout.images == layout.reports else None
        yield from mimic_tree(layout.reports, root=root, suffix=shared, reports=True)


def mimic_tree(
    files: Path, *, root: Path, suffix: str | None, reports: bool
) -> Iterator[FileStat]:
    """Yield the images that end in `suffix` (None: no images) and the reports, if asked."""
    for patient_id, folder in mimic_patient_folders(files):
        base = _name(folder, root=root)
        for entry in sorted_entries(folder):
            if entry.name.endswith(".txt"):
                if reports:
                    yield entry_stat(entry, base=base, patient_id=patient_id)
            elif suffix is not None and is_folder(entry):
                study = f"{base}/{entry.name}"
                for image in sorted_entries(Path(entry.path)):
                    if image.name.endswith(suffix):
                        yield entry_stat(image, base=study, patient_id=patient_id)


def _open_i_files(*, config: CorpusConfig, root: Path) -> Iterator[FileStat]:
    layout = find_open_i(config=config, root=root)
    if layout.metadata is not None:
        yield _stat(layout.metadata, root=root)
    if layout.reports.is_file():
        yield _stat(layout.reports, root=root)
    if config.inventory == "index":
        return
    if layout.reports.is_dir():
        base = _name(layout.reports, root=root)
        for entry in sorted_entries(layout.reports):
            study_id = open_i_study_id(entry.name)
            if study_id is not None:
                yield entry_stat(entry, base=base, patient_id=study_id)
    if layout.images is not None:
        base = _name(layout.images, root=root)
        for entry in sorted_entries(layout.images):
            match = _OPEN_I_IMAGE.match(entry.name)
            if match is not None:
                yield entry_stat(entry, base=base, patient_id=match[1])


def _table_files(*, config: CorpusConfig, root: Path) -> Iterator[FileStat]:
    yield _stat(find_table(config=config, root=root), root=root)
    if config.inventory == "index" or config.images == "none":
        return
    for row in read_table_rows(config=config, root=root):
        if row.path and row.problem is None:
            yield _stat(root / row.path, root=root, patient_id=row.patient_id)


def annotation_files(
    config: AnnotationsConfig, *, corpus: CorpusConfig, root: Path
) -> Iterator[FileStat]:
    """Yield the files that `read_annotations` reads, as files of no patient.

    Raises:
        SourceError: If the annotations are not laid out as the configuration says.
    """
    match config.source:
        case "chest_imagenome":
            layout = find_imagenome(root)
            for path in (*layout.splits.values(), layout.avoid):
                yield _stat(path, root=root)
            if layout.scene_graphs.is_file():
                yield _stat(layout.scene_graphs, root=root)
            elif corpus.inventory == "files":
                name = _name(layout.scene_graphs, root=root)
                yield from files_below(layout.scene_graphs, name=name)
        case "table":
            yield _stat(find_box_table(config=config, root=root), root=root)
        case "none" | None:
            return


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


def _stat(path: Path, *, root: Path, patient_id: str | None = None) -> FileStat:
    return _file_stat(path, name=_name(path, root=root), patient_id=patient_id)


def _file_stat(path: str | Path, *, name: str, patient_id: str | None) -> FileStat:
    # A file that is not there is a reject of the reader, and a change if it appears. What
    # the system cannot say for a moment is neither: it would run everything again.
    status = stat_or_none(path)
    if status is None:
        return FileStat(patient_id, name, -1, 0)
    return FileStat(patient_id, name, status.st_size, status.st_mtime_ns)


def _name(path: Path, *, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
