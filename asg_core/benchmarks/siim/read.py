"""SIIM-ACR Pneumothorax: one csv of run lengths, and DICOM files named by their ids."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from asg_core.benchmarks.gather import BenchmarkReading, Gathering, ImageEntry, Size
from asg_core.benchmarks.layout import Layout, with_folders_like
from asg_core.benchmarks.runs import Run, RunsError, parse_runs, unite_runs
from asg_core.benchmarks.siim.spec import TARGET, SiimConfig
from asg_core.benchmarks.splits import (
    PARTS,
    Places,
    divide_in_three,
    id_in_part,
    parts_of_ids,
)
from asg_core.sources.config import Split
from asg_core.sources.reading.files import (
    SourceError,
    is_system_file,
    require_columns,
    require_file,
    table_columns,
)

COLUMNS = ("ImageId", "EncodedPixels")
"""Without the blanks that some editions have around the names."""


_NO_MASK = "-1"
_RELEASED_SIZE: Size = (1024, 1024)  # of every released image


class SiimRow(NamedTuple):
    """One row of the csv."""

    where: str
    """File and row."""

    image_id: str
    text: str
    """Run lengths of a part of the image's mask, or -1: there is no mask."""


RowsOfParts = Mapping[Split, Sequence[SiimRow]]
"""The rows of one image, by the part that they are in."""


def find_siim(config: SiimConfig, root: Path) -> Layout:
    """Return the files of SIIM-ACR Pneumothorax.

    Raises:
        SourceError: If there is not one csv of run lengths, or a column is missing.
    """
    if config.labels is None:
        key, labels = "siim.root", _only_labels(root)
    else:
        key = "siim.labels"
        labels = require_file(root / config.labels, holds="run lengths", key=key)
    require_columns(labels, expected=COLUMNS, found=_columns(labels), key=key)
    return with_folders_like(
        root,
        files={"labels": labels},
        starts=("dicom-images", "stage_2_images"),
        missing=("dicom-images-train",),
    )


def read_siim(gathering: Gathering, config: SiimConfig) -> BenchmarkReading:
    """Read SIIM-ACR Pneumothorax; an image's mask is the union of its rows.

    The csv names images and no patients, so every image is a patient of its own. An image
    with a row that cannot be read is left out, because the rest of its mask is not the
    whole truth. In the split `mgca-rows` an image in two parts has in each the mask of
    the rows there. Without a look at the images they are taken to have 1024 x 1024 pixels.

    The reasons of its rejects are `malformed_row`, `malformed_runs`,
    `contradictory_rows`, `incomplete_labels`, `missing_image`, `unreadable_image`.

    Raises:
        SourceError: If the split cannot be drawn.
    """
    files = gathering.files()
    rows_of, divided = divide_rows(read_rows(gathering), config=config)
    places = parts_of_ids(divided)
    entries = [
        ImageEntry(
            image_id=image_id,
            patient_id=image_id,
            path=files.get(image_id, f"dicom-images-train/{image_id}.dcm"),
            labels={TARGET: float(has_mask)},
        )
        for image_id, rows in rows_of.items()
        if (has_mask := _has_mask(gathering, image_id=image_id, rows=rows)) is not None
    ]
    named = [files[image_id] for image_id in rows_of if image_id in files]
    sizes = gathering.sizes(entries, paths=files.values(), named=named)
    for entry in entries:
        if entry.image_id in sizes:
            _add(
                gathering,
                entry=entry,
                rows=rows_of[entry.image_id],
                places=places[entry.image_id],
                size=sizes[entry.image_id],
            )
    return BenchmarkReading(
        split=config.split, recipe=config.split, divided=divided, targets=(TARGET,)
    )


def read_rows(gathering: Gathering) -> list[SiimRow]:
    """Return the rows of the csv, in file order."""
    path = gathering.layout.files["labels"]
    return [
        SiimRow(where, image_id, text)
        for where, (image_id, text) in gathering.rows(path, columns=COLUMNS)
    ]


