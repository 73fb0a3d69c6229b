"""The boxes that have been read so far: what every reader of annotations fills."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from asg_core.sources.annotations.boxes import GivenBox, check_boxes
from asg_core.sources.rejects import RejectLog
from asg_core.tables.catalog import ANNOTATED_BOXES, SPLITS
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

# Rows become frames every so often: a row as a Python object takes 20 times the room.
_ROWS_PER_FRAME = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationTables:
    """The boxes of a corpus that a dataset provides."""

    annotated_boxes: pl.DataFrame
    rejects: pl.DataFrame
    num_clipped: int
    """Boxes of the table that reached over the edge of their image."""

    num_ignored: int
    """Boxes that were left out by choice: of other regions, or of other images."""


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An image of the corpus."""

    split: str
    width: int
    height: int


@dataclass(kw_only=True)
class CollectedBoxes:
    """The checked boxes of the images of a corpus."""

    origin: str
    """The column `origin` of every box."""

    images: Mapping[str, KnownImage]
    """The images that boxes are wanted for, by their id."""

    rejects: RejectLog = field(
        default_factory=lambda: RejectLog(Stage.READ_ANNOTATIONS)
    )
    num_clipped: int = 0
    num_ignored: int = 0
    _rows: list[dict[str, object]] = field(default_factory=list)
    _frames: list[pl.DataFrame] = field(default_factory=list)

    def add(
        self, image_id: str, given: Sequence[GivenBox], *, split: str = SPLITS[0]
    ) -> None:
        """Check the boxes of one image, and keep those that can be used.

        Args:
            image_id: One of `images`.
            given: Its boxes, in the order of the dataset.
            split: What the annotations let the boxes be used for; the image has its own
                split, and the more held out of the two counts.
        """
        image = self.images[image_id]
        checked = check_boxes(
            given,
            image_id=image_id,
            width=image.width,
            height=image.height,
            rejects=self.rejects,
        )
        self.num_clipped += checked.num_clipped
        self._rows.extend(
            {
                "image_id": image_id,
                "region": region,
                "box_xyxy": list(corners),
                "split": held_out(image.split, split),
                "origin": self.origin,
            }
            for region, corners in checked.boxes.items()
        )
        if len(self._rows) >= _ROWS_PER_FRAME:
            self._pack()

    def tables(self) -> AnnotationTables:
        """Return what was read, and log how much."""
        self._pack()
        boxes = pl.concat(self._frames)
        logger.info(
            "%d boxes of %d images; %d clipped to the image, %d ignored; rejected %s",
            len(boxes),
            boxes["image_id"].n_unique(),
            self.num_clipped,
            self.num_ignored,
            self.rejects.counts(),
        )
        return AnnotationTables(
            annotated_boxes=boxes,
            rejects=self.rejects.frame(),
            num_clipped=self.num_clipped,
            num_ignored=self.num_ignored,
        )

    def _pack(self) -> None:
        self._frames.append(ANNOTATED_BOXES.frame(self._rows))
        self._rows.clear()


def held_out(one: str, other: str) -> str:
    """Return the more held out of two splits: train, then validate, then test."""
    return max(one, other, key=SPLITS.index)
