"""Table declarations, and the only readers and writers of the tables.

A table is a Parquet file that says in its metadata which table and which version it is.
Writing checks, sorts by key and renames into place; reading refuses anything else.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asg_core.files import replacing

METADATA_TABLE = "asg.table"
METADATA_VERSION = "asg.version"


class TableError(ValueError):
    """A file is not the table it should be, or rows do not fit their table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """One table: its name, its version, its key and its columns.

    Nulls are refused everywhere but in the columns named by `nullable`. `notes` says what
    the values of a column mean where the name does not, and what a null means.
    """

    name: str
    version: int
    key: tuple[str, ...]
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    nullable: frozenset[str] = field(default_factory=frozenset)
    notes: Mapping[str, str] = field(default_factory=dict)
    about: str

    def empty(self) -> pl.DataFrame:
        """Return the table without rows."""
        return pl.DataFrame(schema=dict(self.columns))

    def frame(self, rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
        """Return the table that holds `rows`, in the declared columns and types.

        Raises:
            TableError: If a row has a value that does not fit its column.
        """
        rows = list(rows)
        undeclared = {name for row in rows for name in row} - set(self.columns)
        if undeclared:
            raise TableError(
                f"Table '{self.name}': expected the columns {list(self.columns)}, "
                f"found {sorted(undeclared)}, which are not declared"
            )
        # By column: from rows, Polars turns a word outside an Enum into a null.
        values = {name: [row.get(name) for row in rows] for name in self.columns}
        try:
            return pl.DataFrame(values, schema=dict(self.columns), strict=True)
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise TableError(
                f"Table '{self.name}': a row does not fit the declared columns "
                f"{list(self.columns)}: {error}"
            ) from error

    def check(self, frame: pl.DataFrame, *, where: str) -> None:
        """Raise unless `frame` has exactly these columns and types, and a unique key.

        Raises:
            TableError: With the first thing that does not fit.
        """
        self._check_columns(frame, where=where)
        self._check_nulls(frame, where=where)
        duplicates = frame.select(self.key).is_duplicated()
        if duplicates.any():
            example = frame.filter(duplicates).select(self.key).row(0, named=True)
            raise TableError(
                f"{where}: expected one row per {list(self.key)} in '{self.name}', "
                f"found {duplicates.sum()} rows that share a key, such as {example}"
            )

    def _check_columns(self, frame: pl.DataFrame, *, where: str) -> None:
        expected = dict(pl.Schema(self.columns))
        found = dict(frame.schema)
        missing = [name for name in expected if name not in found]
        extra = [name for name in found if name not in expected]
        if missing or extra:
            raise TableError(
                f"{where}: expected the columns {list(expected)} of '{self.name}' "
                f"v{self.version}; missing {missing}, not declared {extra}"
            )
        for name, dtype in expected.items():
            if found[name] != dtype:
                raise TableError(
                    f"{where}: expected column '{name}' of '{self.name}' to be "
                    f"{dtype}, found {found[name]}"
                )

    def _check_nulls(self, frame: pl.DataFrame, *, where: str) -> None:
        for name in self.columns:
            if name not in self.nullable and frame[name].has_nulls():
                raise TableError(
                    f"{where}: expected no nulls in column '{name}' of '{self.name}', "
                    f"found {frame[name].null_count()}"
                )


def write_table(frame: pl.DataFrame, path: Path, *, schema: TableSchema) -> None:
    """Check `frame`, sort it by key and write it to `path` in one step.

    The file appears under its name only when it is complete. The same rows give the same
    bytes, whatever their order was.

    Raises:
        TableError: If the frame does not fit the declaration.
    """
    schema.check(frame, where=f"write_table({path.name})")
    ordered = frame.select(list(schema.columns)).sort(schema.key)
    metadata = {METADATA_TABLE: schema.name, METADATA_VERSION: str(schema.version)}
    with replacing(path) as temporary:
        ordered.write_parquet(temporary, compression="zstd", metadata=metadata)


def read_table(path: Path, *, schema: TableSchema) -> pl.DataFrame:
    """Read a table written by `write_table`, refusing another table or version.

    Raises:
        TableError: If the file is another table, another version, has other columns, is
            damaged, or is not Parquet at all.
        FileNotFoundError: If there is no such file.
    """
    check_stamp(path, schema=schema)
    with _damage_as_error(path, schema=schema):
        frame = pl.read_parquet(path)
    schema.check(frame, where=str(path))
    return frame


def read_tables(paths: Iterable[Path], *, schema: TableSchema) -> pl.DataFrame:
    """Read the shards of one table as one frame; no shards give the empty table."""
    return pl.concat(
        [schema.empty(), *(read_table(path, schema=schema) for path in paths)]
    )


def count_table_rows(path: Path, *, schema: TableSchema) -> int:
    """Return how many rows a table has, from its footer alone.

    Raises:
        TableError: If the file is another table or version, or is not Parquet at all.
        FileNotFoundError: If there is no such file.
    """
    check_stamp(path, schema=schema)
    with _damage_as_error(path, schema=schema):
        return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def check_stamp(path: Path, *, schema: TableSchema) -> None:
    """Raise unless the file's metadata says that it is this table in this version."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: expected the table '{schema.name}', found no file. Run the "
            "workflow; it makes the table."
        )
    with _damage_as_error(path, schema=schema):
        metadata = pl.read_parquet_metadata(path)
    name, version = metadata.get(METADATA_TABLE), metadata.get(METADATA_VERSION)
    if name is None:
        raise TableError(
            f"{path}: expected '{schema.name}' v{schema.version}, found Parquet that "
            "this project did not write. Point the configuration at the right file."
        )
    if (name, version) == (schema.name, str(schema.version)):
        return
    number = int(version) if version is not None and version.isdecimal() else 0
    is_newer = name == schema.name and number > schema.version
    advice = (
        "It was written by a newer release: upgrade asg-core, or use another folder."
        if is_newer
        else "Delete the file and run the workflow again."
    )
    raise TableError(
        f"{path}: expected '{schema.name}' v{schema.version}, found '{name}' "
        f"v{version}. {advice}"
    )


def damaged_table(path: Path, *, schema: TableSchema) -> TableError:
    """Return the error of a file that a reader of Parquet cannot make sense of."""
    return TableError(
        f"{path}: expected the Parquet table '{schema.name}', found a file that cannot be "
        "read as Parquet. Delete the file and run the workflow again."
    )


@contextmanager
def _damage_as_error(path: Path, *, schema: TableSchema) -> Iterator[None]:
    """Raise TableError for what Polars raises of a damaged file.

    The footer may be whole and the pages behind it not: then only reading them tells.
    Some bytes make Polars panic, which is no `Exception`.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise damaged_table(path, schema=schema) from error
