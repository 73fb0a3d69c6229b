"""RSNA Pneumonia: one csv of boxes, and DICOM files that are named by their ids."""

from pathlib import Path
from typing import Literal

from asg_core.benchmarks.gather import (
    BenchmarkReading,
    Corners,
    Gathering,
    ImageEntry,
    corners_of,
)
from asg_core.benchmarks.layout import Layout, label_file, with_folders
from asg_core.benchmarks.rsna.spec import TARGET, RsnaConfig
from asg_core.benchmarks.splits import divide_in_three, parts_of_ids
from asg_core.sources.config import Split

COLUMNS = ("patientId", "x", "y", "width", "height", "Target")

_FOLDER = "stage_2_train_images"
_NUM_HELD_OUT_FOR_DETECTION = 10_674  # of the released 26,684 images

Boxes = dict[str, list[tuple[str, Corners]]]
"""File and row, and corners, of the boxes of each image; a negative image has none."""


def find_rsna(_config: RsnaConfig, root: Path) -> Layout:
    """Return the files of RSNA Pneumonia.

    Raises:
        SourceError: If a file or a column is missing.
    """
    labels = label_file(
        root,
        "stage_2_train_labels.csv",
        holds="the labels and boxes",
        columns=COLUMNS,
        key="rsna.root",
    )
    return with_folders(root, files={"labels": labels}, folders=(_FOLDER,))


def read_rsna(gathering: Gathering, config: RsnaConfig) -> BenchmarkReading:
    """Read RSNA Pneumonia; the masks are the filled boxes.

    A `patientId` of this benchmark names an image, so every image is a patient of its
    own: who the patients are the files do not say. An image with a row that cannot be
    read is left out, because the rest of its boxes is not the whole truth.

    The reasons of its rejects are `malformed_row`, `malformed_box`, `unknown_label`,
    `contradictory_rows`, `incomplete_labels`, `missing_image`, `unreadable_image`,
    `box_outside_image`.

    Raises:
        SourceError: If the split cannot be drawn.
    """
    boxes, spoilt = read_boxes(gathering)
    spoilt |= gathering.malformed & boxes.keys()
    divided = divide_images(boxes, split=config.split)
    for image_id in sorted(spoilt):
        gathering.reject_incomplete(image_id, found="one that is rejected")
    sizes = gathering.add_images(
        [
            ImageEntry(
                image_id=image_id,
                patient_id=image_id,
                path=_path(image_id),
                labels={TARGET: float(bool(boxes[image_id]))},
            )
            for image_id in boxes
            if image_id not in spoilt
        ],
        places=parts_of_ids(divided),
        paths=gathering.paths(),
        named=map(_path, boxes),
    )
    for image_id, size in sizes.items():
        for where, box in boxes[image_id]:
            gathering.add_box(image_id, target=TARGET, box=box, size=size, where=where)
    return BenchmarkReading(
        split=config.split, recipe=config.split, divided=divided, targets=(TARGET,)
    )


def read_boxes(gathering: Gathering) -> tuple[Boxes, set[str]]:
    """Return the boxes of every image, and the images with a row that is rejected."""
    boxes: Boxes = {}
    negative: set[str] = set()
    spoilt: set[str] = set()
    path = gathering.layout.files["labels"]
    for where, (image_id, *cells, target) in gathering.rows(path, columns=COLUMNS):
        of_image = boxes.setdefault(image_id, [])
        box = corners_of(cells)
        is_again = image_id in negative or (target == "0" and bool(of_image))
        if target not in {"0", "1"}:
            problem = "unknown_label", f"expected Target 0 or 1, found '{target}'"
        elif is_again:
            detail = "expected one row of a negative image, found others of it"
            problem = "contradictory_rows", f"{detail}: {image_id}"
        elif target == "0" and not any(cells):
            negative.add(image_id)
            continue
        elif target == "1" and box is not None:
            of_image.append((where, box))
            continue
        else:
            expected = "a box" if target == "1" else "no box"
            problem = "malformed_box", f"expected {expected}, found {cells}"
        spoilt.add(image_id)
        gathering.reject(where, reason=problem[0], detail=problem[1])
    return boxes, spoilt


def divide_images(
    boxes: Boxes, *, split: Literal["mgca", "mgca-detection", "benchx"]
) -> dict[Split, list[str]]:
    """Divide the images as the published code does: sorted by id, in two calls.

    Args:
        boxes: The boxes of every image of the label file.
        split: Whose division it is.

    Raises:
        SourceError: If there are too few images.
    """
    ordered = sorted(boxes)
    if split == "benchx":
        classes = {image_id: int(bool(boxes[image_id])) for image_id in ordered}
        return divide_in_three(
            ordered, held_out=0.3, seed=42, classes=classes, tested_half="second"
        )
    is_detection = split == "mgca-detection"
    held_out = _NUM_HELD_OUT_FOR_DETECTION if is_detection else 0.3
    return divide_in_three(ordered, held_out=held_out, seed=0)


def _path(image_id: str) -> str:
    return f"{_FOLDER}/{image_id}.dcm"
