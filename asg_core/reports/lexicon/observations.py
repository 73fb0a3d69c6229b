"""What observations of RadGraph mean that no phrase fits: `radgraph_rules.tsv`."""

from dataclasses import dataclass
from pathlib import Path

from asg_core.reports.lexicon.files import read_rows
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.lexicon.zones import ZONES
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS

_COLUMNS = ("words", "zone", "finding", "existence", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Words and a zone, and the finding that they mean together."""

    words: frozenset[str]
    zone: str | None
    """The zone that the observation must lie in; None: any, or none."""
    finding: str
    existence: Existence | None
    """The claim of an observation that is present; None: as it is labelled."""


def read_observations(path: Path) -> tuple[Observation, ...]:
    """Return the rules of a file, in its order; ValueError names a line that is none."""
    rules: list[Observation] = []
    for row in read_rows(path, columns=_COLUMNS):
        row.expect(row["zone"], {"*", *ZONES}, "a zone")
        row.expect(row["finding"], FINDINGS, "a finding")
        row.expect(row["existence"], {"label", *Existence}, "an existence")
        rules.extend(
            Observation(
                words=frozenset(Words(spelling)),
                zone=None if row["zone"] == "*" else row["zone"],
                finding=row["finding"],
                existence=None
                if row["existence"] == "label"
                else Existence(row["existence"]),
            )
            for spelling in row.phrases("words")
        )
    return tuple(rules)
