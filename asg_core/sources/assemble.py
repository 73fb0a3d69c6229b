"""What all readers share: the tables they fill, splits of patients, and rejects."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import polars as pl

from asg_core.sources.config import CorpusConfig
from asg_core.tables.catalog import IMAGES, REJECTS, REPORTS, SPLITS, STUDIES
from asg_core.tables.view_counts import (
    count_views,
    left_out,
    log_left_out,
    num_images,
    spellings_text,
)
from asg_core.terms.stages import Stage
from asg_core.terms.view_spellings import canonical_view, is_known_spelling
from asg_core.terms.views import View

logger = logging.getLogger(__name__)

IMAGES_STAGE = Stage.READ_SOURCE
REPORTS_STAGE = Stage.READ_REPORTS

Part = Literal["all", "images", "reports"]
"""What of a shard is read. Two rules read the two parts, so that an edited report does
not decode images and train a detector again."""

_SPLIT_SPELLINGS = {
    **{split: split for split in SPLITS},
    "valid": "validate",
    "validation": "validate",
    "val": "validate",
}


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

    @property
    def num_items(self) -> int:
        """Images and reports that were looked at, rejected ones included."""
        return len(self.images) + len(self.reports) + len(self.rejects)


class RejectLog:
    """Collects what cannot be used, under ids that are unique within a stage.

    An item that is rejected again gets "#2", "#3", ... behind its id.
    """

    def __init__(self, stage: str = IMAGES_STAGE) -> None:
        self._stage = stage
        self._rows: list[dict[str, str]] = []
        self._times: Counter[tuple[str, str]] = Counter()

    def add(
        self, item_id: str, *, reason: str, detail: str, stage: str | None = None
    ) -> None:
        """Record one item, of the log's own stage unless another is named."""
        stage = stage or self._stage
        self._times[stage, item_id] += 1
        times = self._times[stage, item_id]
        self._rows.append(
            {
                "stage": stage,
                "item_id": item_id if times == 1 else f"{item_id}#{times}",
                "reason": reason,
                "detail": detail,
            }
        )

    def counts(self) -> dict[str, int]:
        """Return the number of rejects per reason, in order of reason."""
        return dict(sorted(Counter(row["reason"] for row in self._rows).items()))

    def frame(self) -> pl.DataFrame:
        """Return the rejects as the table `rejects`."""
        return REJECTS.frame(self._rows)


@dataclass(frozen=True, slots=True)
class GivenView:
    """The view of an image, and how the source spells it."""

    view: View
    spelling: str | None
    """None: the source says nothing."""

    @classmethod
    def of(cls, *spellings: str) -> "GivenView":
        """Return the first of `spellings` that says a view, else the first there is."""
        said = [text.strip() for text in spellings if text.strip()]
        views = [canonical_view(text) for text in said]
        for view, text in zip(views, said, strict=True):
            if view is not View.UNKNOWN:
                return cls(view, text)
        return cls(View.UNKNOWN, said[0] if said else None)


class ViewLog:
    """Counts the views of all images, and says which of them `corpus.views` keeps."""

    def __init__(self, config: CorpusConfig) -> None:
        self._kept = config.views
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def keeps(self, given: GivenView) -> bool:
        """Count an image, and say whether images of its view are kept."""
        self._counts[given.view.value, given.spelling] += 1
        return given.view in self._kept

    def frame(self) -> pl.DataFrame:
        """Return the table `view_counts`, and log what is left out or not understood."""
        counts = count_views(self._counts)
        log_left_out(counts, views=self._kept, key="corpus.views", logger=logger)
        self._log_unlisted(counts)
        return counts

    def _log_unlisted(self, counts: pl.DataFrame) -> None:
        """Warn about spellings that `views.tsv` does not have."""
        known = [is_known_spelling(spelling) for spelling in counts["spelling"]]
        rows = counts.filter(~pl.Series(known, dtype=pl.Boolean))
        if rows.is_empty():
            return
        logger.warning(
            "%s of %s images have a view that asg_core/terms/views.tsv does not have, "
            "and count as UNKNOWN: %s. Add the spelling there.",
            f"{num_images(rows):,}",
            f"{num_images(counts):,}",
            spellings_text(left_out(rows, views=())),
        )


