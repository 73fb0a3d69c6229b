"""Faults of a machine, for tests: files and folders that fail as a system lets them fail."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

P = ParamSpec("P")
R = TypeVar("R")


def break_calls(monkeypatch: pytest.MonkeyPatch, *, name: str, number: int) -> None:
    """Let opening a file, or listing a folder, of this name fail with an errno."""

    def breaking(call: Callable[P, R]) -> Callable[P, R]:
        def broken(*args: P.args, **options: P.kwargs) -> R:
            path = args[0] if args else "."
            if isinstance(path, str | os.PathLike) and Path(path).name == name:
                raise OSError(number, os.strerror(number), os.fspath(path))
            return call(*args, **options)

        return broken

    monkeypatch.setattr(io, "open", breaking(io.open))
    monkeypatch.setattr(os, "scandir", breaking(os.scandir))


def unreadable_file() -> Path:
    """Return a file that may be opened and whose first byte nobody can read."""
    path = Path("/proc/self/mem")
    if not path.exists():
        pytest.skip("needs a system with /proc/self/mem, whose first read is an EIO")
    return path
