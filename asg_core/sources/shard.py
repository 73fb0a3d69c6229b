"""One shard of a corpus: what every reader fills, and the tables that come of it."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asg_core.sources.config import CorpusKeys
from asg_core.sources.reading.image_size import UnreadableImageError, image_size
from asg_core.sources.reading.item_files import Problem, is_file
from asg_core.sources.reading.walk import Part
from asg_core.sources.rejects import RejectLog
from asg_core.sources.splits import PatientSplits
from asg_core.sources.views import GivenView, ViewLog
from asg_core.tables.catalog import IMAGES, REPORTS, STUDIES
from asg_core.tables.shards import shard_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTables:
    """One shard of a corpus, in the tables of `asg_core.tables.catalog`.

    Rejects are of the stage `read_source` (images, and rows of index files) or
    `read_reports`.
    """

    studies: pl.DataFrame
    images: pl.DataFrame
    reports: pl.DataFrame
    views: pl.DataFrame
    """The table `view_counts`, which counts images that are left out too."""

    rejects: pl.DataFrame

    def rejects_of(self, stage: str) -> pl.DataFrame:
        """Return the rejects of one of the two stages."""
        return self.rejects.filter(pl.col("stage") == stage)


@dataclass(kw_only=True)
class ShardReading:
    """One shard of a corpus while it is read."""

    config: CorpusKeys
    root: Path
    """Folder of the dataset; `config.root` is not looked at."""

    shard: int
    """0-based."""

    part: Part = "all"
    """What is wanted: a reader may leave out work for the rest."""

    splits: PatientSplits = field(init=False)
    views: ViewLog = field(init=False)
    rejects: RejectLog = field(default_factory=RejectLog)
    left_out: Counter[str] = field(default_factory=Counter)
    """What was left out by choice, and how often; for the log."""

    notes: Counter[str] = field(default_factory=Counter)
    """What else the log should count."""

    patients: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Study -> patient and split."""

    images: dict[str, dict[str, object]] = field(default_factory=dict)
    """Image -> its row of the table `images`."""

    reports: dict[str, str] = field(default_factory=dict)
    """Study -> text."""

    def __post_init__(self) -> None:
        self.splits = PatientSplits(self.config)
        self.views = ViewLog(self.config.views)

    def has(self, patient_id: str) -> bool:
        """Say whether this is the shard of a patient."""
        return shard_of(patient_id, num_shards=self.config.shards) == self.shard

    def leaves_out(self, split: str | None) -> bool:
        """Say whether items of a split are not wanted, and count one if they are not.

        No split at all is not left out, but a conflict that the reader rejects.
        """
        if split is None or split in self.config.splits:
            return False
        self.left_out[f"split {split}"] += 1
        return True

    def enter_study(self, study_id: str, *, patient_id: str, split: str) -> None:
        """Add a study; one that is there already stays as it is."""
        self.patients.setdefault(study_id, (patient_id, split))

    def add_image(
        self,
        image_id: str,
        *,
        study_id: str,
        path: str,
        given: GivenView,
        size: tuple[int, int] | None = None,
    ) -> Problem | None:
        """Keep an image, or return why it cannot be used.

        Args:
            image_id: An id that no image of the shard has yet.
            study_id: The study that the image belongs to.
            path: Relative to the root, with forward slashes.
            given: The view.
            size: Width and height in pixels, which are then believed; None takes them from
                the header of the file.
        """
        if size is None:
            if not is_file(self.root / path):
                return missing_image(path)
            try:
                size = image_size(self.root / path)
            except UnreadableImageError as error:
                return "unreadable_image", f"{path}: {error}"
        self.images[image_id] = {
            "image_id": image_id,
            "study_id": study_id,
            "path": path,
            "view": given.view.value,
            "view_as_given": given.spelling,
            "width": size[0],
            "height": size[1],
        }
        return None

    def tables(self) -> SourceTables:
        """Return what was read, and log how much."""
        logger.info(
            "shard %d: %d images, %d reports; rejected %s; left out by choice %s%s",
            self.shard,
            len(self.images),
            len(self.reports),
            self.rejects.counts(),
            dict(sorted(self.left_out.items())),
            f"; {dict(self.notes)}" if self.notes else "",
        )
        return SourceTables(
            studies=STUDIES.frame(
                {"study_id": study_id, "patient_id": patient_id, "split": split}
                for study_id, (patient_id, split) in self.patients.items()
            ),
            images=IMAGES.frame(self.images.values()),
            reports=REPORTS.frame(
                {"study_id": study_id, "text": text}
                for study_id, text in self.reports.items()
                if self.part != "images"
            ),
            views=self.views.frame(),
            rejects=self.rejects.frame(),
        )


def missing_image(path: str) -> Problem:
    """Return the problem of an image whose file is not there."""
    return "missing_image", f"expected the file {path}, found none"
