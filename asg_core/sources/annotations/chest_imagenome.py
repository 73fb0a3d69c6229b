"""The silver boxes of Chest ImaGenome: scene graphs and splits, as distributed."""

import json
import logging
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from asg_core.sources.annotations.boxes import GivenBox, as_corners
from asg_core.sources.annotations.collected import CollectedBoxes
from asg_core.sources.annotations.layouts import ImaGenomeLayout, find_imagenome
from asg_core.sources.reading.files import (
    open_zip,
    table_rows,
    without_system_files,
)
from asg_core.sources.reading.item_files import ItemFileError, read_item, read_member
from asg_core.terms.regions import REGIONS

logger = logging.getLogger(__name__)

ReadSceneGraph = Callable[[str], bytes | None]
"""Takes an image id and returns the content of its scene graph, None if there is none."""

_SUFFIX = "_SceneGraph.json"
_CORNERS = ("original_x1", "original_y1", "original_x2", "original_y2")
_REGIONS = frozenset(REGIONS)


class UnreadableSceneGraphError(ValueError):
    """A scene graph is not the JSON it should be."""


def read_chest_imagenome(root: Path, *, collected: CollectedBoxes) -> None:
    """Collect the boxes of the scene graphs; those of other regions are ignored.

    A box may be used for what the list of its image says; an image in no list is `test`.

    Raises:
        SourceError: If a part of Chest ImaGenome is missing.
    """
    layout = find_imagenome(root)
    splits = annotation_splits(layout)
    with open_scene_graphs(layout.scene_graphs) as read:
        for image_id in collected.images:
            split = splits.get(image_id)
            try:
                raw = read(image_id)
                parsed = None if raw is None else parse_scene_graph(raw)
            except UnreadableSceneGraphError as error:
                problem = ("unreadable_scene_graph", str(error))
                collected.rejects.add_problem(image_id, problem, where=image_id)
                continue
            if parsed is not None:
                boxes, num_other = parsed
                collected.num_ignored += num_other
                collected.add(image_id, boxes, split=split or "test")
            elif split is not None:  # lateral images are in no list and have no graph
                detail = "expected a scene graph, as the splits list the image"
                problem = ("missing_scene_graph", detail)
                collected.rejects.add_problem(image_id, problem, where=image_id)


@contextmanager
def open_scene_graphs(path: Path) -> Iterator[ReadSceneGraph]:
    """Open the folder or the zip of scene graphs and yield a function that reads one.

    The function raises `UnreadableSceneGraphError` for a file that is there but cannot
    be read, and `PassingFaultError` where another try may succeed.

    Raises:
        SourceError: If the zip is not a zip.
    """
    if path.is_dir():
        yield lambda image_id: _read_loose(path / f"{image_id}{_SUFFIX}")
        return
    with open_zip(path, holds="scene graphs") as archive:
        # Some releases nest the folder twice, so members are found by their file name.
        skipped: Counter[str] = Counter()
        members = {
            PurePosixPath(name).name: name
            for name in without_system_files(archive.namelist(), skipped=skipped)
        }
        if skipped:
            logger.info("%s: left out %s", path.name, dict(skipped))
        yield lambda image_id: _read_packed(
            archive, members.get(f"{image_id}{_SUFFIX}")
        )


def parse_scene_graph(raw: bytes) -> tuple[list[GivenBox], int]:
    """Return the boxes of the 29 regions in file order, and how many others there are.

    The corners are those of the original frame: the 224-pixel ones are of a letterbox.

    Raises:
        UnreadableSceneGraphError: If it is not JSON, or has no list of objects.
    """
    try:
        graph = json.loads(raw)
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are both
        raise UnreadableSceneGraphError(f"expected JSON, found: {error}") from error
    objects = graph.get("objects") if isinstance(graph, dict) else None
    if not isinstance(objects, list):
        raise UnreadableSceneGraphError("expected a list called objects, found none")
    named = [
        (entry.get("bbox_name"), entry) for entry in objects if isinstance(entry, dict)
    ]
    boxes = [
        GivenBox(
            region=name, corners=as_corners([entry.get(corner) for corner in _CORNERS])
        )
        for name, entry in named
        if isinstance(name, str) and name in _REGIONS
    ]
    return boxes, len(objects) - len(boxes)


def annotation_splits(layout: ImaGenomeLayout) -> Mapping[str, str]:
    """Return the split of every listed image; gold patients' images are `test`.

    Raises:
        SourceError: If a split file cannot be read.
    """
    splits: dict[str, str] = {}
    for split, path in layout.splits.items():
        splits.update(dict.fromkeys(_image_ids(path), split))
    # Last, so that an image which is also in a split file still never trains.
    splits.update(dict.fromkeys(_image_ids(layout.avoid), "test"))
    return splits


def _image_ids(path: Path) -> Iterator[str]:
    num_malformed = 0
    for row in table_rows(path, columns=["dicom_id"]):
        if row is None:
            num_malformed += 1
        else:
            yield row[0].strip()
    if num_malformed:
        logger.warning(
            "%s: %d rows have more or fewer cells than the header: which images they "
            "list is not known, and no box of an image that is not listed is trained on",
            path,
            num_malformed,
        )


def _read_loose(path: Path) -> bytes | None:
    try:
        return read_item(path)
    except ItemFileError as error:
        if error.is_missing:
            return None
        raise UnreadableSceneGraphError(f"expected JSON, {error}") from error


def _read_packed(archive: zipfile.ZipFile, member: str | None) -> bytes | None:
    if member is None:
        return None
    try:
        return read_member(archive, member)
    except ItemFileError as error:
        raise UnreadableSceneGraphError(f"expected JSON, {error}") from error