class PatientSplits:
    """The split of each patient: what the data says, else a draw by hash.

    A patient whose rows name several splits has none: training on one part of a patient
    and testing on another is what splits are there to prevent.
    """

    def __init__(
        self, claims: Iterable[tuple[str, str]], *, config: CorpusConfig
    ) -> None:
        named: defaultdict[str, set[str]] = defaultdict(set)
        for patient_id, split in claims:
            named[patient_id].add(split)
        self._named: Mapping[str, set[str]] = named
        self._config = config

    def is_named(self, patient_id: str) -> bool:
        """Say whether the data names a split for this patient."""
        return patient_id in self._named

    def of(self, patient_id: str) -> str | None:
        """Return the patient's split, or None if the data names several."""
        named = self._named.get(patient_id, set())
        if len(named) > 1:
            return None
        return next(iter(named), drawn_split(patient_id, config=self._config))

    def conflict(self, patient_id: str) -> str:
        """Return the sentence for an item of a patient in several splits."""
        named = sorted(self._named.get(patient_id, set()))
        return f"expected one split for patient {patient_id}, found {named}"


class StudyBook:
    """Which patient each study belongs to, and in which split: the table `studies`."""

    def __init__(self) -> None:
        self._patients: dict[str, str] = {}
        self._splits: dict[str, str] = {}

    def enter(self, study_id: str, *, patient_id: str, split: str) -> None:
        """Add a study; one that is there already stays as it is."""
        self._patients.setdefault(study_id, patient_id)
        self._splits.setdefault(study_id, split)

    def study_ids(self) -> list[str]:
        """Return the ids of the studies, in the order they were entered."""
        return list(self._patients)

    def frame(self) -> pl.DataFrame:
        """Return the studies as the table `studies`."""
        return STUDIES.frame(
            {
                "study_id": study_id,
                "patient_id": patient_id,
                "split": self._splits[study_id],
            }
            for study_id, patient_id in self._patients.items()
        )


def canonical_split(spelling: str) -> str | None:
    """Translate a dataset's name of a split; None if it names no split we know."""
    return _SPLIT_SPELLINGS.get(spelling.strip().lower())


def drawn_split(patient_id: str, *, config: CorpusConfig) -> str:
    """Draw the split of a patient for whom the data names none.

    The draw is a hash of the id alone, so it is the same in every shard and does not
    change when patients are added.
    """
    # Personalised, or patients of one shard would tend to share their split.
    digest = blake2b(patient_id.encode(), digest_size=8, person=b"asg-split").digest()
    draw = int.from_bytes(digest, "big") / 2**64
    if draw < config.validate_share:
        return "validate"
    if draw < config.validate_share + config.test_share:
        return "test"
    return "train"


def image_row(
    *, image_id: str, study_id: str, path: str, given: GivenView, size: tuple[int, int]
) -> dict[str, object]:
    """Return one row of the table `images`; `size` is width, height in pixels."""
    return {
        "image_id": image_id,
        "study_id": study_id,
        "path": path,
        "view": given.view.value,
        "view_as_given": given.spelling,
        "width": size[0],
        "height": size[1],
    }


def source_tables(
    *,
    studies: StudyBook,
    images: Iterable[Mapping[str, object]],
    reports: Mapping[str, str],
    views: ViewLog,
    rejects: RejectLog,
) -> SourceTables:
    """Return the collected rows as tables; `reports` maps study ids to texts."""
    return SourceTables(
        studies=studies.frame(),
        images=IMAGES.frame(images),
        reports=REPORTS.frame(
            {"study_id": study_id, "text": text} for study_id, text in reports.items()
        ),
        views=views.frame(),
        rejects=rejects.frame(),
    )
