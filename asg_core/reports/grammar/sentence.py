"""A sentence that has been read, and the findings that it names."""

from collections.abc import Sequence
from dataclasses import dataclass

from asg_core.reports.grammar.cues import Judgement
from asg_core.reports.grammar.places import Group
from asg_core.reports.grammar.reading import Reading
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Match
from asg_core.terms.existence import Existence


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Sentence:
    """A sentence that has been read, with its groups of place words."""

    reading: Reading
    groups: Sequence[Group]
    max_scope: int

    @property
    def lexicon(self) -> Lexicon:
        """The lexicon that it was read by."""
        return self.reading.lexicon

    def clause_of(self, part: Match | Group) -> int:
        """Return the 0-based clause that a match or a group lies in."""
        return self.reading.clauses.index_of(part.first)

    def between(self, first: int, last: int) -> list[Match]:
        """Return the matches that start at the words `first` to `last`, half-open."""
        return [match for match in self.reading.matches if first <= match.first < last]

    def group_before(self, word: int) -> Group | None:
        """Return the last group that ends before a word."""
        for group in reversed(self.groups):
            if group.last <= word:
                return group
        return None

    def group_after(self, word: int) -> Group | None:
        """Return the first group that starts at or behind a word."""
        for group in self.groups:
            if group.first >= word:
                return group
        return None


@dataclass(slots=True)
class Mention:
    """A named finding: its words, what is claimed of it, and its place words.

    `before` and `after` are the groups that belong to it on either side, `shared` those
    that it takes from its clause or from its neighbour, the nearest first.
    """

    match: Match
    findings: tuple[str, ...]
    judgement: Judgement
    before: Group | None = None
    after: Group | None = None
    shared: tuple[Group, ...] = ()
    is_blanked: bool = False
    """Whether a tip stands for a device whose name was removed from the text."""

    @property
    def is_denied(self) -> bool:
        """Whether the sentence says that it is not there, or claims nothing."""
        return self.judgement.existence in (Existence.ABSENT, None)
