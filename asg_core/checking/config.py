"""Configuration of the check of triplets by a person."""

from pathlib import Path

from pydantic import Field, model_validator

from asg_core.reports.config import ParserName
from asg_core.settings import RejectShare, Settings


class SecondOpinionConfig(Settings):
    """Which other triplets of the same reports are compared with those of the run."""

    parser: ParserName | None = None
    """A parser that reads the reports a second time, with the keys of `reports`; another
    one than `reports.parser`. Null: none."""

    triplets: Path | None = None
    """Triplets of the same reports that were made elsewhere: a Parquet file of the table
    `triplets`, or a folder of such files. Null: none."""

    max_unread_share: RejectShare = 1.0
    """Share of a job's reports that the second may say nothing about, because it rejects
    them or its files have no row of them, before the job stops."""

    @model_validator(mode="after")
    def _check_one_source(self) -> "SecondOpinionConfig":
        if self.parser is not None and self.triplets is not None:
            message = (
                f"triplets names files while parser is '{self.parser}': one second "
                "opinion is compared at a time, so remove one of the two"
            )
            raise ValueError(message)
        return self

    @property
    def is_wanted(self) -> bool:
        """Whether there is a second opinion."""
        return self.parser is not None or self.triplets is not None

    @property
    def files(self) -> list[Path]:
        """The files of triplets; none of a folder without any, or that is not there."""
        if self.triplets is None:
            return []
        if self.triplets.is_dir():
            return sorted(self.triplets.glob("*.parquet"))
        return [self.triplets] if self.triplets.is_file() else []


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

    second_opinion: SecondOpinionConfig = SecondOpinionConfig()
    """Another parser, or triplets made elsewhere: where they and the run's differ."""