def divide_rows(
    rows: Sequence[SiimRow], *, config: SiimConfig
) -> tuple[dict[str, RowsOfParts], dict[Split, list[str]]]:
    """Return the rows of each image by part, and the images of each part.

    Both splits hold out 0.3 and halve it. `image` divides the sorted ids, so that all
    rows of an image are in one part; `mgca-rows` divides the rows in file order. An image
    stands in a part where the first of its rows there does.

    Raises:
        SourceError: If there are too few rows.
    """
    by_image = config.split == "image"
    keys = [row.image_id if by_image else row.where for row in rows]
    ordered = sorted(set(keys)) if by_image else keys
    keys_of = divide_in_three(ordered, held_out=0.3, seed=0)
    part_of = parts_of_ids(keys_of)
    divided: dict[str, dict[Split, list[SiimRow]]] = {}
    for key, row in zip(keys, rows, strict=True):
        (part,) = part_of[key]
        divided.setdefault(row.image_id, {}).setdefault(part, []).append(row)
    rows_of: dict[str, RowsOfParts] = {
        image_id: {part: of_part[part] for part in PARTS if part in of_part}
        for image_id, of_part in divided.items()
    }
    image_of = {key: row.image_id for key, row in zip(keys, rows, strict=True)}
    listed = {
        part: list(dict.fromkeys(image_of[key] for key in of_part))
        for part, of_part in keys_of.items()
    }
    return rows_of, listed


def _has_mask(gathering: Gathering, *, image_id: str, rows: RowsOfParts) -> bool | None:
    """Say whether an image has a mask; None, and a reject, if its rows do not say it."""
    if image_id in gathering.malformed:
        found = "one with a wrong number of cells"
        gathering.reject_incomplete(image_id, found=found)
        return None
    is_mask = {row.text != _NO_MASK for of_part in rows.values() for row in of_part}
    if len(is_mask) == 1:
        return is_mask.pop()
    detail = "expected run lengths or -1, found rows with either"
    gathering.reject(image_id, reason="contradictory_rows", detail=detail)
    return None


def _add(
    gathering: Gathering,
    *,
    entry: ImageEntry,
    rows: RowsOfParts,
    places: Places,
    size: Size | None,
) -> None:
    """Add an image and its masks, or reject it with the rows that cannot be read."""
    width, height = size or _RELEASED_SIZE
    runs_of: dict[Split, list[Run]] = {}
    num_broken = 0
    for part, of_part in rows.items():
        parsed = []
        for row in of_part:
            try:
                parsed.append(_runs(row, num_pixels=width * height))
            except RunsError as error:
                num_broken += 1
                gathering.reject(row.where, reason="malformed_runs", detail=str(error))
        runs_of[part] = unite_runs(parsed)
    if num_broken:
        found = f"{num_broken} that are rejected"
        gathering.reject_incomplete(entry.image_id, found=found)
        return
    gathering.add_image(entry, places=places, size=size)
    for part, runs in runs_of.items():
        image_id = id_in_part(entry.image_id, part=part, parts=list(places))
        gathering.add_mask(image_id, target=TARGET, runs=runs)


def _runs(row: SiimRow, *, num_pixels: int) -> list[Run]:
    if row.text == _NO_MASK:
        return []
    return parse_runs(row.text, num_pixels=num_pixels)


def _only_labels(root: Path) -> Path:
    """Return the csv of the root that holds run lengths and is not an example answer."""
    found = [
        path
        for path in sorted([*root.glob("*.csv"), *root.glob("*.csv.gz")])
        if "submission" not in path.name
        and not is_system_file(path.name)
        and set(_columns(path)) == set(COLUMNS)
    ]
    if len(found) == 1:
        return found[0]
    names = [path.name for path in found] or "none"
    raise SourceError(
        f"{root}: expected one csv with the columns {list(COLUMNS)}, found {names}. Set "
        "siim.root to the folder of the dataset as it was distributed, or name the csv in "
        "siim.labels."
    )


def _columns(path: Path) -> list[str]:
    return [column.strip() for column in table_columns(path)]
