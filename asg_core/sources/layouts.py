"""Where the files of each dataset lie under its root, and what they are called.

Imports the standard library only, because the workflow checks its sources while it
builds its job graph.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asg_core.sources.config import AnnotationsConfig, CorpusConfig
from asg_core.sources.reading.files import (
    SourceError,
    require_columns,
    require_file,
    require_folder,
    sorted_entries,
    table_columns,
)
from asg_core.sources.reading.item_files import is_folder

MIMIC_METADATA_COLUMNS = (
    "dicom_id",
    "subject_id",
    "study_id",
    "ViewPosition",
    "Rows",
    "Columns",
)
MIMIC_SPLIT_COLUMNS = ("dicom_id", "study_id", "subject_id", "split")
MIMIC_REPORT_ZIP = "mimic-cxr-reports.zip"
MIMIC_REPORT = re.compile(r"(?:^|/)p(?P<patient>\d+)/s(?P<study>\d+)\.txt$")

OPEN_I_METADATA_COLUMNS = ("imageid", "View Position")
_OPEN_I_REPORT = re.compile(r"(?:^|/)(\d+)\.xml$")
_OPEN_I_REPORTS = ("ecgen-radiology", "NLMCXR_reports.tgz")

_IMAGENOME_FOLDERS = (
    "",
    "chest-imagenome-dataset-1.0.0",
    "chest-imagenome",
    "chest-imagenome/1.0.0",
    "physionet.org/files/chest-imagenome/1.0.0",
)
_SCENE_GRAPHS = ("scene_graph/scene_graph", "scene_graph", "scene_graph.zip")
IMAGENOME_SPLITS: Mapping[str, str] = {
    "train": "train",
    "valid": "validate",
    "test": "test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MimicLayout:
    """The parts of a MIMIC-CXR corpus; a corpus read without images may lack some."""

    metadata: Path | None
    split: Path | None
    images: Path | None
    """The folder `files` of the images."""

    reports: Path
    """The folder `files` of the reports, or the zip that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenILayout:
    """The parts of an Open-i collection."""

    reports: Path
    """The folder of the XML files, or the archive that holds it."""

    images: Path | None
    metadata: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImaGenomeLayout:
    """The parts of Chest ImaGenome that are read."""

    scene_graphs: Path
    """The folder of the JSON files, or the zip that holds it."""

    splits: Mapping[str, Path]
    """The CSV file of each split, by the split's name in our tables."""

    avoid: Path


def find_mimic(*, config: CorpusConfig, root: Path) -> MimicLayout:
    """Return where the parts of a MIMIC-CXR corpus are, after checking their headers.

    With `images: none` neither the images nor the metadata are asked for, and the split
    file is taken when it is there.

    Raises:
        SourceError: If a part is missing or a CSV lacks a column.
    """
    require_folder(root, holds="the MIMIC-CXR-JPG release", key="corpus.root")
    reports = _find_mimic_reports(root / config.mimic_cxr.report_path)
    folder = root / config.mimic_cxr.image_folder
    split = _find_mimic_csv(folder, "split")
    if split is not None:
        _check_csv(split, MIMIC_SPLIT_COLUMNS)
    if config.images == "none":
        return MimicLayout(metadata=None, split=split, images=None, reports=reports)

    key = "corpus.mimic_cxr.image_folder"
    images = require_folder(folder / "files", holds="p10/p10000032/...", key=key)
    metadata = _find_mimic_csv(folder, "metadata")
    for kind, path in (("metadata", metadata), ("split", split)):
        if path is None:
            raise SourceError(
                f"{folder}: expected mimic-cxr-2.0.0-{kind}.csv.gz (.csv and other "
                f"versions do too), found {_listing(folder)}. Put the file of "
                f"MIMIC-CXR-JPG there, or set {key}."
            )
    if metadata is not None:
        _check_csv(metadata, MIMIC_METADATA_COLUMNS)
    return MimicLayout(metadata=metadata, split=split, images=images, reports=reports)


