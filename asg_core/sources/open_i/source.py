"""Open-i among the sources."""

from typing import TYPE_CHECKING

from asg_core.sources.open_i.config import OpenIConfig
from asg_core.sources.open_i.layout import find_open_i, open_i_files
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
