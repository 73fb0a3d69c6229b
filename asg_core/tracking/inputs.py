"""What a job read: names, paths and digests of its inputs."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from asg_core.provenance import file_digest

logger = logging.getLogger(__name__)

_MEGABYTE = 1_000_000


class NamedItems(Protocol):
    """Snakemake's named lists: input, output, params, wildcards."""

    def items(self) -> Iterable[tuple[str, Any]]:
        """Yield the named entries; several files under one name are a list."""

    def __iter__(self) -> Iterator[Any]: ...


def describe_inputs(inputs: NamedItems, *, limit_mb: float) -> list[dict[str, str]]:
    """Return name, source and digest of each input; files under one name are one.

    An input that cannot be read is left out, with a warning: the job itself will say
    what is wrong with it.
    """
    named = {name: _as_paths(value) for name, value in inputs.items()}
    known = {path for paths in named.values() for path in paths}
    unnamed = [Path(str(value)) for value in inputs]
    named |= {path.name: [path] for path in unnamed if path not in known}
    described = []
    for name, paths in named.items():
        try:
            digest = _combined([input_digest(p, limit_mb=limit_mb) for p in paths])
        except OSError as error:
            logger.warning("input %s has no digest: %s", name, error)
            continue
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        source = f"{paths[0]}{more}" if paths else ""
        described.append({"name": name, "source": source, "digest": digest})
    return described


def input_digest(path: Path, *, limit_mb: float) -> str:
    """Return the sha256 of a file's bytes, or of its size and time above the limit.

    A folder has the digest of the names, sizes and times of its files.

    Raises:
        OSError: If the input is missing or cannot be read.
    """
    size = path.stat().st_size  # raises when there is nothing of this name
    if path.is_file() and size <= limit_mb * _MEGABYTE:
        return file_digest(path)
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    stats = [(str(file), file.stat()) for file in files if file.is_file()]
    stamps = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return f"stat:{_text_digest(json.dumps(stamps))}"


def _combined(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else _text_digest(json.dumps(digests))


def _as_paths(value: str | Path | Iterable[str]) -> list[Path]:
    return [Path(f) for f in ([value] if isinstance(value, str | Path) else value)]


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
