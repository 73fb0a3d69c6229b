"""Digests that say which code made a file: what Snakemake itself does not see.

Snakemake follows a rule's script but not the package behind it, and by time stamps. Each
rule therefore passes `code_digest(script)` in its `params`: a changed function re-runs
the stages that can reach it, while a comment, a docstring or a touched file re-runs
nothing.
"""

import ast
import hashlib
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "asg_core"
ROOT = Path(__file__).parent.parent

_MIRRORS: tuple[str, ...] = (f"{PACKAGE}.tracking",)
"""Modules that only report about a job: no byte of a table can depend on them."""

_DATA_SUFFIXES = frozenset(
    {".tsv", ".csv", ".txt", ".json", ".yaml", ".html", ".css", ".js"}
)


def code_digest(script: Path) -> str:
    """Return a digest of all code and data of this package that `script` can reach.

    The digest covers the syntax trees (without docstrings, comments and layout) of the
    script and of the modules of `asg_core` in its static import closure, imports inside
    functions included. Two kinds of string literals count as references too: the dotted
    name of a module (a `torchrun` target), and the name of a data file or folder that lies
    beside the module (a lexicon, a vocabulary), whose bytes are covered as they are.

    Not seen: other packages, computed names, and what only mirrors a job (`_MIRRORS`).

    Raises:
        FileNotFoundError: If there is no such script.
    """
    digest = hashlib.sha256()
    for path in sorted(_closure(script), key=_label):
        digest.update(_label(path).encode())
        digest.update(_read(path, _stamp(path)).digest.encode())
    return digest.hexdigest()[:16]


def file_digest(path: Path) -> str:
    """Return the sha256 of the bytes of `path`, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def git_commit(root: Path = ROOT) -> str | None:
    """Return the commit of the checkout, with "-dirty" where files differ from it.

    None outside a checkout: an installed wheel has a version and no commit.
    """
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the installed versions of `packages` and of Python, sorted by name.

    Packages that are not installed are left out: a stage that needs no torch may run
    without it.
    """
    found = {"python": platform.python_version(), "platform": sys.platform}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def _closure(script: Path) -> set[Path]:
    """Return `script` and every file of the package that it can reach."""
    if not script.exists():
        raise FileNotFoundError(f"code_digest: expected a script at {script}")
    found: set[Path] = set()
    waiting = [script.resolve()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting.extend(_read(path, _stamp(path)).references)
    return found


@dataclass(frozen=True, slots=True)
class _File:
    """What one reading of a module or of a data file tells."""

    digest: str
    references: tuple[Path, ...] = ()
    """The files that a module names: imported modules and data files."""


@cache
def _read(path: Path, _stamp: tuple[int, int]) -> _File:
    """Parse a module once: every start of the workflow reads the whole package."""
    if path.suffix != ".py":
        return _File(file_digest(path))
    tree = ast.parse(path.read_bytes(), filename=str(path))
    found: set[Path] = set()
    for node in ast.walk(tree):
        _strip_docstring(node)
        for name in _imported_names(node):
            found.update(_module_files(name))
        if literal := _name_in(node):
            found.update(_module_files(literal) if "." in literal else ())
            found.update(_data_files(path.parent, literal))
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return _File(digest, references=tuple(sorted(found)))


def _data_files(folder: Path, literal: str) -> list[Path]:
    """Return the data file that `literal` names in `folder`, or those of a data folder."""
    named = folder / literal
    if literal.startswith((".", "/")) or "\n" in literal:
        return []
    if named.suffix in _DATA_SUFFIXES:
        return [named.resolve()] if named.is_file() else []
    if not named.is_dir() or (named / "__init__.py").exists():
        return []
    files = named.resolve().rglob("*")
    return [path for path in files if path.suffix in _DATA_SUFFIXES]


def _imported_names(node: ast.AST) -> list[str]:
    """Return the dotted names that an import statement names, members included."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        members = [f"{node.module}.{alias.name}" for alias in node.names]
        return [node.module, *members]
    return []


def _name_in(node: ast.AST) -> str:
    """Return a string literal that may be a name, which has no blanks; else ""."""
    value = node.value if isinstance(node, ast.Constant) else ""
    if not isinstance(value, str) or len(value) >= 200 or " " in value:
        return ""
    return value


def _module_files(name: str) -> list[Path]:
    """Return the file of a module of this package; nothing for any other name."""
    if name.partition(".")[0] != PACKAGE or name.startswith(_MIRRORS):
        return []
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return []
    module = ROOT.joinpath(*parts).with_suffix(".py")
    package = ROOT.joinpath(*parts, "__main__.py")
    return [path.resolve() for path in (module, package) if path.is_file()]


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _strip_docstring(node: ast.AST) -> None:
    """Remove the strings that only document: of modules, functions, classes, fields."""
    if not isinstance(node, _DOCUMENTED):
        return
    node.body = [
        statement
        for statement in node.body
        if not (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
    ]


def _label(path: Path) -> str:
    """Return the path relative to the checkout, so that its place does not matter."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
