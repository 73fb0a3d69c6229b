"""Opening Parquet with Arrow, whose errors about a damaged file are of many kinds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import ParquetFile


@contextmanager
def open_parquet(
    path: Path, *, damaged: Callable[[str], ValueError]
) -> Iterator[ParquetFile]:
    """Open a Parquet file; errors that its content makes Arrow raise become `damaged`.

    They come while it is opened, while rows are read and while values become Python's,
    so all of that belongs into the block. What the operating system says of a file stays
    an OSError: it has a number, and those of Arrow about content have none.

    Args:
        path: The file.
        damaged: Returns the error to be raised, from what Arrow said in one line.
    """
    try:
        with ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = " ".join(str(error).split()).rstrip(".")
        raise damaged(said) from error
