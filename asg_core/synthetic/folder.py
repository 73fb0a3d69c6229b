"""The folder of a synthetic world: claimed at the start, sealed by its manifest."""

import gzip
import io
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from asg_core.files import write_json
from asg_core.synthetic.config import SyntheticConfig

MANIFEST = "manifest.json"
"""Lists all files. It is written last: a folder without it is the rest of a stopped run."""

MARKER = ".synthetic_world"
"""Says that a folder is ours, and may be cleared."""

_FORMAT = 1


def claim_folder(root: Path) -> None:
    """Make `root` ours and empty but for our marker.

    Raises:
        ValueError: If it holds files that are not of an earlier call.
    """
    root.mkdir(parents=True, exist_ok=True)
    marker = root / MARKER
    found = sorted(path.name for path in root.iterdir())
    if found and not marker.exists():
        raise ValueError(
            f"{root}: expected a folder that is empty or that make_synthetic filled, "
            f"found other files in it, such as '{found[0]}'. Name another folder, or "
            "remove what is there."
        )
    marker.write_text("Files of the synthetic world: made by a run, safe to delete.\n")
    # First of all the manifest: from now on nothing here is complete.
    (root / MANIFEST).unlink(missing_ok=True)
    for name in found:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != marker:
            path.unlink(missing_ok=True)


def open_text(path: Path, *, stack: ExitStack) -> IO[str]:
    """Open a text file for writing; a name in .gz compresses, without a time stamp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".gz":
        return stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    raw = stack.enter_context(path.open("wb"))
    packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
    return stack.enter_context(io.TextIOWrapper(packed, encoding="utf-8", newline=""))


def write_manifest(root: Path, *, config: SyntheticConfig) -> None:
    """Write the list of all files, in one step: its presence says that all is there."""
    files = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != MARKER:
            status = path.stat()
            name = path.relative_to(root).as_posix()
            files[name] = [status.st_size, status.st_mtime_ns]
    content = {
        "format": _FORMAT,
        "config": config.model_dump(mode="json"),
        "files": files,
    }
    write_json(root / MANIFEST, content)
