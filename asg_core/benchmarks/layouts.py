"""Where the label files and the images of each benchmark lie under its root.

Imports the standard library and pydantic only, because benchmarks are checked while the
job graph is built.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asg_core.benchmarks.config import (
    BenchmarkName,
    BenchmarksConfig,
    ChexpertConfig,
    CovidxConfig,
    NihConfig,
    RsnaConfig,
    SiimConfig,
)
from asg_core.sources.reading.files import (
    SourceError,
    is_system_file,
    require_columns,
    require_file,
    require_folder,
    sorted_entries,
    table_columns,
    without_system_files,
)
from asg_core.sources.reading.item_files import raise_if_passing

NIH_COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "View Position")
NIH_BOX_COLUMNS = ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]")
"""The brackets of the header hold commas, so a csv reader sees four columns of a box."""

CHEXPERT_LABELS = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
CHEXPERT_COLUMNS = ("Path", "Frontal/Lateral", "AP/PA", *CHEXPERT_LABELS)
RSNA_COLUMNS = ("patientId", "x", "y", "width", "height", "Target")
SIIM_COLUMNS = ("ImageId", "EncodedPixels")
"""Without the blanks that some editions have around the names."""

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files of one benchmark."""

    files: Mapping[str, Path]
    """Label files and lists, by what the reader calls them."""

    image_folders: tuple[str, ...]
    """Those that are there, relative to the root, with forward slashes; sorted."""

    missing_folders: tuple[str, ...]
    """Image folders that should be there and are not."""

    key: str
    """The configuration key of the root, for messages."""

    folder: str = ""
    """Of a dataset that lies one level down: the folder, relative to the root."""


def find_benchmark(
    name: BenchmarkName,
    *,
    config: BenchmarksConfig,
    root: Path,
    require_images: bool = True,
) -> Layout:
    """Return where the files of a benchmark lie; reads headers only.

    Args:
        name: The benchmark.
        config: The benchmarks; the roots in it are not read, `root` is.
        root: Folder of the benchmark.
        require_images: False allows that there is no folder of images.

    Raises:
        SourceError: If a folder, a file or a column is missing.
    """
    require_folder(root, holds=f"the benchmark {name}", key=f"{name}.root")
    match name:
        case "nih":
            layout = find_nih(config=config.nih, root=root)
        case "chexpert":
            layout = find_chexpert(config=config.chexpert, root=root)
        case "rsna":
            layout = find_rsna(config=config.rsna, root=root)
        case "covidx":
            layout = find_covidx(config=config.covidx, root=root)
        case "siim":
            layout = find_siim(config=config.siim, root=root)
    if require_images and layout.missing_folders:
        raise SourceError(
            f"{root}: expected the image folders {list(layout.missing_folders)}, found "
            f"none of them. Set {layout.key} to the folder of the dataset as it was "
            "distributed."
        )
    return layout


def find_nih(*, config: NihConfig, root: Path) -> Layout:
    """Return the files of ChestX-ray14; `find_benchmark` says what is raised."""
    key = "nih.root"
    entries = _only_file(root, "Data_Entry_2017*.csv", holds="the labels", key=key)
    require_columns(
        entries, expected=NIH_COLUMNS, found=table_columns(entries), key=key
    )
    files = {"entries": entries, "boxes": _nih_boxes(root, key=key)}
    if config.split == "lists":
        named = (config.train_list, config.validate_list, config.test_list)
        for part, path in zip(("train", "validate", "test"), named, strict=True):
            files[part] = require_file(
                root / (path or ""), holds="names of images", key=f"nih.{part}_list"
            )
    else:
        for part, name in (("train", "train_val_list.txt"), ("test", "test_list.txt")):
            files[part] = require_file(root / name, holds="names of images", key=key)
    folders = _folders_like(root, "images")
    return Layout(
        files=files,
        image_folders=folders,
        missing_folders=() if folders else ("images_001", "images_002", "..."),
        key=key,
    )


def find_chexpert(*, config: ChexpertConfig, root: Path) -> Layout:
    """Return the files of CheXpert; `find_benchmark` says what is raised."""
    key = "chexpert.root"
    folder = _chexpert_folder(root)
    files = {}
    for part in ("train", "valid"):
        path = _only_file(folder, f"{part}.csv", holds="the labels", key=key)
        require_columns(
            path, expected=CHEXPERT_COLUMNS, found=table_columns(path), key=key
        )
        files[part] = path
    below = "" if folder == root else folder.name
    return _layout(root, files=files, folders=files, key=key, below=below)


def find_rsna(*, config: RsnaConfig, root: Path) -> Layout:
    """Return the files of RSNA Pneumonia; `find_benchmark` says what is raised."""
    key = "rsna.root"
    labels = _only_file(
        root, "stage_2_train_labels.csv", holds="the labels and boxes", key=key
    )
    require_columns(labels, expected=RSNA_COLUMNS, found=table_columns(labels), key=key)
    folders = ("stage_2_train_images",)
    return _layout(root, files={"labels": labels}, folders=folders, key=key)


