"""Files and folders that appear under their name only when they are complete."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it to `path` when the block ends.

    A reader sees the earlier file or the new one, always whole; a job that is killed
    leaves the earlier one. The parent folder is made where it is missing, and what the
    block leaves behind when it raises is removed.

    Args:
        path: The file or the folder to be written. A folder is exchanged as a whole, and
            for a moment, while the earlier one is moved away, there is none.

    Raises:
        FileNotFoundError: If the block wrote nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _remove(temporary)
    try:
        yield temporary
        if temporary.is_dir() and path.exists():
            earlier = path.with_name(f".{path.name}.{os.getpid()}.old")
            path.rename(earlier)
            temporary.rename(path)
            _remove(earlier)
        else:
            temporary.replace(path)
    finally:
        _remove(temporary)


def write_json(path: Path, content: object, *, indent: int = 1) -> None:
    """Write `content` as indented JSON with a last line end, in one step."""
    with replacing(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=indent) + "\n", encoding="utf-8"
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
