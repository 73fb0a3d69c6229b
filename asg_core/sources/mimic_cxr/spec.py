"""The source `mimic_cxr`: its keys, how its files are found and listed, who reads them."""

from typing import TYPE_CHECKING

from asg_core.sources.mimic_cxr.source import (
    MimicCxrConfig,
    check_mimic_cxr,
    mimic_cxr_files,
)
from asg_core.sources.spec import SourceSpec

if TYPE_CHECKING:
    from asg_core.sources.shard import ShardReading


def _read(reading: "ShardReading") -> None:
    from asg_core.sources.mimic_cxr.read import read_mimic_cxr  # noqa: PLC0415

    read_mimic_cxr(reading)


MIMIC_CXR = SourceSpec(
    name="mimic_cxr",
    section=MimicCxrConfig,
    check=check_mimic_cxr,
    files=mimic_cxr_files,
    read=_read,
)
