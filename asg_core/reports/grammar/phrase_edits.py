"""The words and phrases of a sentence whose phrases are given another meaning."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from asg_core.reports.lexicon.phrases import Entry, Found

_SET_OFF = frozenset({",", ";", ":", "(", ")", "|", "-", "--"})
_FIRST = itemgetter(1)


class PhraseEdits:
    """Words, and phrases that are changed in place; places are counted in words."""

    def __init__(self, words: Sequence[str], found: Sequence[Found]) -> None:
        """Take the words and the phrases of a sentence; the phrases are copied."""
        self.words = words
        self.found = list(found)

    def parts(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return the stretches between commas and "and", half-open."""
        parts: list[tuple[int, int]] = []
        for at in range(first, last + 1):
            if at == last or self.words[at] in (",", ";", "and"):
                if first < at:
                    parts.append((first, at))
                first = at + 1
        return parts

    def is_end(self, word: str) -> bool:
        """Whether a mark sets off what stands before it."""
        return word in _SET_OFF

    def ends_at(self, at: int) -> bool:
        """Whether the sentence, or what a mark sets off, ends before a word."""
        return at == len(self.words) or self.is_end(self.words[at])

    def word_at(self, at: int) -> str:
        """Return a word; behind the last one an empty one."""
        return self.words[at] if at < len(self.words) else ""

    def range_of(self, first: int, last: int) -> tuple[int, int]:
        """Return the phrases that start at the words `first` to `last`, half-open."""
        low = bisect_left(self.found, first, key=_FIRST)
        return low, bisect_left(self.found, last, key=_FIRST)

    def has_claim(self, first: int, last: int, *, is_zone: bool = True) -> bool:
        """Whether some words name a finding or a state, or a zone where that counts."""
        low, high = self.range_of(first, last)
        return any(
            entry.findings or entry.state or (is_zone and entry.zone)
            for entry, _, _ in self.found[low:high]
        )

    def has_noun(self, first: int, last: int) -> bool:
        """Whether some words name more than a side."""
        return any(
            self.found[at][0].findings or self.found[at][0].zone
            for at in range(*self.range_of(first, last))
        )

    def names_finding(self, first: int, last: int) -> bool:
        """Whether some words name a finding."""
        low, high = self.range_of(first, last)
        return any(entry.findings for entry, _, _ in self.found[low:high])

    def change(self, at: int, entry: Entry) -> None:
        """Let the phrase with this index mean something else."""
        self.found[at] = (entry, *self.found[at][1:])

    def drop(self, first: int, last: int) -> None:
        """Let the phrases of some words mean nothing."""
        low, high = self.range_of(first, last)
        del self.found[low:high]

    def put(self, first: int, last: int, entry: Entry) -> None:
        """Let some words mean this, whatever phrases they were part of."""
        low, high = self.range_of(first, last)
        if low and self.found[low - 1][2] > first:
            low -= 1
        self.found[low:high] = [(entry, first, last)]

    def begin_clause(self, first: int) -> None:
        """Let a clause begin at a word: at the comma before it or the phrase behind."""
        low, _ = self.range_of(first, first)
        if low and self.found[low - 1][1] == first - 1:
            entry = self.found[low - 1][0]
            if entry.role in ("comma", "and"):
                self.change(low - 1, replace(entry, role="break"))
                return
        if low < len(self.found):
            entry = self.found[low][0]
            if entry.role is None:
                self.change(low, replace(entry, role="break"))
