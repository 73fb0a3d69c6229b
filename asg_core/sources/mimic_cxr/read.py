"""MIMIC-CXR-JPG images and MIMIC-CXR reports, as PhysioNet distributes them.

Images are what the metadata CSV lists, reports are what the tree (or the zip) holds. The
synthetic corpus has this layout too.
"""

import logging
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from asg_core.sources.assemble import (
    REPORTS_STAGE,
    GivenView,
    Part,
    PatientSplits,
    RejectLog,
    SourceTables,
    StudyBook,
    ViewLog,
    image_row,
    source_tables,
)
from asg_core.sources.config import CorpusConfig, MimicCxrConfig
from asg_core.sources.layouts import find_mimic
from asg_core.sources.mimic_cxr.index import (
    ListedImage,
    listed_images,
    of_shard,
    read_splits,
)
from asg_core.sources.mimic_cxr.reports import ReportFile, decode_report, report_files
from asg_core.sources.reading.files import is_safe_id
from asg_core.sources.reading.item_files import ItemFileError, is_file

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Reading:
    """What one shard has given so far."""

    config: CorpusConfig
    root: Path
    splits: PatientSplits
    part: Part
    rejects: RejectLog
    views: ViewLog
    studies: StudyBook = field(default_factory=StudyBook)
    images: list[dict[str, object]] = field(default_factory=list)
    reports: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    num_latin: int = 0


def read_mimic_cxr(
    *, config: CorpusConfig, root: Path, shard: int, part: Part = "all"
) -> SourceTables:
    """Read one shard of a MIMIC-CXR corpus.

    An image is kept if its file exists (the first row of an id counts), a report if it
    can be read: an empty one is kept as an empty text, for the report stage to judge. A
    study without a report keeps its images, a report without images keeps its study. The
    size is that of the metadata, which describes the image as released. Bytes that are
    not UTF-8 are read as Latin-1, which cannot fail and keeps one character per byte.

    The split is the patient's in the split file; images of patients that it does not
    list are rejected, and a report of such a patient gets the drawn split.

    Rejects: `malformed_row`, `invalid_id`, `duplicate_id`, `patient_conflict`, `split_conflict`,
    `unknown_split`, `missing_split`, `missing_image`, `invalid_size`, `missing_report`,
    `unreadable_report`.

    Args:
        config: The corpus; its root is not read, `root` is.
        root: Folder of the dataset.
        shard: 0-based.
        part: "images" opens no report, "reports" looks for no image file.

    Raises:
        SourceError: If the dataset is not laid out as expected.
        PassingFaultError: If the operating system cannot read a file; another try may.
    """
    layout = find_mimic(config=config, root=root)
    rejects = RejectLog()
    splits = read_splits(layout.split, config=config, shard=shard, rejects=rejects)
    reading = _Reading(
        config=config,
        root=root,
        splits=splits,
        rejects=rejects,
        part=part,
        views=ViewLog(config),
    )
    owners: dict[str, str] = {}
    if layout.metadata is not None:
        listed = listed_images(layout.metadata)
        for row in of_shard(listed, config=config, shard=shard).iter_rows():
            _read_image(ListedImage(*row), reading=reading)
        owners = dict(listed.select("study_id", "owner").iter_rows())
    without_report = set(reading.studies.study_ids())
    with ExitStack() as stack:
        files = report_files(
            layout.reports,
            config=config,
            shard=shard,
            stack=stack,
            skipped=reading.left_out,
        )
        for file in files:
            _read_report(file, owner=owners.get(file.study_id), reading=reading)
            without_report.discard(file.study_id)
    for study_id in sorted(without_report):
        reading.rejects.add(
            study_id,
            stage=REPORTS_STAGE,
            reason="missing_report",
            detail=f"{layout.reports.name}: expected a report of study {study_id}, whose "
            "images are listed, found none",
        )
    _log(reading, shard=shard)
    return source_tables(
        studies=reading.studies,
        images=reading.images,
        reports={} if part == "images" else reading.reports,
        views=reading.views,
        rejects=reading.rejects,
    )


def _read_image(row: ListedImage, *, reading: _Reading) -> None:
    """Keep the image of a metadata row, or reject it, or leave it out by choice."""
    split = reading.splits.of(row.patient_id)
    if split is not None and split not in reading.config.splits:
        reading.left_out[f"split {split}"] += 1
        return
    problem = _row_problem(row)
    if problem is not None:
        reason, detail = problem
        reading.rejects.add(row.where, reason=reason, detail=f"{row.where}: {detail}")
        return
    problem = _split_problem(row, splits=reading.splits)
    if problem is None and split is not None:
        reading.studies.enter(row.study_id, patient_id=row.patient_id, split=split)
    # Where ViewPosition says no view, the coded meaning may.
    given = GivenView.of(row.view, row.view_meaning)
    if not reading.views.keeps(given):
        return
    path = _image_path(row, layout=reading.config.mimic_cxr)
    if problem is None and reading.part != "reports":
        problem = _file_problem(row, path=path, root=reading.root)
    if problem is not None:
        reason, detail = problem
        detail = f"{row.where}: {detail}"
        reading.rejects.add(row.image_id, reason=reason, detail=detail)
        return
    reading.images.append(
        image_row(
            image_id=row.image_id,
            study_id=row.study_id,
            path=path,
            given=given,
            size=(row.width, row.height),
        )
    )


