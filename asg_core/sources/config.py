"""What a corpus is, where it lies, and which boxes come with it."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from asg_core.settings import RejectShare, Settings
from asg_core.synthetic.config import SyntheticConfig
from asg_core.terms.views import View

Split = Literal["train", "validate", "test"]


def _require_inside(key: str, folder: Path) -> None:
    """Raise unless `folder` is relative and stays below what it is relative to."""
    if folder.is_absolute() or ".." in folder.parts:
        raise ValueError(
            f"{key} is '{folder}': expected a folder below corpus.root, because the paths "
            "of images are kept relative to it; set corpus.root to a folder above both"
        )


class MimicCxrConfig(Settings):
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
        _require_inside("corpus.mimic_cxr.image_folder", self.image_folder)
        return self


class OpenIConfig(Settings):
    """Where the parts of the Open-i collection (Indiana University) lie."""

    report_path: Path | None = None
    """The folder `ecgen-radiology` or the file `NLMCXR_reports.tgz`, relative to
    `corpus.root` or absolute; null takes the one of these names that is in the root."""

    image_folder: Path = Path("NLMCXR_png")
    """Folder of the PNG files, relative to `corpus.root`; not read without images."""

    dicom_metadata: Path | None = None
    """CSV with the columns `imageid` and `View Position`, relative to `corpus.root` or
    absolute; null leaves every view unknown."""

    @model_validator(mode="after")
    def _check_image_folder(self) -> "OpenIConfig":
        _require_inside("corpus.open_i.image_folder", self.image_folder)
        return self


class TableColumnsConfig(Settings):
    """Names of the columns of a table source; null says that there is no such column."""

    image_path: str | None = None
    """Image files, relative to `corpus.root`, with forward slashes."""

    text: str | None = None
    """Report texts. Rows of one study may repeat it; empty cells are no report."""

    image_id: str | None = None
    """Ids of the images; null takes the path."""

    study_id: str | None = None
    """Ids of the studies; null makes every row a study, named as its image."""

    patient_id: str | None = None
    """Ids of the patients; null takes the study."""

    view: str | None = None
    """Views, in any spelling of `asg_core/terms/views.tsv`, which may be added to; another
    spelling counts as UNKNOWN. Null takes `default_view`."""

    split: str | None = None
    """Splits: train, validate (or valid, val) or test; null draws them by patient, see
    `corpus.validate_share`."""


class TableSourceConfig(Settings):
    """A CSV or Parquet file that names image files, report texts, or both."""

    file: Path | None = None
    """The table, relative to `corpus.root`: .csv, .csv.gz or .parquet, with a header."""

    columns: TableColumnsConfig = TableColumnsConfig()
    """Which column holds what."""

    default_view: View = View.UNKNOWN
    """View of every image when no column names it; FRONTAL is PA or AP."""


class CorpusConfig(Settings):
    """The studies that a run aligns and trains on."""

    name: str = Field(default="synthetic", pattern=r"^[a-z0-9_]+$")
    """Folder of this corpus under `results/`: lower case letters, digits, underscores.
    Without a corpus the default is `encoders`."""

    source: Literal["synthetic", "mimic_cxr", "open_i", "table", "none"] = "synthetic"
    """How the corpus is laid out on disk; `synthetic` is made by the run itself. `none`:
    there is no corpus, encoders are evaluated on benchmarks, and nothing else is made;
    so is a source that is left out where `evaluation` names the root of a benchmark and
    encoders of which none is a run's."""

    root: Path | None = None
    """Folder of the dataset as distributed; null exactly when the source is synthetic,
    whose root is `results/<name>/source`, or none."""

    images: Literal["files", "none"] = "files"
    """`none` reads the reports only, and the run ends at the triplets."""

    shards: int = Field(default=4, ge=1, le=9999)
    """Parts into which patients are divided; a job works on one part."""

    inventory: Literal["files", "index"] = "files"
    """What is looked at to see that the dataset changed: the size and time of every file,
    or of the index files only (CSV, archives). `index` is for slow network disks: a
    replaced image or report is then not noticed."""

    views: tuple[View, ...] = tuple(View)
    """Views to keep; images of other views are left out, and counted by the spelling of
    their view in the log and the summary."""

    splits: tuple[Split, ...] = ("train", "validate", "test")
    """Splits to keep; studies of other splits are left out and counted in the log."""

    validate_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the patients without a split of their own that go to `validate`, drawn by a
    hash of the patient id; the rest, less `test_share`, goes to `train`."""

    test_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the patients without a split of their own that go to `test`."""

    max_reject_share: RejectShare = 0.05
    """Share of a job's items that may be rejected before the job stops."""

    synthetic: SyntheticConfig = SyntheticConfig()
    """What the source `synthetic` makes."""

    mimic_cxr: MimicCxrConfig = MimicCxrConfig()
    """Layout of the source `mimic_cxr`."""

    open_i: OpenIConfig = OpenIConfig()
    """Layout of the source `open_i`."""

    table: TableSourceConfig = TableSourceConfig()
    """Layout of the source `table`."""

    @model_validator(mode="after")
    def _check_root(self) -> "CorpusConfig":
        if self.source == "synthetic" and self.root is not None:
            raise ValueError(
                f"corpus.root is '{self.root}' while corpus.source is 'synthetic': a "
                "synthetic corpus is made in results/<name>/source; remove corpus.root"
            )
        if self.source not in ("synthetic", "none") and self.root is None:
            raise ValueError(
                f"corpus.root is not set while corpus.source is '{self.source}': set it "
                "to the folder that holds the dataset"
            )
        return self

    @model_validator(mode="after")
    def _check_layout(self) -> "CorpusConfig":
        if self.source == "synthetic" and self.mimic_cxr != MimicCxrConfig():
            raise ValueError(
                "corpus.mimic_cxr is set while corpus.source is 'synthetic': a synthetic "
                "corpus has the layout of the defaults; remove corpus.mimic_cxr"
            )
        return self

    @model_validator(mode="after")
    def _check_choices(self) -> "CorpusConfig":
        if not self.views and self.images == "files":
            raise ValueError(
                "corpus.views is empty while corpus.images is 'files': no image would be "
                "kept; name at least one view, or set corpus.images to 'none'"
            )
        if not self.splits:
            raise ValueError("corpus.splits is empty: name at least one split")
        if self.validate_share + self.test_share > 1:
            raise ValueError(
                f"corpus.validate_share ({self.validate_share}) and corpus.test_share "
                f"({self.test_share}) exceed 1 together: lower one of them"
            )
        return self

    @model_validator(mode="after")
    def _check_table(self) -> "CorpusConfig":
        if self.source != "table":
            return self
        if self.table.file is None:
            raise ValueError(
                "corpus.table.file is not set while corpus.source is 'table': name the "
                "CSV or Parquet file, relative to corpus.root"
            )
        columns = self.table.columns
        if self.images == "files" and columns.image_path is None:
            raise ValueError(
                "corpus.table.columns.image_path is not set while corpus.images is "
                "'files': name the column of image files, or set corpus.images to 'none'"
            )
        if self.images == "none" and columns.text is None:
            raise ValueError(
                "corpus.table.columns.text is not set while corpus.images is 'none': "
                "there would be nothing to read; name the column of report texts"
            )
        return self


