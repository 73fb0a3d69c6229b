"""The Open-i collection of Indiana University: XML reports, and PNG images when given."""

import logging
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from asg_core.sources.open_i.reports import ReadFile, report_files
from asg_core.sources.open_i.source import METADATA_COLUMNS, OpenIConfig, find_open_i
from asg_core.sources.reading.files import is_safe_id, table_rows
from asg_core.sources.reading.item_files import ItemFileError, Problem
from asg_core.sources.shard import ShardReading
from asg_core.sources.views import GivenView
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)


def read_open_i(reading: ShardReading) -> None:
    """Read one shard of the Open-i collection.

    The study id is the `uId` of the file ("CXR100" for 100.xml); the collection names no
    patients, so a study is a patient. The text is one line "LABEL: text" per section that
    has any, in file order; the words are as released, white space around a section is
    not. The collection has no splits: they are drawn. Sizes are read from the image
    files, views from the DICOM metadata where those are given.

    Rejects: `unreadable_report`, `id_mismatch`, `duplicate_id`, `invalid_id`,
    `missing_image`, `unreadable_image`.

    Raises:
        SourceError: If the dataset is not laid out as expected.
        PassingFaultError: If the operating system cannot read a file; another try may.
    """
    layout = find_open_i(reading.config, reading.root)
    spellings = _read_spellings(layout.metadata)
    for study_id, read in report_files(layout.reports, reading=reading):
        _read_study(study_id, read=read, spellings=spellings, reading=reading)


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
    rows = list(table_rows(metadata, columns=METADATA_COLUMNS))
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


def _read_study(
    study_id: str,
    *,
    read: ReadFile,
    spellings: Mapping[str, str],
    reading: ShardReading,
) -> None:
    """Keep report and images of one XML file, or reject what cannot be used."""
    split = reading.splits.of(study_id)
    if split is None or reading.leaves_out(split):
        return
    try:
        report = ET.fromstring(read())
    except ItemFileError as error:
        problem: Problem | None = ("unreadable_report", f"expected XML, {error}")
    except (ET.ParseError, ValueError, LookupError) as error:
        found = f"expected XML, found what cannot be read: {error}"
        problem = ("unreadable_report", found)
    else:
        problem = _report_problem(report, study_id=study_id, reading=reading)
    if problem is not None:
        reading.rejects.add_problem(
            study_id, problem, where=study_id, stage=Stage.READ_REPORTS
        )
        return
    reading.enter_study(study_id, patient_id=study_id, split=split)
    reading.reports[study_id] = report_text(report)
    for image in report.iter("parentImage") if reading.config.has_images else ():
        image_id = image.get("id", "")
        given = GivenView.of(spellings.get(image_id, ""))
        if reading.views.keeps(given):
            _read_image(image_id, study_id=study_id, given=given, reading=reading)


def _report_problem(
    report: ET.Element, *, study_id: str, reading: ShardReading
) -> Problem | None:
    """Return what is wrong if the file is not the report its name says."""
    node = report.find("uId")
    found = None if node is None else node.get("id")
    if found != study_id:
        return "id_mismatch", f"expected the uId {study_id}, found {found}"
    if study_id in reading.reports:
        return "duplicate_id", "expected one file of this number, found another"
    return None


def _read_image(
    image_id: str, *, study_id: str, given: GivenView, reading: ShardReading
) -> None:
    """Keep one image, or reject it."""
    problem: Problem | None
    if not is_safe_id(image_id):
        problem = "invalid_id", f"expected a plain id of an image, found '{image_id}'"
    elif image_id in reading.images:
        problem = "duplicate_id", f"expected image {image_id} once, found it again"
    else:
        folder = reading.config.of(OpenIConfig).image_folder
        problem = reading.add_image(
            image_id,
            study_id=study_id,
            path=(folder / f"{image_id}.png").as_posix(),
            given=given,
        )
    if problem is not None:
        item_id = image_id or f"{study_id}/image"
        reading.rejects.add_problem(item_id, problem, where=study_id)
