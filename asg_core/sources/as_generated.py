"""Which files of a synthetic corpus are not as they were generated.

The makers of a corpus write `manifest.json` last, with size and time of every file:
without it nothing is made, or not wholly, and nothing counts as changed.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from asg_core.sources.config import CorpusKeys
from asg_core.sources.mimic_cxr.source import files_of_tree
from asg_core.sources.reading.files import SourceError, sorted_entries
from asg_core.sources.reading.walk import (
    FileStat,
    Part,
    entry_stat,
    files_below,
    of_part,
)

MANIFEST = "manifest.json"
BENCHMARKS = "benchmarks"
"""Folder of the synthetic benchmarks below the root of a synthetic corpus."""

Stamp = tuple[int, int]
"""Size in bytes, and time of the last change in nanoseconds."""

_TREE = "files"
_ANNOTATIONS = "silver_dataset"
_PATIENT = re.compile(rf"{_TREE}/p\d+/p(\d+)/")
_INDEX = r"mimic-cxr-[\d.]+-(metadata|split)\.csv(\.gz)?"


def changed_source_files(
    *, config: CorpusKeys, root: Path, part: Part
) -> Iterator[FileStat]:
    """Yield the files that `read_source` reads and that were changed, added or removed.

    Scene graphs and benchmarks beside the corpus are not among them. Unlike a real
    dataset this is never refused: a part that is gone is a change too.

    Raises:
        SourceError: If the manifest cannot be read.
    """
    manifest = _read_manifest(root)
    if manifest is None:
        return
    suffixes = ("jpg", "txt") if config.images == "files" else ("txt",)
    patterns = [_INDEX]
    if config.inventory == "files":
        patterns.append(rf"{_TREE}/.*\.({'|'.join(suffixes)})")
    is_read = re.compile("|".join(patterns)).fullmatch

    index = (
        entry_stat(entry, base="", patient_id=None) for entry in sorted_entries(root)
    )
    tree: Iterable[FileStat] = ()
    if config.inventory == "files" and (root / _TREE).is_dir():
        suffix = ".jpg" if config.images == "files" else None
        tree = files_of_tree(root / _TREE, root=root, suffix=suffix, reports=True)
    present = (file for file in chain(index, tree) if is_read(file.name))
    made = (
        FileStat(None, name, size, mtime_ns)
        for name, (size, mtime_ns) in manifest.items()
        if is_read(name)
    )
    expected = {file.name: file[2:] for file in of_part(made, part=part)}
    yield from _differences(of_part(present, part=part), expected=expected)


def changed_annotations(root: Path) -> Iterator[FileStat]:
    """Yield the files of the scene graphs that were changed, added or removed.

    Raises:
        SourceError: If the manifest cannot be read.
    """
    return _changed_below(root, folder=_ANNOTATIONS)


def changed_benchmark(root: Path, *, benchmark: str) -> Iterator[FileStat]:
    """Yield the files of a synthetic benchmark that were changed, added or removed.

    Args:
        root: Folder of the synthetic corpus; benchmarks lie in `benchmarks/` below it.
        benchmark: Name of its folder there, such as "nih".

    Raises:
        SourceError: If the manifest cannot be read.
    """
    return _changed_below(root, folder=f"{BENCHMARKS}/{benchmark}")


def _changed_below(root: Path, *, folder: str) -> Iterator[FileStat]:
    manifest = _read_manifest(root)
    if manifest is None:
        return
    expected = {
        name: stamp for name, stamp in manifest.items() if name.startswith(f"{folder}/")
    }
    yield from _differences(files_below(root / folder, name=folder), expected=expected)


def _differences(
    present: Iterable[FileStat], *, expected: Mapping[str, Stamp]
) -> Iterator[FileStat]:
    """Yield what is there and not as expected, then what is expected and not there."""
    seen = set()
    for file in present:
        seen.add(file.name)
        if expected.get(file.name) != (file.size, file.mtime_ns):
            yield file
    for name in sorted(expected.keys() - seen):
        match = _PATIENT.match(name)
        yield FileStat(match[1] if match else None, name, -1, 0)


def _read_manifest(root: Path) -> dict[str, Stamp] | None:
    """Return the stamps by file name; None while the corpus is not (wholly) made."""
    path = root / MANIFEST
    if not path.is_file():
        return None
    try:
        return _parse_manifest(path.read_bytes())
    except (ValueError, TypeError, KeyError) as error:
        raise SourceError(
            f"{path}: expected the manifest of a synthetic corpus, found a file that "
            f"is none: {error!r}. Delete the folder {root}; the run makes it again."
        ) from error


def _parse_manifest(raw: bytes) -> dict[str, Stamp]:
    files = json.loads(raw)["files"]
    return {name: (int(size), int(time)) for name, (size, time) in files.items()}
