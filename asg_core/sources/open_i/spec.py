"""The source `open_i`: its keys, how its files are found and listed, who reads them."""

from typing import TYPE_CHECKING

from asg_core.sources.open_i.source import (
    OpenIConfig,
    find_open_i,
    open_i_files,
)
from asg_core.sources.spec import SourceSpec

if TYPE_CHECKING:
    from asg_core.sources.shard import ShardReading


def _read(reading: "ShardReading") -> None:
    from asg_core.sources.open_i.read import read_open_i  # noqa: PLC0415

    read_open_i(reading)


OPEN_I = SourceSpec(
    name="open_i",
    section=OpenIConfig,
    check=find_open_i,
    files=open_i_files,
    read=_read,
)