def find_covidx(*, config: CovidxConfig, root: Path) -> Layout:
    """Return the files of COVIDx; `find_benchmark` says what is raised."""
    key = "covidx.root"
    parts = ("test", "train", "val") if config.split == "lists" else ("test", "train")
    files = {
        part: require_file(root / f"{part}.txt", holds="names and classes", key=key)
        for part in parts
    }
    return _layout(root, files=files, folders=parts, key=key)


def find_siim(*, config: SiimConfig, root: Path) -> Layout:
    """Return the files of SIIM-ACR Pneumothorax; `find_benchmark` says what is raised."""
    if config.labels is None:
        key, labels = "siim.root", _siim_labels(root)
    else:
        key = "siim.labels"
        labels = require_file(root / config.labels, holds="run lengths", key=key)
    columns = [column.strip() for column in table_columns(labels)]
    require_columns(labels, expected=SIIM_COLUMNS, found=columns, key=key)
    folders = _folders_like(root, ("dicom-images", "stage_2_images"))
    return Layout(
        files={"labels": labels},
        image_folders=folders,
        missing_folders=() if folders else ("dicom-images-train",),
        key="siim.root",
    )


def image_files(
    layout: Layout, *, root: Path, skipped: Counter[str] | None = None
) -> Iterator[tuple[str, Path]]:
    """Yield the image files of a benchmark: relative name, and path.

    Names have forward slashes; the order is the same on every file system. Links to
    folders are followed. What macOS left is counted in `skipped`.

    Raises:
        PassingFaultError: If the operating system cannot read a folder.
    """
    for folder in layout.image_folders:
        for where, folders, names in os.walk(
            root / folder, followlinks=True, onerror=_raise_if_passing
        ):
            folders[:] = sorted(without_system_files(folders, skipped=skipped))
            for name in sorted(without_system_files(names, skipped=skipped)):
                if name.lower().endswith(_IMAGE_SUFFIXES):
                    path = Path(where, name)
                    yield path.relative_to(root).as_posix(), path


def _raise_if_passing(error: OSError) -> None:
    # Without this a folder that cannot be read for a moment would count as empty.
    raise_if_passing(error, where=str(error.filename))


def _only_file(folder: Path, pattern: str, *, holds: str, key: str) -> Path:
    """Return the one file of a name, plain or gzipped."""
    found = sorted([*folder.glob(pattern), *folder.glob(f"{pattern}.gz")])
    if len(found) == 1:
        return found[0]
    names = [path.name for path in found] or "nothing of that name"
    raise SourceError(
        f"{folder}: expected one file {pattern} (or .gz) with {holds}, found {names}. Set "
        f"{key} to the folder of the dataset as it was distributed, and keep one edition "
        "there."
    )


def _nih_boxes(root: Path, *, key: str) -> Path:
    path = _only_file(root, "BBox_List_2017.csv", holds="the boxes", key=key)
    found = table_columns(path)
    require_columns(path, expected=NIH_BOX_COLUMNS, found=found, key=key)
    return path


def _chexpert_folder(root: Path) -> Path:
    """Return the folder with train.csv: the root, or the only such folder in it."""
    if _has_train(root):
        return root
    below = [Path(entry.path) for entry in sorted_entries(root) if entry.is_dir()]
    found = [folder for folder in below if _has_train(folder)]
    if len(found) == 1:
        return found[0]
    names = [folder.name for folder in found] or "none"
    raise SourceError(
        f"{root}: expected train.csv here or in one folder below, such as "
        f"CheXpert-v1.0-small, found it in {names}. Set chexpert.root to the folder of "
        "one edition."
    )


def _has_train(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("train.csv", "train.csv.gz"))


def _layout(
    root: Path,
    *,
    files: Mapping[str, Path],
    folders: Iterable[str],
    key: str,
    below: str = "",
) -> Layout:
    """Return a layout whose image folders have fixed names, in the folder `below`."""
    names = [f"{below}/{name}".lstrip("/") for name in sorted(folders)]
    return Layout(
        files=files,
        image_folders=tuple(name for name in names if (root / name).is_dir()),
        missing_folders=tuple(name for name in names if not (root / name).is_dir()),
        key=key,
        folder=below,
    )


def _folders_like(root: Path, starts: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        entry.name
        for entry in sorted_entries(root)
        if entry.is_dir() and entry.name.startswith(starts)
    )


def _siim_labels(root: Path) -> Path:
    """Return the csv of the root that holds run lengths and is not an example answer."""
    found = [
        path
        for path in sorted([*root.glob("*.csv"), *root.glob("*.csv.gz")])
        if "submission" not in path.name
        and not is_system_file(path.name)
        and {column.strip() for column in table_columns(path)} == set(SIIM_COLUMNS)
    ]
    if len(found) == 1:
        return found[0]
    names = [path.name for path in found] or "none"
    raise SourceError(
        f"{root}: expected one csv with the columns {list(SIIM_COLUMNS)}, found {names}. "
        "Set siim.root to the folder of the dataset as it was distributed, or name the "
        "csv in siim.labels."
    )
