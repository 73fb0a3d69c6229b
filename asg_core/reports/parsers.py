"""What a parser is: sentences of one report in, claims of each sentence out.

`asg_core.reports.parse` cuts reports into sections and sentences, asks the configured
parser for the claims, and makes the tables. Every parser keeps the conventions that
stand there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from asg_core.reports.claims import Claim

Span = tuple[int, int]
"""Characters of a report's text, half-open."""

CLAIM_COLUMNS = (
    "region",
    "finding",
    "existence",
    "context",
    "finding_start",
    "finding_end",
    "place_start",
    "place_end",
    "cue_start",
    "cue_end",
)
"""The columns of TRIPLETS that a claim fills."""


class UnreadableReportError(Exception):
    """A parser cannot read one report: a row in REJECTS, not the end of the job."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        """One word_with_underscores, the same for all reports of this kind."""
        self.detail = detail
        """Expected what, found what; never the report's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one sentence says, with offsets from its start.

    `columns` holds its triplets, one tuple for each of `CLAIM_COLUMNS`.
    """

    claims: tuple[Claim, ...]
    columns: tuple[tuple[object, ...], ...]


class ReportParser(Protocol):
    """Reads the reports of one job, one after the other."""

    def read_report(
        self, study_id: str, text: str, sections: Sequence[Sequence[Span]]
    ) -> list[Read]:
        """Return what each sentence says, in order, over all sections.

        `sections` holds the sentences of each section that is read, as offsets into
        `text`. Claims of the context HISTORY are returned only where the configuration
        asks for them.

        Raises:
            UnreadableReportError: If this parser cannot read this report.
        """
        ...


@runtime_checkable
class CountingParser(Protocol):
    """A parser that counts what it leaves out; the counts are logged once."""

    counts: Counter[str]
    """Numbers by what was counted, in words; never a report's words."""


def lay_out(claims: Sequence[Claim]) -> Read:
    """Lay the claims of one sentence out in columns, one row per region.

    Rows must differ in (region, finding, start of the finding): the key of TRIPLETS.
    """
    none = (None, None)
    rows = [
        (
            region,
            claim.finding,
            claim.existence.value,
            claim.context.value,
            *claim.span,
            *(claim.place or none),
            *(claim.cue or none),
        )
        for claim in claims
        for region in claim.regions
    ]
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(CLAIM_COLUMNS)
    return Read(claims=tuple(claims), columns=columns)
