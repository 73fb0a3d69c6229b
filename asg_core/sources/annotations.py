"""Boxes that come with a corpus -> the table `annotated_boxes`."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asg_core.sources.assemble import RejectLog
from asg_core.sources.boxes import CheckedBoxes, GivenBox, check_boxes
from asg_core.sources.chest_imagenome import (
    ReadSceneGraph,
    UnreadableSceneGraphError,
    annotation_splits,
    as_number,
    open_scene_graphs,
    parse_scene_graph,
)
from asg_core.sources.config import AnnotationsConfig
from asg_core.sources.layouts import box_columns, find_box_table, find_imagenome
from asg_core.sources.reading.files import table_rows
from asg_core.tables.catalog import ANNOTATED_BOXES, SPLITS
from asg_core.terms.regions import REGIONS
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

STAGE = Stage.READ_ANNOTATIONS

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

    @property
    def num_items(self) -> int:
        """Boxes that were looked at, rejected ones included, ignored ones not."""
        return len(self.annotated_boxes) + len(self.rejects)


@dataclass(frozen=True, slots=True)
class _Image:
    """What is known of an image of the corpus."""

    split: str
    width: int
    height: int


@dataclass(kw_only=True)
class _Reading:
    """What has been read so far."""

    origin: str
    rejects: RejectLog = field(default_factory=lambda: RejectLog(STAGE))
    rows: list[dict[str, object]] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)
    num_clipped: int = 0
    num_ignored: int = 0

    def keep(self, checked: CheckedBoxes, *, image_id: str, split: str) -> None:
        """Add the boxes of one image."""
        self.num_clipped += checked.num_clipped
        self.rows.extend(
            {
                "image_id": image_id,
                "region": region,
                "box_xyxy": list(corners),
                "split": split,
                "origin": self.origin,
            }
            for region, corners in checked.boxes.items()
        )
        if len(self.rows) >= _ROWS_PER_FRAME:
            self.pack()

    def pack(self) -> None:
        """Turn the rows at hand into a frame."""
        self.frames.append(ANNOTATED_BOXES.frame(self.rows))
        self.rows.clear()


def read_annotations(
    *,
    config: AnnotationsConfig,
    root: Path,
    images: pl.DataFrame,
    studies: pl.DataFrame,
) -> AnnotationTables:
    """Read the boxes that a dataset provides for `images`.

    Boxes are clipped to their image and checked (`asg_core.sources.boxes.check_boxes`);
    only the 29 regions are kept. The split of a box says what it may be used for, and is
    the more held out of two: that of the corpus and that of the annotations. So a box is
    `train` only if both say so; images that the splits of Chest ImaGenome do not list,
    and those of its gold patients, never are.

    Rejects: those of `check_boxes`; of Chest ImaGenome `missing_scene_graph` for a listed
    image without one and `unreadable_scene_graph`; of a table `malformed_row` and
    `unknown_region`.

    Args:
        config: Which annotations there are.
        root: Their folder.
        images: The table `images`, of one shard or of all; boxes of other images are
            ignored and counted.
        studies: The table `studies` with the studies of `images`.

    Raises:
        SourceError: If the annotations are not laid out as the configuration says.
        ValueError: If the source of the annotations is not decided.
    """
    if config.source is None:
        raise ValueError(
            "read_annotations: expected a decided annotations.source, found null; take "
            "the annotations of the whole configuration (ProjectConfig.annotations)"
        )
    known = _known_images(images, studies=studies)
    reading = _Reading(origin=config.source)
    match config.source:
        case "chest_imagenome":
            _read_imagenome(root, known=known, reading=reading)
        case "table":
            _read_table(config, root=root, known=known, reading=reading)
        case "none":
            pass
    reading.pack()
    boxes = pl.concat(reading.frames)
    logger.info(
        "%d boxes of %d images; %d clipped to the image, %d ignored; rejected %s",
        len(boxes),
        boxes["image_id"].n_unique(),
        reading.num_clipped,
        reading.num_ignored,
        reading.rejects.counts(),
    )
    return AnnotationTables(
        annotated_boxes=boxes,
        rejects=reading.rejects.frame(),
        num_clipped=reading.num_clipped,
        num_ignored=reading.num_ignored,
    )


def held_out(one: str, other: str) -> str:
    """Return the more held out of two splits: train, then validate, then test."""
    return max(one, other, key=SPLITS.index)


def _known_images(images: pl.DataFrame, *, studies: pl.DataFrame) -> dict[str, _Image]:
    columns = images.join(studies, on="study_id", how="inner").sort("image_id")
    rows = columns.select("image_id", "split", "width", "height").iter_rows()
    return {image_id: _Image(*rest) for image_id, *rest in rows}


def _read_imagenome(
    root: Path, *, known: Mapping[str, _Image], reading: _Reading
) -> None:
    layout = find_imagenome(root)
    splits = annotation_splits(layout)
    with open_scene_graphs(layout.scene_graphs) as read:
        for image_id, image in known.items():
            _read_scene_graph(
                image_id,
                image=image,
                listed_split=splits.get(image_id),
                read=read,
                reading=reading,
            )


def _read_scene_graph(
    image_id: str,
    *,
    image: _Image,
    listed_split: str | None,
    read: ReadSceneGraph,
    reading: _Reading,
) -> None:
    try:
        raw = read(image_id)
        parsed = None if raw is None else parse_scene_graph(raw)
    except UnreadableSceneGraphError as error:
        detail = f"{image_id}: {error}"
        reading.rejects.add(image_id, reason="unreadable_scene_graph", detail=detail)
        return
    if parsed is None:
        if listed_split is not None:  # lateral images are in no split and have no graph
            detail = f"{image_id}: expected a scene graph, as the splits list the image"
            reading.rejects.add(image_id, reason="missing_scene_graph", detail=detail)
        return
    boxes, num_other = parsed
    reading.num_ignored += num_other
    checked = check_boxes(
        boxes,
        image_id=image_id,
        width=image.width,
        height=image.height,
        rejects=reading.rejects,
    )
    split = held_out(image.split, listed_split or "test")
    reading.keep(checked, image_id=image_id, split=split)


def _read_table(
    config: AnnotationsConfig,
    *,
    root: Path,
    known: Mapping[str, _Image],
    reading: _Reading,
) -> None:
    path = find_box_table(config=config, root=root)
    given: dict[str, list[GivenBox]] = {}
    foreign: Counter[str] = Counter()
    rows = table_rows(path, columns=box_columns(config))
    for number, row in enumerate(rows, start=1):
        where = f"{path.name}:{number}"
        if row is None:
            detail = f"{where}: expected as many cells as the header has"
            reading.rejects.add(where, reason="malformed_row", detail=detail)
            continue
        image_id, region, *corners = row
        if image_id not in known:
            foreign[image_id] += 1
        elif region not in REGIONS:
            detail = f"{where}: expected one of the 29 regions, found '{region}'"
            reading.rejects.add(where, reason="unknown_region", detail=detail)
        else:
            x0, y0, x1, y1 = (as_number(corner) for corner in corners)
            box = GivenBox(region=region, corners=(x0, y0, x1, y1))
            given.setdefault(image_id, []).append(box)
    reading.num_ignored += foreign.total()
    for image_id in sorted(given):
        image = known[image_id]
        checked = check_boxes(
            given[image_id],
            image_id=image_id,
            width=image.width,
            height=image.height,
            rejects=reading.rejects,
        )
        reading.keep(checked, image_id=image_id, split=image.split)
