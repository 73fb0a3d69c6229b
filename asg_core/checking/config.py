"""Configuration of the check of triplets by a person."""

from pathlib import Path

from pydantic import Field

from asg_core.settings import Settings


class TripletCheckConfig(Settings):
    """How the target `check_triplets` draws a sheet to be marked, or scores a marked one."""

    num_reports: int = Field(default=40, ge=1, le=2000)
    """How many reports the sheet has; all, where the corpus has fewer. Forty short
    reports are about 600 rows."""

    seed: int = Field(default=0, ge=0)
    """Which reports are drawn; another seed is another sample of the same corpus."""

    filled: Path | None = None
    """The marked sheet (XLSX or CSV), to be scored; nothing is drawn then. Null: draw one."""

    max_unjudged_share: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of the rows to be marked that may be without a mark before scoring stops. The
    default scores a sheet of which a part is done."""
