"""The keys of a corpus that every source has; `registry` adds the section of each source."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, model_validator

from asg_core.settings import RejectShare, Settings
from asg_core.synthetic.config import SyntheticConfig
from asg_core.terms.views import View

Split = Literal["train", "validate", "test"]


class SourceConfig(Settings):
    """The section of one source: what only it has to know about its files."""

    def problem(self, *, has_images: bool) -> str | None:
        """Return why no corpus can be read with these keys, as a sentence, or None.

        Only the section of the source that the corpus comes from is asked.

        Args:
            has_images: Whether the images of the corpus are wanted.
        """
        del has_images
        return None

    @property
    def only_view(self) -> View | None:
        """The view of every image where no column and no file names views, else None."""
        return None


Section = TypeVar("Section", bound=SourceConfig)


def require_inside(key: str, folder: Path) -> None:
    """Raise ValueError unless `folder` is relative and stays below what it is relative to."""
    if folder.is_absolute() or ".." in folder.parts:
        raise ValueError(
            f"{key} is '{folder}': expected a folder below corpus.root, because the paths "
            "of images are kept relative to it; set corpus.root to a folder above both"
        )


class CorpusKeys(Settings):
    """The studies that a run aligns and trains on."""

    name: str = Field(default="synthetic", pattern=r"^[a-z0-9_]+$")
    """Folder of this corpus under `results/`: lower case letters, digits, underscores.
    Without a corpus the default is `encoders`."""

    source: str = "synthetic"
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

    @property
    def has_images(self) -> bool:
        """Whether the images of the corpus are read, and not its reports alone."""
        return self.images == "files"

    def of(self, section: type[Section]) -> Section:
        """Return the section of a source by its class, such as `MimicCxrConfig`."""
        return next(value for _, value in self if isinstance(value, section))

    @model_validator(mode="after")
    def _check_root(self) -> "CorpusKeys":
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
    def _check_choices(self) -> "CorpusKeys":
        if not self.views and self.has_images:
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
