"""Boxes that come with a corpus -> the table `annotated_boxes`."""

from pathlib import Path

import polars as pl

from asg_core.sources.annotations.chest_imagenome import read_chest_imagenome
from asg_core.sources.annotations.collected import (
    AnnotationTables,
    CollectedBoxes,
    KnownImage,
)
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.annotations.table import read_box_table


def read_annotations(
    *,
    config: AnnotationsConfig,
    root: Path,
    images: pl.DataFrame,
    studies: pl.DataFrame,
) -> AnnotationTables:
    """Read the boxes that a dataset provides for `images`.

    Boxes are clipped to their image and checked (see `check_boxes`); only the 29 regions
    are kept. The split of a box says what it may be used for, and is the more held out of
    two: that of the corpus and that of the annotations. So a box is `train` only if both
    say so; images that the splits of Chest ImaGenome do not list, and those of its gold
    patients, never are.

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
    known = images.join(studies, on="study_id", how="inner").sort("image_id")
    rows = known.select("image_id", "split", "width", "height").iter_rows()
    collected = CollectedBoxes(
        origin=config.source or "none",
        images={image_id: KnownImage(*rest) for image_id, *rest in rows},
    )
    match config.source:
        case "chest_imagenome":
            read_chest_imagenome(root, collected=collected)
        case "table":
            read_box_table(config, root, collected=collected)
        case "none":
            pass
        case None:
            raise ValueError(
                "read_annotations: expected a decided annotations.source, found null; "
                "take the annotations of the whole configuration "
                "(ProjectConfig.annotations)"
            )
    return collected.tables()
