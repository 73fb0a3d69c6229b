"""What observations mean that the lexicon has no phrase for: `radgraph_rules.tsv`."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from asg_core.reports.lexicon.files import expand, read_rows
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.lexicon.zones import ZONES
from asg_core.terms.existence import Existence
from asg_core.terms.findings import FINDINGS

RULES_FILE = Path(__file__).parent / "rules.tsv"
_COLUMNS = ("words", "zone", "finding", "existence", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Words and a zone, and the finding that they mean together."""

    words: frozenset[str]
    zone: str | None
    """The zone that the observation must lie in; None: any, or none."""
    finding: str
    existence: Existence | None
    """The claim of an observation that is present; None: as it is labelled."""


def find_rules(words: Set[str], zones: Collection[str]) -> list[Rule]:
    """Return the rules for an observation with these words in these zones."""
    return [
        rule
        for rule in shared_rules()
        if rule.words <= words and (rule.zone is None or rule.zone in zones)
    ]


@lru_cache(maxsize=1)
def shared_rules() -> tuple[Rule, ...]:
    """Return the rules that ship with the package; they are read once per process.

    Raises:
        ValueError: With the row, if it names no zone, finding or existence.
    """
    rules: list[Rule] = []
    for row in read_rows(RULES_FILE, columns=_COLUMNS):
        is_known = (
            row["zone"] in {"*", *ZONES}
            and row["finding"] in FINDINGS
            and row["existence"] in {"label", *Existence}
        )
        if not is_known or not row["reason"]:
            raise ValueError(
                f"{RULES_FILE.name}, row {row}: expected a zone or *, a finding, label "
                "or an existence, and a reason, found something else"
            )
        rules.extend(
            Rule(
                words=frozenset(Words(spelling)),
                zone=None if row["zone"] == "*" else row["zone"],
                finding=row["finding"],
                existence=None
                if row["existence"] == "label"
                else Existence(row["existence"]),
            )
            for spelling in expand(row["words"])
        )
    return tuple(rules)
