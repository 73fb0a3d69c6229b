"""Which boxes come with a corpus, and where they lie."""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from asg_core.settings import RejectShare, Settings


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
