"""Where the parts of the Open-i collection lie."""

from pathlib import Path

from pydantic import model_validator

from asg_core.sources.config import SourceConfig, require_inside
from asg_core.terms.views import View


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