def mimic_patient_folders(
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


def require_mimic_reports(path: Path) -> None:
    """Raise if a tree of reports holds none: a tree of images looks the same from above.

    Stops at the first report, so it is slow only where it fails. A zip is not opened.

    Raises:
        SourceError: If there is no report.
    """
    if path.is_file():
        return
    for patient_id, folder in mimic_patient_folders(path):
        for entry in sorted_entries(folder):
            if MIMIC_REPORT.search(f"p{patient_id}/{entry.name}"):
                return
    raise SourceError(
        f"{path}: expected reports such as p10/p10000032/s50414267.txt, found no text "
        "file of that kind. Set corpus.mimic_cxr.report_path to the MIMIC-CXR reports."
    )


def find_open_i(*, config: CorpusConfig, root: Path) -> OpenILayout:
    """Return where the parts of an Open-i collection are, after checking the header.

    Raises:
        SourceError: If a part is missing or the CSV lacks a column.
    """
    require_folder(root, holds=" or ".join(_OPEN_I_REPORTS), key="corpus.root")
    given = config.open_i.report_path
    names = _OPEN_I_REPORTS if given is None else (given,)
    reports = next((root / name for name in names if (root / name).exists()), None)
    if reports is None:
        raise SourceError(
            f"{root}: expected {' or '.join(str(name) for name in names)} with the XML "
            f"reports, found {_listing(root)}. Set corpus.root to the folder that holds "
            "them, or set corpus.open_i.report_path."
        )
    metadata = None
    if config.open_i.dicom_metadata is not None:
        key = "corpus.open_i.dicom_metadata"
        metadata = root / config.open_i.dicom_metadata
        require_file(metadata, holds="one row per image", key=key)
        _check_csv(metadata, OPEN_I_METADATA_COLUMNS, key=key)
    images = None
    if config.images == "files":
        images = require_folder(
            root / config.open_i.image_folder,
            holds="the PNG files of NLMCXR_png.tgz",
            key="corpus.open_i.image_folder (or corpus.images to 'none')",
        )
    return OpenILayout(reports=reports, images=images, metadata=metadata)


def open_i_study_id(name: str) -> str | None:
    """Return "CXR100" for a file called 100.xml; None for a file that is no report."""
    match = _OPEN_I_REPORT.search(name)
    return None if match is None else f"CXR{match[1]}"


def find_table(*, config: CorpusConfig, root: Path) -> Path:
    """Return the file of a table source, after checking its header.

    Raises:
        SourceError: If the file is missing or lacks a column that the configuration
            names.
    """
    require_folder(root, holds="the table and its images", key="corpus.root")
    path = root / (config.table.file or "")
    require_file(path, holds="one image or report per row", key="corpus.table.file")
    expected = [name for name in config.table.columns.model_dump().values() if name]
    _check_csv(path, expected, key="corpus.table.columns")
    return path


def find_imagenome(root: Path) -> ImaGenomeLayout:
    """Return where the parts of Chest ImaGenome are, under any of its usual folders.

    Raises:
        SourceError: If a part is missing or a split file lacks the column dicom_id.
    """
    key = "annotations.root"
    require_folder(root, holds="Chest ImaGenome", key=key)
    folders = [root / name / "silver_dataset" for name in _IMAGENOME_FOLDERS]
    silver = next((folder for folder in folders if folder.is_dir()), None)
    if silver is None:
        raise SourceError(
            f"{root}: expected Chest ImaGenome with its folder silver_dataset, found "
            f"{_listing(root)}. Set {key} to the folder that holds silver_dataset."
        )
    candidates = [silver / name for name in _SCENE_GRAPHS]
    scene_graphs = next((path for path in candidates if path.exists()), None)
    if scene_graphs is None:
        raise SourceError(
            f"{silver}: expected scene_graph.zip or the folder scene_graph, found "
            f"{_listing(silver)}. Complete the download of Chest ImaGenome."
        )
    splits = {
        ours: silver / "splits" / f"{theirs}.csv"
        for theirs, ours in IMAGENOME_SPLITS.items()
    }
    avoid = silver / "splits" / "images_to_avoid.csv"
    for path in (*splits.values(), avoid):
        require_file(path, holds="the images of a split", key=key)
        _check_csv(path, ("dicom_id",), key=key)
    return ImaGenomeLayout(scene_graphs=scene_graphs, splits=splits, avoid=avoid)


def find_box_table(*, config: AnnotationsConfig, root: Path) -> Path:
    """Return the file of a table of boxes, after checking its header.

    Raises:
        SourceError: If the file or one of its columns is missing.
    """
    path = root / (config.table.file or "")
    require_file(path, holds="one box per row", key="annotations.table.file")
    _check_csv(path, box_columns(config), key="annotations.table")
    return path


def box_columns(config: AnnotationsConfig) -> tuple[str, ...]:
    """Return the names of the columns of a table of boxes: ids, region, corners."""
    names = config.table
    return (names.image_id, names.region, names.x1, names.y1, names.x2, names.y2)


def _find_mimic_reports(path: Path) -> Path:
    key = "corpus.mimic_cxr.report_path"
    if path.suffix == ".zip":
        return require_file(path, holds="the MIMIC-CXR reports", key=key)
    require_folder(path, holds=f"files/ or {MIMIC_REPORT_ZIP}", key=key)
    archive = path / MIMIC_REPORT_ZIP
    if archive.is_file():
        return archive
    return require_folder(
        path / "files", holds="p10/p10000032/s50414267.txt and so on", key=key
    )


def _find_mimic_csv(folder: Path, kind: str) -> Path | None:
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


def _check_csv(
    path: Path, expected: tuple[str, ...] | list[str], *, key: str = "corpus.root"
) -> None:
    require_columns(path, expected=expected, found=table_columns(path), key=key)


def _listing(folder: Path) -> str:
    """Return the first names in `folder`, for a message."""
    if not folder.is_dir():
        return "no such folder"
    names = [entry.name for entry in sorted_entries(folder)]
    if not names:
        return "an empty folder"
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
