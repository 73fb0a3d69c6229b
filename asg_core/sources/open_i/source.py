"""Open-i as a source: its keys, where its files lie, and which of them are read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
from asg_core.sources.reading.walk import FileStat, entry_stat, name_below, path_stat
from asg_core.terms.views import View

METADATA_COLUMNS = ("imageid", "View Position")

_REPORTS = ("ecgen-radiology", "NLMCXR_reports.tgz")
_REPORT_NAME = re.compile(r"(?:^|/)(\d+)\.xml$")
_IMAGE_NAME = re.compile(r"(CXR\d+)_.*\.png$")


class OpenIConfig(SourceConfig):
    """Where the parts of the Open-i collection (Indiana University) lie."""

    report_path: Path | None = None
    """The folder `ecgen-radiology` or the file `NLMCXR_reports.tgz`, relative to
    `corpus.root` or absolute; null takes the one of these names that is in the root."""

    image_folder: Path = Path("NLMCXR_png")
    """Folder of the PNG files, relative to `corpus.root`; not read without images."""

    dicom_metadata: Path | None = None
    """CSV with the columns `imageid` and `View Position`, relative to `corpus.root` or
    absolute; null leaves every view unknown."""

    @property
    def only_view(self) -> View | None:
        """UNKNOWN where no metadata are given."""
        return View.UNKNOWN if self.dicom_metadata is None else None

    @model_validator(mode="after")
    def _check_image_folder(self) -> "OpenIConfig":
        require_inside("corpus.open_i.image_folder", self.image_folder)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenILayout:
    """The parts of an Open-i collection."""

    reports: Path
    """The folder of the XML files, or the archive that holds it."""

    images: Path | None
    metadata: Path | None


def find_open_i(config: CorpusKeys, root: Path) -> OpenILayout:
    """Return where the parts of an Open-i collection are, after checking the header.

    Raises:
        SourceError: If a part is missing or the CSV lacks a column.
    """
    keys = config.of(OpenIConfig)
    require_folder(root, holds=" or ".join(_REPORTS), key="corpus.root")
    names = _REPORTS if keys.report_path is None else (keys.report_path,)
    reports = next((root / name for name in names if (root / name).exists()), None)
    if reports is None:
        raise SourceError(
            f"{root}: expected {' or '.join(str(name) for name in names)} with the XML "
            f"reports, found {listing(root)}. Set corpus.root to the folder that holds "
            "them, or set corpus.open_i.report_path."
        )
    metadata = None
    if keys.dicom_metadata is not None:
        key = "corpus.open_i.dicom_metadata"
        metadata = root / keys.dicom_metadata
        require_file(metadata, holds="one row per image", key=key)
        require_header(metadata, expected=METADATA_COLUMNS, key=key)
    images = None
    if config.has_images:
        images = require_folder(
            root / keys.image_folder,
            holds="the PNG files of NLMCXR_png.tgz",
            key="corpus.open_i.image_folder (or corpus.images to 'none')",
        )
    return OpenILayout(reports=reports, images=images, metadata=metadata)


def open_i_files(config: CorpusKeys, root: Path) -> Iterator[FileStat]:
    """Yield the files that are read; of an `index` inventory the CSV file and the archive.

    Raises:
        SourceError: If the dataset is not laid out as the configuration says.
    """
    layout = find_open_i(config, root)
    if layout.metadata is not None:
        yield path_stat(layout.metadata, root=root)
    if layout.reports.is_file():
        yield path_stat(layout.reports, root=root)
    if config.inventory == "index":
        return
    if layout.reports.is_dir():
        base = name_below(root, layout.reports)
        for entry in sorted_entries(layout.reports):
            study_id = study_id_of(entry.name)
            if study_id is not None:
                yield entry_stat(entry, base=base, patient_id=study_id)
    if layout.images is not None:
        base = name_below(root, layout.images)
        for entry in sorted_entries(layout.images):
            match = _IMAGE_NAME.match(entry.name)
            if match is not None:
                yield entry_stat(entry, base=base, patient_id=match[1])


def study_id_of(name: str) -> str | None:
    """Return "CXR100" for a file called 100.xml, and None for a file that is no report."""
    match = _REPORT_NAME.search(name)
    return None if match is None else f"CXR{match[1]}"
