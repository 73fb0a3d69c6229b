"""Where the table of a table source lies, and which image files it names.

Imports the standard library and pydantic only, because sources are checked and listed while
the workflow builds its job graph.
"""

from collections.abc import Iterator
from pathlib import Path

from asg_core.sources.config import CorpusKeys
from asg_core.sources.reading.files import (
    require_file,
    require_folder,
    require_header,
)
from asg_core.sources.reading.walk import FileStat, path_stat
from asg_core.sources.table.config import TableSourceConfig
from asg_core.sources.table.rows import read_table_rows


def find_table(config: CorpusKeys, root: Path) -> Path:
    """Return the file of a table source, after checking its header.

    Raises:
        SourceError: If the file is missing or lacks a column that the configuration
            names.
    """
    keys = config.of(TableSourceConfig)
    require_folder(root, holds="the table and its images", key="corpus.root")
    path = root / (keys.file or "")
    require_file(path, holds="one image or report per row", key="corpus.table.file")
    expected = [name for name in keys.columns.model_dump().values() if name]
    require_header(path, expected=expected, key="corpus.table.columns")
    return path


def table_files(config: CorpusKeys, root: Path) -> Iterator[FileStat]:
    """Yield the table and the images that it names; of an `index` inventory the table.

    Raises:
        SourceError: If the table is missing or cannot be read.
    """
    file = find_table(config, root)
    yield path_stat(file, root=root)
    if config.inventory == "index" or not config.has_images:
        return
    columns = config.of(TableSourceConfig).columns
    for row in read_table_rows(file, columns=columns, root=root):
        if row.path and row.problem is None:
            yield path_stat(root / row.path, root=root, patient_id=row.patient_id)
