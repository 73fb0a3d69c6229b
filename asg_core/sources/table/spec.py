"""The source `table`: its keys, how its files are found and listed, who reads them."""

from typing import TYPE_CHECKING

from asg_core.sources.spec import SourceSpec
from asg_core.sources.table.source import (
    TableSourceConfig,
    find_table,
    table_files,
)

if TYPE_CHECKING:
    from asg_core.sources.shard import ShardReading


def _read(reading: "ShardReading") -> None:
    from asg_core.sources.table.read import read_table_source  # noqa: PLC0415

    read_table_source(reading)


TABLE = SourceSpec(
    name="table",
    section=TableSourceConfig,
    check=find_table,
    files=table_files,
    read=_read,
)
