"""One sentence as the rest of the grammar sees it: its words, phrases and clauses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asg_core.reports.grammar.clauses import Clauses, split_clauses
from asg_core.reports.grammar.forms import MARKS, with_answers
from asg_core.reports.grammar.lookalikes import turned
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Entry, Found, Match, Words, placed


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Reading:
    """One sentence, read: its words, the phrases found, its clauses."""

    lexicon: Lexicon
    words: Words
    matches: Sequence[Match]
    clauses: Clauses


def read_sentence(
    lexicon: Lexicon, text: str, *, defined: Mapping[str, Entry] | None = None
) -> Reading:
    """Return the words, matches and clauses of one sentence.

    `defined` maps abbreviations (lower case) that the report defines to what they mean.
    """
    words = Words(text)
    found = turned(words, lexicon.phrases.find(words, defined=defined))
    return reading_of(lexicon, words, found)


def reading_of(lexicon: Lexicon, words: Words, found: Sequence[Found]) -> Reading:
    """Return the reading of a sentence whose phrases have been found."""
    if not MARKS.isdisjoint(words):
        found = with_answers(lexicon, words, found)
    matches = placed(found, words)
    return Reading(lexicon, words, matches, split_clauses(lexicon, words, matches))
