"""Where the parts of MIMIC-CXR lie."""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from asg_core.sources.config import SourceConfig, require_inside


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
