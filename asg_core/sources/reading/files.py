"""Opening the files of a dataset, and the sentences said when they are not there."""

import gzip
import io
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from asg_core.sources.reading.item_files import raise_if_passing
from asg_core.tables.csv_records import CsvError, column_places, read_records

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

SYSTEM_FILE = "file of macOS"
"""What is said of files that `is_system_file` finds, where they are counted."""

_SAFE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


class SourceError(ValueError):
    """A dataset on disk is not what the configuration says it is."""


def require_folder(path: Path, *, holds: str, key: str) -> Path:
    """Return `path` if it is a folder.

    Args:
        path: The folder.
        holds: What it should hold, for the message.
        key: The configuration key that names it, for the message.

    Raises:
        SourceError: If there is no such folder.
    """
    if path.is_dir():
        return path
    raise SourceError(
        f"{path}: expected a folder with {holds}, found {_instead(path, 'a file')}. Set "
        f"{key} to the folder of the dataset as it was distributed."
    )


def require_file(path: Path, *, holds: str, key: str) -> Path:
    """Return `path` if it is a file; the arguments are those of `require_folder`.

    Raises:
        SourceError: If there is no such file.
    """
    if path.is_file():
        return path
    raise SourceError(
        f"{path}: expected a file with {holds}, found {_instead(path, 'a folder')}. Set "
        f"{key} to the right file, or put it there."
    )


def require_header(path: Path, *, expected: Iterable[str], key: str) -> None:
    """Raise unless a .csv, .csv.gz or .parquet file has each of the `expected` columns.

    Args:
        path: The file.
        expected: The names of the columns that are read.
        key: The configuration key that names the file or the columns, for the message.

    Raises:
        SourceError: If the file cannot be read, or a column is missing or there twice.
    """
    require_columns(path, expected=expected, found=table_columns(path), key=key)


def require_columns(
    path: Path, *, expected: Iterable[str], found: Sequence[str], key: str
) -> None:
    """Raise unless the header of the file `path` has each of the `expected` columns once.

    Raises:
        SourceError: Naming the file, and the missing columns and those that are there,
            or the one that is there twice.
    """
    names = list(dict.fromkeys(expected))
    missing = [name for name in names if name not in found]
    if missing:
        raise SourceError(
            f"{path}: expected the columns {missing}, found {list(found)}. Use the file "
            f"as it was distributed, or correct {key}."
        )
    places_of(names, header=found, path=path)


def places_of(
    columns: Sequence[str], *, header: Sequence[str], path: Path
) -> list[int]:
    """Return where each of `columns` stands in the header of the file `path`.

    Raises:
        SourceError: If one of them stands there twice.
    """
    try:
        return column_places(header, columns=columns, where=str(path))
    except CsvError as error:
        raise SourceError(str(error)) from error


def is_safe_id(value: str) -> bool:
    """Say whether `value` can be part of a path: a plain name, no slash, no dot first."""
    return _SAFE_ID.fullmatch(value) is not None


def table_columns(path: Path) -> list[str]:
    """Return the column names of a .csv, .csv.gz or .parquet file.

    Raises:
        SourceError: If the file has another suffix or cannot be read as what it says.
    """
    if path.suffix == ".parquet":
        with _open_parquet(path) as file:
            return list(file.schema_arrow.names)
    return next(iter(csv_rows(path)), [])


def table_rows(path: Path, *, columns: Sequence[str]) -> Iterator[list[str] | None]:
    """Yield the cells of `columns` of each row of a .csv, .csv.gz or .parquet file.

    Nulls are empty strings; other values are spelled as Python spells them. A CSV row
    with more or fewer cells than the header is None.

    Raises:
        SourceError: If the file is not what its suffix says, or has a column twice.
    """
    if path.suffix == ".parquet":
        yield from _parquet_rows(path, columns=columns)
        return
    rows = csv_rows(path)
    header = next(rows, [])
    places = places_of(columns, header=header, path=path)
    for row in rows:
        if row:  # a blank line is no row
            whole = len(row) == len(header)
            yield [row[place] for place in places] if whole else None


