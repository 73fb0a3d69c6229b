"""What a parser is: sentences of one report in, claims of each sentence out.

`asg_core.reports.parse` cuts reports into sections and sentences, asks the configured
parser for the claims, and makes the tables. Every parser keeps the conventions that
stand there.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from asg_core.reports.grammar.claims import Claim

Span = tuple[int, int]
"""Characters of a report's text, half-open."""


class UnreadableReportError(Exception):
    """Raised for one report that cannot be read: it is rejected, and the job goes on."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        """One word_with_underscores, the same for all reports of this kind."""
        self.detail = detail
        """Expected what, found what; never the report's words."""


class ReportParser(Protocol):
    """Reads the reports of one job, one after the other."""

    def read_report(
        self, study_id: str, text: str, sections: Sequence[Sequence[Span]]
    ) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence, in order, over all sections.

        `sections` holds the sentences of each section that is read, as offsets into
        `text`. Offsets of claims count from the start of their sentence, and no two
        claims of a sentence share finding, start and region. Claims of the context
        HISTORY are returned only where the configuration asks for them.

        Raises:
            UnreadableReportError: If this parser cannot read this report.
        """
        ...


@runtime_checkable
class CountingParser(Protocol):
    """A parser that counts what it leaves out; the counts are logged once."""

    counts: Counter[str]
    """Numbers by what was counted, in words; never a report's words."""
