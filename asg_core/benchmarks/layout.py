"""Where the label files and the images of a benchmark lie under its root.

Imports the standard library only, because benchmarks are looked for while the job graph
is built.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from asg_core.sources.reading.files import (
    SourceError,
    require_columns,
    sorted_entries,
    table_columns,
    without_system_files,
)
from asg_core.sources.reading.item_files import raise_if_passing, stat_or_none

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

    folder: str = ""
    """The folder, relative to the root, of a dataset that lies one level down."""


def with_folders(
    root: Path, *, files: Mapping[str, Path], folders: Iterable[str], below: str = ""
) -> Layout:
    """Return a layout whose image folders have fixed names, in the folder `below`."""
    names = [f"{below}/{name}".lstrip("/") for name in sorted(folders)]
    return Layout(
        files=files,
        image_folders=tuple(name for name in names if (root / name).is_dir()),
        missing_folders=tuple(name for name in names if not (root / name).is_dir()),
        folder=below,
    )


def with_folders_like(
    root: Path,
    *,
    files: Mapping[str, Path],
    starts: tuple[str, ...],
    missing: tuple[str, ...],
) -> Layout:
    """Return a layout whose image folders are those with names that begin as told.

    Args:
        root: Folder of the benchmark.
        files: Label files and lists.
        starts: Beginnings of the names of the image folders.
        missing: What is said to be missing when there is no such folder.
    """
    folders = tuple(
        entry.name
        for entry in sorted_entries(root)
        if entry.is_dir() and entry.name.startswith(starts)
    )
    return Layout(
        files=files,
        image_folders=folders,
        missing_folders=() if folders else missing,
    )


def label_file(
    folder: Path, pattern: str, *, holds: str, columns: Sequence[str], key: str
) -> Path:
    """Return the one csv of a name, plain or gzipped, after a look at its header.

    Args:
        folder: Where it lies.
        pattern: Its name without .gz, which may hold wildcards.
        holds: What it holds, for messages.
        columns: Columns that it must have.
        key: The configuration key of the root, for messages.

    Raises:
        SourceError: If there is no such file, or more than one, or a column is missing.
    """
    found = sorted([*folder.glob(pattern), *folder.glob(f"{pattern}.gz")])
    if len(found) != 1:
        names = [path.name for path in found] or "nothing of that name"
        raise SourceError(
            f"{folder}: expected one file {pattern} (or .gz) with {holds}, found {names}. "
            f"Set {key} to the folder of the dataset as it was distributed, and keep one "
            "edition there."
        )
    (path,) = found
    require_columns(path, expected=columns, found=table_columns(path), key=key)
    return path


def image_files(
    layout: Layout, *, root: Path, skipped: Counter[str] | None = None
) -> Iterator[tuple[str, Path]]:
    """Yield the relative name and the path of each image file of a benchmark.

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


def digest_files(layout: Layout, *, root: Path, has_images: bool) -> str:
    """Return a digest of the names, sizes and times of the files of a benchmark.

    Without `has_images` the label files and lists count alone.
    """
    digest = blake2b(digest_size=16)
    files = sorted(layout.files.items())
    if has_images:
        files += image_files(layout, root=root)
    for file, path in files:
        about = stat_or_none(path)
        # A link that leads nowhere has no size and no time.
        size, time = (about.st_size, about.st_mtime_ns) if about else (-1, 0)
        digest.update(f"{file}\0{size}\0{time}\n".encode())
    return digest.hexdigest()


def _raise_if_passing(error: OSError) -> None:
    # Without this a folder that cannot be read for a moment would count as empty.
    raise_if_passing(error, where=str(error.filename))