class BoxTableConfig(Settings):
    """A CSV or Parquet file with one box of one region of one image in a row."""

    file: Path | None = None
    """The table, relative to the root of the annotations: .csv, .csv.gz or .parquet."""

    image_id: str = "image_id"
    """Column of the ids of the images, spelled as in the corpus."""

    region: str = "region"
    """Column of the region names of `asg_core.terms.regions`; left is the patient's."""

    x1: str = "x1"
    """Column of the left edges, in pixels of the original frame."""

    y1: str = "y1"
    """Column of the top edges, in pixels of the original frame."""

    x2: str = "x2"
    """Column of the right edges, in pixels of the original frame."""

    y2: str = "y2"
    """Column of the bottom edges, in pixels of the original frame."""


class AnnotationsConfig(Settings):
    """Boxes of anatomical regions that come with a corpus."""

    source: Literal["none", "chest_imagenome", "table"] | None = None
    """How the boxes are laid out on disk; `none` reads no box; null is chest_imagenome
    where `corpus.source` is mimic_cxr or synthetic, and none elsewhere."""

    root: Path | None = None
    """Folder of the annotations as distributed; null takes the root of the corpus."""

    table: BoxTableConfig = BoxTableConfig()
    """Layout of the source `table`."""

    max_reject_share: RejectShare = 0.05
    """Share of a job's items that may be rejected before the job stops."""

    @model_validator(mode="after")
    def _check_source(self) -> "AnnotationsConfig":
        if self.source == "none" and self.root is not None:
            raise ValueError(
                f"annotations.root is '{self.root}' while annotations.source is 'none': "
                "name the source of the boxes, or remove annotations.root"
            )
        if self.source == "table" and self.table.file is None:
            raise ValueError(
                "annotations.table.file is not set while annotations.source is 'table': "
                "name the CSV or Parquet file of boxes"
            )
        return self
