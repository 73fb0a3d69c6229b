"""RSNA Pneumonia: one csv of boxes, and DICOM files that are named by their ids."""

from asg_core.benchmarks.config import RsnaConfig
from asg_core.benchmarks.form import BenchmarkTables
from asg_core.benchmarks.gather import (
    Corners,
    Entry,
    Gathering,
    corners_of,
)
from asg_core.benchmarks.layouts import RSNA_COLUMNS
from asg_core.benchmarks.splits import divide_in_three, parts_of_ids
from asg_core.sources.config import Split

TARGET = "Pneumonia"

_FOLDER = "stage_2_train_images"
_NUM_HELD_OUT_FOR_DETECTION = 10_674  # of the released 26,684 images

Boxes = dict[str, list[tuple[str, Corners]]]
"""File and row, and corners, of the boxes of each image; a negative image has none."""


def read_rsna(gathering: Gathering, *, config: RsnaConfig) -> BenchmarkTables:
    """Read RSNA Pneumonia; the masks are the filled boxes.

    A `patientId` of this benchmark names an image, so every image is a patient of its
    own: who the patients are the files do not say. An image with a row that cannot be
    read is left out, because the rest of its boxes is not the whole truth.

    Rejects: `malformed_row`, `malformed_box`, `unknown_label`, `contradictory_rows`,
    `incomplete_labels`, `missing_image`, `unreadable_image`, `box_outside_image`.

    Args:
        gathering: The empty gathering of this benchmark.
        config: The split.

    Raises:
        SourceError: If the split cannot be drawn, or if a part has no image.
    """
    boxes, spoilt = read_boxes(gathering)
    spoilt |= gathering.malformed & boxes.keys()
    divided = divide_images(boxes, config=config)
    places = parts_of_ids(divided)
    for image_id in sorted(spoilt):
        detail = "expected usable rows only, found one that is rejected"
        gathering.reject(image_id, reason="incomplete_labels", detail=detail)
    entries = [
        Entry(
            image_id=image_id,
            patient_id=image_id,
            path=f"{_FOLDER}/{image_id}.dcm",
            labels={TARGET: float(bool(boxes[image_id]))},
        )
        for image_id in boxes
        if image_id not in spoilt
    ]
    sizes = gathering.sizes(
        entries,
        paths=gathering.paths(),
        named=[f"{_FOLDER}/{image_id}.dcm" for image_id in boxes],
    )
    for entry in entries:
        if entry.image_id not in sizes:
            continue
        size = sizes[entry.image_id]
        gathering.add_image(entry, places=places[entry.image_id], size=size)
        for where, box in boxes[entry.image_id]:
            gathering.add_box(
                entry.image_id, target=TARGET, box=box, size=size, where=where
            )
    return gathering.finish(
        split=config.split,
        recipe=config.split,
        divided=divided,
        targets=(TARGET,),
        segmentation_target=TARGET,
    )


def read_boxes(gathering: Gathering) -> tuple[Boxes, set[str]]:
    """Return the boxes of every image, and the images of which a row is rejected."""
    boxes: Boxes = {}
    negative: set[str] = set()
    spoilt: set[str] = set()
    path = gathering.layout.files["labels"]
    for where, (image_id, *cells, target) in gathering.rows(path, columns=RSNA_COLUMNS):
        of_image = boxes.setdefault(image_id, [])
        box = corners_of(cells)
        is_again = bool(of_image) if target == "0" else image_id in negative
        if target not in {"0", "1"}:
            problem = "unknown_label", f"expected Target 0 or 1, found '{target}'"
        elif is_again or (target == "0" and image_id in negative):
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


def divide_images(boxes: Boxes, *, config: RsnaConfig) -> dict[Split, list[str]]:
    """Divide the images as the published code does: sorted by id, in two calls.

    Args:
        boxes: The boxes of every image of the label file.
        config: The split.

    Raises:
        SourceError: If there are too few images.
    """
    ordered = sorted(boxes)
    if config.split == "benchx":
        classes = {image_id: int(bool(boxes[image_id])) for image_id in ordered}
        return divide_in_three(
            ordered, held_out=0.3, seed=42, classes=classes, tested_half="second"
        )
    is_detection = config.split == "mgca-detection"
    held_out = _NUM_HELD_OUT_FOR_DETECTION if is_detection else 0.3
    return divide_in_three(ordered, held_out=held_out, seed=0)
