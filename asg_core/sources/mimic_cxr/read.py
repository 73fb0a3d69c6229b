"""MIMIC-CXR-JPG images and MIMIC-CXR reports, as PhysioNet distributes them.

Images are what the metadata CSV lists, reports are what the tree (or the zip) holds. The
synthetic corpus has this layout too.
"""

from collections.abc import Mapping
from pathlib import Path

from asg_core.sources.mimic_cxr.index import (
    ListedImage,
    listed_images,
    of_shard,
    read_splits,
)
from asg_core.sources.mimic_cxr.reports import ReportFile, decode_report, report_files
from asg_core.sources.mimic_cxr.source import MimicCxrConfig, find_mimic_cxr
from asg_core.sources.mimic_cxr.views import view_of
from asg_core.sources.reading.files import is_safe_id
from asg_core.sources.reading.item_files import ItemFileError, Problem, is_file
from asg_core.sources.shard import ShardReading, missing_image
from asg_core.terms.stages import Stage


def read_mimic_cxr(reading: ShardReading) -> None:
    """Read one shard of a MIMIC-CXR corpus.

    An image is kept if its file exists (the first row of an id counts), a report if it
    can be read: an empty one is kept as an empty text, for the report stage to judge. A
    study without a report keeps its images, a report without images keeps its study. The
    size is that of the metadata, which describes the image as released. Bytes that are
    not UTF-8 are read as Latin-1, which cannot fail and keeps one character per byte.

    The split is the patient's in the split file; images of patients that it does not
    list are rejected, and a report of such a patient gets the drawn split.

    For the part "images" no report is opened, and for "reports" no image file is looked for.

    Rejects: `malformed_row`, `invalid_id`, `duplicate_id`, `patient_conflict`, `split_conflict`,
    `unknown_split`, `missing_split`, `missing_image`, `invalid_size`, `missing_report`,
    `unreadable_report`.

    Raises:
        SourceError: If the dataset is not laid out as expected.
        PassingFaultError: If the operating system cannot read a file; another try may.
    """
    layout = find_mimic_cxr(reading.config, reading.root)
    read_splits(layout.split, reading=reading)
    owners = {} if layout.metadata is None else _read_images(layout.metadata, reading)
    without_report = set(reading.patients)
    for file in report_files(layout.reports, reading=reading):
        _read_report(file, owner=owners.get(file.study_id), reading=reading)
        without_report.discard(file.study_id)
    for study_id in sorted(without_report):
        problem = (
            "missing_report",
            f"expected a report of study {study_id}, whose images are listed, found none",
        )
        reading.rejects.add_problem(
            study_id, problem, where=layout.reports.name, stage=Stage.READ_REPORTS
        )


def _read_images(metadata: Path, reading: ShardReading) -> Mapping[str, str]:
    """Read the images of the shard; return the patient of each study, all shards."""
    listed = listed_images(metadata)
    for row in of_shard(listed, reading=reading).iter_rows():
        _read_image(ListedImage(*row), reading=reading)
    return dict(listed.select("study_id", "owner").iter_rows())


def _read_image(row: ListedImage, *, reading: ShardReading) -> None:
    """Keep the image of a metadata row, or reject it, or leave it out by choice."""
    split = reading.splits.of(row.patient_id)
    if reading.leaves_out(split):
        return
    problem = _row_problem(row)
    if problem is not None:
        reading.rejects.add_problem(row.where, problem, where=row.where)
        return
    problem = _split_problem(row, reading=reading)
    if problem is None and split is not None:
        reading.enter_study(row.study_id, patient_id=row.patient_id, split=split)
    given = view_of(position=row.position, meaning=row.meaning)
    if not reading.views.keeps(given):
        return
    path = _image_path(row, layout=reading.config.of(MimicCxrConfig))
    if problem is None and reading.part != "reports":
        problem = _file_problem(row, path=path, root=reading.root)
    if problem is not None:
        reading.rejects.add_problem(row.image_id, problem, where=row.where)
        return
    size = (row.width, row.height)
    reading.add_image(
        row.image_id, study_id=row.study_id, path=path, given=given, size=size
    )


def _row_problem(row: ListedImage) -> Problem | None:
    """Return what is wrong with the row itself.

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


def _split_problem(row: ListedImage, *, reading: ShardReading) -> Problem | None:
    """Return what is wrong if the patient has no split, or several."""
    if reading.splits.of(row.patient_id) is None:
        return reading.splits.conflict(row.patient_id)
    if not reading.splits.is_named(row.patient_id):
        return "missing_split", (
            f"expected patient {row.patient_id} in the split file, found no row"
        )
    return None


def _file_problem(row: ListedImage, *, path: str, root: Path) -> Problem | None:
    """Return what is wrong if there is no such image file, or no size of it."""
    if row.width < 1 or row.height < 1:
        return "invalid_size", "expected whole positive numbers in Rows and Columns"
    return None if is_file(root / path) else missing_image(path)


def _image_path(row: ListedImage, *, layout: MimicCxrConfig) -> str:
    group, patient = row.patient_id[:2], row.patient_id
    folder = layout.image_folder / "files" / f"p{group}/p{patient}/s{row.study_id}"
    return (folder / f"{row.image_id}{layout.image_suffix}").as_posix()


def _read_report(file: ReportFile, *, owner: str | None, reading: ShardReading) -> None:
    """Keep a report, or reject it, or leave it out by choice."""
    split = reading.splits.of(file.patient_id)
    if reading.leaves_out(split):
        return
    problem = _report_problem(file, owner=owner, reading=reading)
    if problem is None and split is not None:
        # Before the text is read: which studies there are must not depend on texts.
        reading.enter_study(file.study_id, patient_id=file.patient_id, split=split)
        problem = _read_text(file, reading=reading)
    if problem is not None:
        name = f"p{file.patient_id}/s{file.study_id}.txt"
        reading.rejects.add_problem(name, problem, where=name, stage=Stage.READ_REPORTS)


def _read_text(file: ReportFile, *, reading: ShardReading) -> Problem | None:
    """Keep the text of a report, or return why it cannot be read."""
    if reading.part == "images":
        reading.reports[file.study_id] = ""  # that it is there, for `_report_problem`
        return None
    try:
        raw = file.read()
    except ItemFileError as error:
        return "unreadable_report", f"expected a report, {error}"
    text, is_latin = decode_report(raw)
    if is_latin:
        reading.notes["reports that are not UTF-8, read as Latin-1"] += 1
    reading.reports[file.study_id] = text
    return None


def _report_problem(
    file: ReportFile, *, owner: str | None, reading: ShardReading
) -> Problem | None:
    """Return what is wrong if the report cannot be anyone's."""
    if reading.splits.of(file.patient_id) is None:
        return reading.splits.conflict(file.patient_id)
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
