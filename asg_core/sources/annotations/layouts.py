"""Where the boxes that come with a corpus lie, and which files hold them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.config import CorpusKeys
from asg_core.sources.reading.files import (
    SourceError,
    listing,
    require_file,
    require_folder,
    require_header,
)
from asg_core.sources.reading.walk import (
    FileStat,
    files_below,
    name_below,
    path_stat,
)

_IMAGENOME_FOLDERS = (
    "",
    "chest-imagenome-dataset-1.0.0",
    "chest-imagenome",
    "chest-imagenome/1.0.0",
    "physionet.org/files/chest-imagenome/1.0.0",
)
_SCENE_GRAPHS = ("scene_graph/scene_graph", "scene_graph", "scene_graph.zip")
_SPLITS: Mapping[str, str] = {"train": "train", "valid": "validate", "test": "test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImaGenomeLayout:
    """The parts of Chest ImaGenome that are read."""

    scene_graphs: Path
    """The folder of the JSON files, or the zip that holds it."""

    splits: Mapping[str, Path]
    """The CSV file of each split, by the split's name in our tables."""

    avoid: Path
    """The CSV file of the images of the gold patients, which are not to be trained on."""


def annotation_files(
    config: AnnotationsConfig, *, corpus: CorpusKeys, root: Path
) -> Iterator[FileStat]:
    """Yield the files that `read_annotations` reads, as files of no patient.

    Raises:
        SourceError: If the annotations are not laid out as the configuration says.
    """
    match config.source:
        case "chest_imagenome":
            layout = find_imagenome(root)
            for path in (*layout.splits.values(), layout.avoid):
                yield path_stat(path, root=root)
            if layout.scene_graphs.is_file():
                yield path_stat(layout.scene_graphs, root=root)
            elif corpus.inventory == "files":
                name = name_below(root, layout.scene_graphs)
                yield from files_below(layout.scene_graphs, name=name)
        case "table":
            yield path_stat(find_box_table(config, root), root=root)


def find_imagenome(root: Path) -> ImaGenomeLayout:
    """Return where the parts of Chest ImaGenome are, under any of its usual folders.

    Raises:
        SourceError: If a part is missing or a split file lacks the column dicom_id.
    """
    key = "annotations.root"
    require_folder(root, holds="Chest ImaGenome", key=key)
    folders = [root / name / "silver_dataset" for name in _IMAGENOME_FOLDERS]
    silver = next((folder for folder in folders if folder.is_dir()), None)
    if silver is None:
        raise SourceError(
            f"{root}: expected Chest ImaGenome with its folder silver_dataset, found "
            f"{listing(root)}. Set {key} to the folder that holds silver_dataset."
        )
    candidates = [silver / name for name in _SCENE_GRAPHS]
    scene_graphs = next((path for path in candidates if path.exists()), None)
    if scene_graphs is None:
        raise SourceError(
            f"{silver}: expected scene_graph.zip or the folder scene_graph, found "
            f"{listing(silver)}. Complete the download of Chest ImaGenome."
        )
    splits = {
        ours: silver / "splits" / f"{theirs}.csv" for theirs, ours in _SPLITS.items()
    }
    avoid = silver / "splits" / "images_to_avoid.csv"
    for path in (*splits.values(), avoid):
        require_file(path, holds="the images of a split", key=key)
        require_header(path, expected=("dicom_id",), key=key)
    return ImaGenomeLayout(scene_graphs=scene_graphs, splits=splits, avoid=avoid)


def find_box_table(config: AnnotationsConfig, root: Path) -> Path:
    """Return the file of a table of boxes, after checking its header.

    Raises:
        SourceError: If the file or one of its columns is missing.
    """
    path = root / (config.table.file or "")
    require_file(path, holds="one box per row", key="annotations.table.file")
    require_header(path, expected=box_columns(config), key="annotations.table")
    return path


def box_columns(config: AnnotationsConfig) -> tuple[str, ...]:
    """Return the names of the columns of a table of boxes: ids, region, corners."""
    names = config.table
    return (names.image_id, names.region, names.x1, names.y1, names.x2, names.y2)