def csv_rows(path: Path) -> Iterator[list[str]]:
    """Yield the cells of each row of a .csv or .csv.gz file, the header first.

    Rows may differ in length; a blank line is an empty row.

    Raises:
        SourceError: If the file is not what its suffix says, or a quote swallows rows
            (`asg_core.tables.csv_records`).
        PassingFaultError: If the operating system cannot read it; another try may.
    """
    num_read = 0
    with _open_csv(path) as lines:
        rows = read_records(lines, where=str(path))
        while True:
            try:
                row = next(rows, None)
            except CsvError as error:
                raise SourceError(str(error)) from error
            except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
                raise_if_passing(error, where=str(path))
                raise SourceError(
                    f"{path}: expected CSV in UTF-8, found what cannot be read after row "
                    f"{num_read}: {error}. Replace the file."
                ) from error
            if row is None:
                return
            num_read += 1
            yield row


def is_system_file(name: str) -> bool:
    """Say whether a path leads to what macOS leaves in folders and archives.

    That is `__MACOSX` and files whose names begin with "._": they have the names of a
    data set's files, and hold none of its data.
    """
    parts = name.split("/")
    return "__MACOSX" in parts or any(part.startswith("._") for part in parts)


def sorted_entries(
    folder: Path, *, skipped: Counter[str] | None = None
) -> list[os.DirEntry[str]]:
    """Return what is in `folder`, sorted by name, without what macOS left there.

    Args:
        folder: The folder.
        skipped: Counts what is left out, as `SYSTEM_FILE`.

    Raises:
        PassingFaultError: If the operating system cannot read the folder.
    """
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        raise_if_passing(error, where=str(folder))
        raise
    kept = [entry for entry in entries if not is_system_file(entry.name)]
    if skipped is not None and len(kept) < len(entries):
        skipped[SYSTEM_FILE] += len(entries) - len(kept)
    return kept


def without_system_files(
    names: Iterable[str], *, skipped: Counter[str] | None = None
) -> Iterator[str]:
    """Yield the names of an archive's members, without what macOS left there.

    The arguments are those of `sorted_entries`.
    """
    for name in names:
        if not is_system_file(name):
            yield name
        elif skipped is not None:
            skipped[SYSTEM_FILE] += 1


def open_zip(path: Path, *, holds: str) -> zipfile.ZipFile:
    """Open a zip; `holds` says in a message what should be in it.

    Raises:
        SourceError: If the file is no zip.
    """
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise SourceError(
            f"{path}: expected a zip of {holds}, found a file that is not a zip: {error}. "
            "Download it again."
        ) from error


def listing(folder: Path) -> str:
    """Return the first names in `folder`, for a message."""
    if not folder.is_dir():
        return "no such folder"
    names = [entry.name for entry in sorted_entries(folder)]
    if not names:
        return "an empty folder"
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"


def _instead(path: Path, other: str) -> str:
    return other if path.exists() else "nothing of that name"


@contextmanager
def _open_csv(path: Path) -> Iterator[TextIO]:
    """Open a plain or gzipped CSV as text; a byte order mark is not part of it."""
    if not path.name.endswith((".csv", ".csv.gz")):
        raise SourceError(
            f"{path}: expected a name that ends in .csv, .csv.gz or .parquet. Rename or "
            "convert the table."
        )
    with path.open("rb") as raw:
        stream = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            yield text


def _parquet_rows(path: Path, *, columns: Sequence[str]) -> Iterator[list[str]]:
    with _open_parquet(path) as file:
        for batch in file.iter_batches(columns=list(columns)):
            values = [batch.column(name).to_pylist() for name in columns]
            for cells in zip(*values, strict=True):
                yield ["" if cell is None else str(cell) for cell in cells]


def _open_parquet(path: Path) -> AbstractContextManager["ParquetFile"]:
    # Here and not above: most sources have no Parquet and need not wait for pyarrow.
    from asg_core.tables.arrow import open_parquet  # noqa: PLC0415

    def damaged(said: str) -> SourceError:
        return SourceError(
            f"{path}: expected a Parquet file, found one that cannot be read as Parquet: "
            f"{said}. Replace the file."
        )

    return open_parquet(path, damaged=damaged)