def _row_problem(row: ListedImage) -> tuple[str, str] | None:
    """Return reason and detail if the row itself cannot be used.

    The reject is then of the row and not of an image: another row may give the image.
    """
    ids = {"subject_id": row.patient_id, "study_id": row.study_id}
    if not (row.image_id or any(ids.values())):
        return "malformed_row", "expected as many cells as the header has"
    for name, value in ids.items():
        if not (value.isascii() and value.isdigit()):
            return "invalid_id", f"expected digits in {name}, found '{value}'"
    if not is_safe_id(row.image_id):
        return "invalid_id", f"expected a plain id in dicom_id, found '{row.image_id}'"
    if not row.is_first:
        return (
            "duplicate_id",
            f"expected one row of image {row.image_id}, found another",
        )
    if row.owner != row.patient_id:
        return "patient_conflict", (
            f"expected study {row.study_id} to be of patient {row.owner}, as in a row "
            f"above, found {row.patient_id}"
        )
    return None


def _split_problem(
    row: ListedImage, *, splits: PatientSplits
) -> tuple[str, str] | None:
    """Return reason and detail if the patient has no split, or several."""
    if splits.of(row.patient_id) is None:
        return "split_conflict", splits.conflict(row.patient_id)
    if not splits.is_named(row.patient_id):
        return "missing_split", (
            f"expected patient {row.patient_id} in the split file, found no row"
        )
    return None


def _file_problem(row: ListedImage, *, path: str, root: Path) -> tuple[str, str] | None:
    """Return reason and detail if there is no such image file, or no size of it."""
    if row.width < 1 or row.height < 1:
        return "invalid_size", "expected whole positive numbers in Rows and Columns"
    if not is_file(root / path):
        return "missing_image", f"expected the file {path}, found none"
    return None


def _image_path(row: ListedImage, *, layout: MimicCxrConfig) -> str:
    group, patient = row.patient_id[:2], row.patient_id
    folder = layout.image_folder / "files" / f"p{group}/p{patient}/s{row.study_id}"
    return (folder / f"{row.image_id}{layout.image_suffix}").as_posix()


def _read_report(file: ReportFile, *, owner: str | None, reading: _Reading) -> None:
    """Keep a report, or reject it, or leave it out by choice."""
    split = reading.splits.of(file.patient_id)
    if split is not None and split not in reading.config.splits:
        reading.left_out[f"split {split}"] += 1
        return
    problem = _report_problem(file, owner=owner, reading=reading)
    if problem is None and split is not None:
        # Before the text is read: which studies there are must not depend on texts.
        reading.studies.enter(file.study_id, patient_id=file.patient_id, split=split)
        problem = _read_text(file, reading=reading)
    if problem is not None:
        reason, detail = problem
        name = f"p{file.patient_id}/s{file.study_id}.txt"
        detail = f"{name}: {detail}"
        reading.rejects.add(name, reason=reason, detail=detail, stage=REPORTS_STAGE)


def _read_text(file: ReportFile, *, reading: _Reading) -> tuple[str, str] | None:
    """Keep the text of a report; return reason and detail if it cannot be read."""
    if reading.part == "images":
        reading.reports[file.study_id] = ""
        return None
    try:
        raw = file.read()
    except ItemFileError as error:
        return "unreadable_report", f"expected a report, {error}"
    text, is_latin = decode_report(raw)
    reading.num_latin += is_latin
    reading.reports[file.study_id] = text
    return None


def _report_problem(
    file: ReportFile, *, owner: str | None, reading: _Reading
) -> tuple[str, str] | None:
    """Return reason and detail if the report cannot be anyone's."""
    if reading.splits.of(file.patient_id) is None:
        return "split_conflict", reading.splits.conflict(file.patient_id)
    if owner not in {None, file.patient_id}:
        return "patient_conflict", (
            f"expected study {file.study_id} to be of patient {owner}, as the metadata "
            f"say, found it in the folder of patient {file.patient_id}"
        )
    if file.study_id in reading.reports:
        return "duplicate_id", (
            f"expected one report of study {file.study_id}, found another in the folder "
            "of another patient"
        )
    return None


def _log(reading: _Reading, *, shard: int) -> None:
    logger.info(
        "shard %d: %d images, %d reports; rejected %s; left out by choice %s",
        shard,
        len(reading.images),
        len(reading.reports),
        reading.rejects.counts(),
        dict(sorted(reading.left_out.items())),
    )
    if reading.num_latin:
        logger.info("%d reports were not UTF-8, read as Latin-1", reading.num_latin)
