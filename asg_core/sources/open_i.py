"""The Open-i collection of Indiana University: XML reports, and PNG images when given."""

import logging
import tarfile
import xml.etree.ElementTree as ET
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from asg_core.sources.assemble import (
    REPORTS_STAGE,
    GivenView,
    PatientSplits,
    RejectLog,
    SourceTables,
    StudyBook,
    ViewLog,
    image_row,
    source_tables,
)
from asg_core.sources.config import CorpusConfig
from asg_core.sources.layouts import (
    OPEN_I_METADATA_COLUMNS,
    find_open_i,
    open_i_study_id,
)
from asg_core.sources.reading.files import (
    SYSTEM_FILE,
    SourceError,
    is_safe_id,
    is_system_file,
    sorted_entries,
    table_rows,
)
from asg_core.sources.reading.image_size import UnreadableImageError, image_size
from asg_core.sources.reading.item_files import (
    ItemFileError,
    is_file,
    raise_if_passing,
    read_item,
)
from asg_core.tables.shards import shard_of

logger = logging.getLogger(__name__)

_UNREADABLE_ARCHIVE = (tarfile.TarError, OSError, EOFError, zlib.error)


ReadFile = Callable[[], bytes]
"""Returns the content of a file; raises ItemFileError if it has none to give."""


@dataclass(kw_only=True)
class _Reading:
    """What one shard has given so far."""

    config: CorpusConfig
    root: Path
    spellings: Mapping[str, str]
    """The view of each image as the DICOM metadata spell it."""

    splits: PatientSplits
    views: ViewLog
    rejects: RejectLog = field(default_factory=RejectLog)
    studies: StudyBook = field(default_factory=StudyBook)
    images: dict[str, dict[str, object]] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def read_open_i(*, config: CorpusConfig, root: Path, shard: int) -> SourceTables:
    """Read one shard of the Open-i collection.

    The study id is the `uId` of the file ("CXR100" for 100.xml); the collection names no
    patients, so a study is a patient. The text is one line "LABEL: text" per section that
    has any, in file order; the words are as released, white space around a section is
    not. The collection has no splits: they are drawn. Sizes are read from the image
    files, views from the DICOM metadata where those are given.

    Rejects: `unreadable_report`, `id_mismatch`, `duplicate_id`, `invalid_id`,
    `missing_image`, `unreadable_image`.

    Args:
        config: The corpus; its root is not read, `root` is.
        root: Folder of the dataset.
        shard: 0-based.

    Raises:
        SourceError: If the dataset is not laid out as expected.
        PassingFaultError: If the operating system cannot read a file; another try may.
    """
    layout = find_open_i(config=config, root=root)
    reading = _Reading(
        config=config,
        root=root,
        spellings=_read_spellings(layout.metadata),
        splits=PatientSplits([], config=config),
        views=ViewLog(config),
    )
    files = _report_files(
        layout.reports, config=config, shard=shard, skipped=reading.left_out
    )
    for study_id, read in files:
        _read_file(read, study_id=study_id, reading=reading)
    logger.info(
        "shard %d: %d images, %d reports; rejected %s; left out by choice %s",
        shard,
        len(reading.images),
        len(reading.reports),
        reading.rejects.counts(),
        dict(sorted(reading.left_out.items())),
    )
    return source_tables(
        studies=reading.studies,
        images=reading.images.values(),
        reports=reading.reports,
        views=reading.views,
        rejects=reading.rejects,
    )


def report_text(report: ET.Element) -> str:
    """Return the sections of a report, one "LABEL: text" per section that has text."""
    lines = []
    for section in report.iter("AbstractText"):
        text = "".join(section.itertext()).strip()
        label = section.get("Label", "").strip()
        if text:
            lines.append(f"{label}: {text}" if label else text)
    return "\n".join(lines)


