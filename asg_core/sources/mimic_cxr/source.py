"""MIMIC-CXR as a source: its keys, where its files lie, and which of them are read."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from asg_core.sources.config import CorpusKeys, SourceConfig, require_inside
from asg_core.sources.reading.files import (
    SourceError,
    listing,
    require_file,
    require_folder,
    require_header,
    sorted_entries,
)
from asg_core.sources.reading.item_files import is_folder
from asg_core.sources.reading.walk import FileStat, entry_stat, name_below, path_stat

METADATA_COLUMNS = (
    "dicom_id",
    "subject_id",
    "study_id",
    "ViewPosition",
    "Rows",
    "Columns",
)
SPLIT_COLUMNS = ("dicom_id", "study_id", "subject_id", "split")
REPORT_ZIP = "mimic-cxr-reports.zip"
REPORT_NAME = re.compile(r"(?:^|/)p(?P<patient>\d+)/s(?P<study>\d+)\.txt$")

_REPORT_KEY = "corpus.mimic_cxr.report_path"
_IMAGE_KEY = "corpus.mimic_cxr.image_folder"


class MimicCxrConfig(SourceConfig):
    """Where the parts of MIMIC-CXR-JPG and of the MIMIC-CXR reports lie."""

    image_folder: Path = Path()
    """Folder of MIMIC-CXR-JPG, relative to `corpus.root`: it holds `files/` and the
    metadata and split CSV files (.csv or .csv.gz; the newest version is read)."""

    report_path: Path = Path()
    """Folder that holds the reports as `files/` or as `mimic-cxr-reports.zip` (which is
    read when both are there), or the zip file itself; relative to `corpus.root`, or
    absolute."""

    image_suffix: Literal[".jpg", ".dcm"] = ".jpg"
    """Name ending of the image files: .dcm reads the DICOM release of MIMIC-CXR."""

    @model_validator(mode="after")
    def _check_image_folder(self) -> "MimicCxrConfig":
        require_inside("corpus.mimic_cxr.image_folder", self.image_folder)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class MimicLayout:
    """The parts of a MIMIC-CXR corpus; a corpus read without images may lack some."""

    metadata: Path | None
    split: Path | None
    images: Path | None
    """The folder `files` of the images."""

    reports: Path
    """The folder `files` of the reports, or the zip that holds it."""


def find_mimic_cxr(config: CorpusKeys, root: Path) -> MimicLayout:
    """Return where the parts of a MIMIC-CXR corpus are, after checking their headers.

    With `images: none` neither the images nor the metadata are asked for, and the split
    file is taken when it is there.

    Raises:
        SourceError: If a part is missing or a CSV lacks a column.
    """
    keys = config.of(MimicCxrConfig)
    require_folder(root, holds="the MIMIC-CXR-JPG release", key="corpus.root")
    reports = _find_reports(root / keys.report_path)
    folder = root / keys.image_folder
    split = _find_csv(folder, "split")
    if split is not None:
        require_header(split, expected=SPLIT_COLUMNS, key="corpus.root")
    if not config.has_images:
        return MimicLayout(metadata=None, split=split, images=None, reports=reports)

    images = require_folder(folder / "files", holds="p10/p10000032/...", key=_IMAGE_KEY)
    metadata = _find_csv(folder, "metadata")
    for kind, path in (("metadata", metadata), ("split", split)):
        if path is None:
            raise SourceError(
                f"{folder}: expected mimic-cxr-2.0.0-{kind}.csv.gz (.csv and other "
                f"versions do too), found {listing(folder)}. Put the file of "
                f"MIMIC-CXR-JPG there, or set {_IMAGE_KEY}."
            )
    if metadata is not None:
        require_header(metadata, expected=METADATA_COLUMNS, key="corpus.root")
    return MimicLayout(metadata=metadata, split=split, images=images, reports=reports)


def check_mimic_cxr(config: CorpusKeys, root: Path) -> None:
    """Raise unless there are index files and reports: see `find_mimic_cxr`.

    From above a tree of images looks like a tree of reports, so the first report is looked
    for; that is slow only where there is none. A zip is not opened.

    Raises:
        SourceError: If a part is missing, a CSV lacks a column, or there is no report.
    """
    reports = find_mimic_cxr(config, root).reports
    if reports.is_file():
        return
    for patient_id, folder in patient_folders(reports):
        for entry in sorted_entries(folder):
            if REPORT_NAME.search(f"p{patient_id}/{entry.name}"):
                return
    raise SourceError(
        f"{reports}: expected reports such as p10/p10000032/s50414267.txt, found no text "
        f"file of that kind. Set {_REPORT_KEY} to the MIMIC-CXR reports."
    )


def mimic_cxr_files(config: CorpusKeys, root: Path) -> Iterator[FileStat]:
    """Yield the files that are read; of an `index` inventory the CSV files and the zip.

    Raises:
        SourceError: If the dataset is not laid out as the configuration says.
    """
    layout = find_mimic_cxr(config, root)
    for path in (layout.metadata, layout.split):
        if path is not None:
            yield path_stat(path, root=root)
    if layout.reports.is_file():
        yield path_stat(layout.reports, root=root)
    if config.inventory == "index":
        return
    suffix = config.of(MimicCxrConfig).image_suffix
    if layout.images is not None and layout.images != layout.reports:
        yield from files_of_tree(layout.images, root=root, suffix=suffix, reports=False)
    if layout.reports.is_dir():
        shared = suffix if layout.images == layout.reports else None
        yield from files_of_tree(layout.reports, root=root, suffix=shared, reports=True)


def files_of_tree(
    files: Path, *, root: Path, suffix: str | None, reports: bool
) -> Iterator[FileStat]:
    """Yield the images that end in `suffix` (None: no images) and the reports, if asked."""
    for patient_id, folder in patient_folders(files):
        base = name_below(root, folder)
        for entry in sorted_entries(folder):
            if entry.name.endswith(".txt"):
                if reports:
                    yield entry_stat(entry, base=base, patient_id=patient_id)
            elif suffix is not None and is_folder(entry):
                study = f"{base}/{entry.name}"
                for image in sorted_entries(Path(entry.path)):
                    if image.name.endswith(suffix):
                        yield entry_stat(image, base=study, patient_id=patient_id)


def patient_folders(
    files: Path, *, skipped: Counter[str] | None = None
) -> Iterator[tuple[str, Path]]:
    """Yield (patient id, folder) for each p10/p10000032 under `files`, in order.

    What macOS left between them is counted in `skipped`.
    """
    for group in sorted_entries(files, skipped=skipped):
        if not (re.fullmatch(r"p\d+", group.name) and is_folder(group)):
            continue
        for patient in sorted_entries(Path(group.path), skipped=skipped):
            if re.fullmatch(r"p\d+", patient.name) and is_folder(patient):
                yield patient.name[1:], Path(patient.path)


def _find_reports(path: Path) -> Path:
    if path.suffix == ".zip":
        return require_file(path, holds="the MIMIC-CXR reports", key=_REPORT_KEY)
    require_folder(path, holds=f"files/ or {REPORT_ZIP}", key=_REPORT_KEY)
    archive = path / REPORT_ZIP
    if archive.is_file():
        return archive
    holds = "p10/p10000032/s50414267.txt and so on"
    return require_folder(path / "files", holds=holds, key=_REPORT_KEY)


def _find_csv(folder: Path, kind: str) -> Path | None:
    """Return the file of the highest version; of one version the packed file."""
    pattern = re.compile(rf"mimic-cxr-(\d+)\.(\d+)\.(\d+)-{kind}\.csv(\.gz)?")
    if not folder.is_dir():
        return None
    found = [
        ((*(int(part) for part in match.groups()[:3]), match[4] is not None), entry)
        for entry in sorted_entries(folder)
        if (match := pattern.fullmatch(entry.name))
    ]
    if not found:
        return None
    _, newest = max(found, key=lambda item: item[0])
    return folder / newest.name