def _read_spellings(metadata: Path | None) -> dict[str, str]:
    if metadata is None:
        return {}
    rows = list(table_rows(metadata, columns=OPEN_I_METADATA_COLUMNS))
    whole = [row for row in rows if row is not None]
    if len(whole) < len(rows):
        logger.warning(
            "%s: %d of %d rows have more or fewer cells than the header: the views of "
            "their images are not known",
            metadata,
            len(rows) - len(whole),
            len(rows),
        )
    return {row[0]: row[1] for row in whole}


def _report_files(
    path: Path, *, config: CorpusConfig, shard: int, skipped: Counter[str]
) -> Iterator[tuple[str, ReadFile]]:
    """Yield (study id, how to read it) of the shard's files N.xml, by name.

    What macOS left is counted in the first shard.
    """
    files = _packed_files if path.is_file() else _loose_files
    for name, read in files(path, skipped=skipped if shard == 0 else None):
        study_id = open_i_study_id(name)
        if study_id and shard_of(study_id, num_shards=config.shards) == shard:
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
                yield (
                    member.name,
                    partial(_read_member, archive, member, where=where),
                )
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


def _read_file(read: ReadFile, *, study_id: str, reading: _Reading) -> None:
    """Keep report and images of one XML file, or reject what cannot be used."""
    split = reading.splits.of(study_id)
    if split is None or split not in reading.config.splits:
        reading.left_out[f"split {split}"] += 1
        return
    try:
        report = ET.fromstring(read())
    except (ItemFileError, ET.ParseError, ValueError, LookupError) as error:
        found = (
            "" if isinstance(error, ItemFileError) else "found what cannot be read: "
        )
        reading.rejects.add(
            study_id,
            reason="unreadable_report",
            stage=REPORTS_STAGE,
            detail=f"{study_id}: expected XML, {found}{error}",
        )
        return
    problem = _report_problem(report, study_id=study_id, reading=reading)
    if problem is not None:
        reason, detail = problem
        detail = f"{study_id}: {detail}"
        reading.rejects.add(study_id, reason=reason, detail=detail, stage=REPORTS_STAGE)
        return
    reading.studies.enter(study_id, patient_id=study_id, split=split)
    reading.reports[study_id] = report_text(report)
    if reading.config.images == "files":
        for image in report.iter("parentImage"):
            _read_image(image.get("id", ""), study_id=study_id, reading=reading)


def _report_problem(
    report: ET.Element, *, study_id: str, reading: _Reading
) -> tuple[str, str] | None:
    """Return reason and detail if the file is not the report its name says."""
    node = report.find("uId")
    found = None if node is None else node.get("id")
    if found != study_id:
        return "id_mismatch", f"expected the uId {study_id}, found {found}"
    if study_id in reading.reports:
        return "duplicate_id", "expected one file of this number, found another"
    return None


def _read_image(image_id: str, *, study_id: str, reading: _Reading) -> None:
    """Keep one image, or reject it, or leave it out by choice."""
    given = GivenView.of(reading.spellings.get(image_id, ""))
    if not reading.views.keeps(given):
        return
    path = (reading.config.open_i.image_folder / f"{image_id}.png").as_posix()
    problem: tuple[str, str] | None = None
    if not is_safe_id(image_id):
        problem = "invalid_id", f"expected a plain id of an image, found '{image_id}'"
    elif image_id in reading.images:
        problem = "duplicate_id", f"expected image {image_id} once, found it again"
    elif not is_file(reading.root / path):
        problem = "missing_image", f"expected the file {path}, found none"
    if problem is None:
        try:
            size = image_size(reading.root / path)
        except UnreadableImageError as error:
            problem = "unreadable_image", f"{path}: {error}"
        else:
            reading.images[image_id] = image_row(
                image_id=image_id, study_id=study_id, path=path, given=given, size=size
            )
    if problem is not None:
        reason, detail = problem
        item_id = image_id or f"{study_id}/image"
        reading.rejects.add(item_id, reason=reason, detail=f"{study_id}: {detail}")
