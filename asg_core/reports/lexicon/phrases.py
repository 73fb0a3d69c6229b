"""Phrases with what they mean, and the matcher that finds them in a text.

All phrases become one trie over words, so that matching costs one dictionary look-up
per word of text, however many phrases there are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from asg_core.reports.lexicon.contractions import (
    BARE,
    is_spelled_otherwise,
    spelled_out,
)
from asg_core.reports.lexicon.spellings import Spellings, inflected

# Only marks that matter to the grammar are words. A hyphen inside a word is not, so
# that "air-space" is "air space"; a free-standing one, or a double one, is a dash.
_WORD = re.compile(
    r"[^\W\d_]+|\d+(?:\.\d+)*|[,;:/()&?|]|>+|--+|(?<!\S)[-\u2013\u2014](?!\S)"
)
# The same for ASCII in lower case, a quarter faster.
_ASCII_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)*|[,;:/()&?|]|>+|--+|(?<!\S)-(?!\S)")
# Roles of phrases that a sentence is read again for: what they mean, others say.
_TURNING = frozenset({"alike", "overlap", "seeming", "pronoun"})
# Makes a named tuple at half the cost; for what is made for every phrase that is found.
_new_tuple = tuple.__new__


class Words(list[str]):
    """The words and marks of a text, in lower case; where they stand is found on demand.

    They are words as they are read: "isn't" is "is" and "not"; see
    `asg_core.reports.lexicon.contractions`.
    """

    __slots__ = ("_starts", "_text", "_written")

    def __init__(self, text: str) -> None:
        """Find the words of a text; offsets index the text, not its lower case."""
        self._text = text.lower()
        if text.isascii():
            super().__init__(_ASCII_WORD.findall(self._text))
        else:
            if len(self._text) != len(text):
                # A few capitals lower to two characters; those stay as they are.
                self._text = "".join(
                    lower if len(lower := char.lower()) == 1 else char for char in text
                )
            super().__init__(_WORD.findall(self._text))
        self._starts: list[int] | None = None
        self._written: list[str] | None = None
        if is_spelled_otherwise(self._text) or not BARE.isdisjoint(self):
            spelled = spelled_out(self._text)
            self[:] = spelled.words
            self._written, self._starts = spelled.written, spelled.starts

    def names_a_side(self) -> bool:
        """Whether "the left" or "the right" stands in the text."""
        return "the left" in self._text or "the right" in self._text

    @property
    def starts(self) -> list[int]:
        """Where each word starts, in characters."""
        if self._starts is None:
            if "-" in self._text or not self._text.isascii():
                # A dash can stand twice between two words: "air-space - ".
                self._starts = [found.start() for found in _WORD.finditer(self._text)]
            else:
                self._starts = self._found_in_order()
        return self._starts

    @property
    def written(self) -> Sequence[str]:
        """The words as the text has them, in lower case."""
        return self if self._written is None else self._written

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The characters of each word, half-open."""
        return [
            (start, start + len(word))
            for start, word in zip(self.starts, self.written, strict=True)
        ]

    def _found_in_order(self) -> list[int]:
        """Find each word behind the last one: nothing between two looks like a word."""
        find = self._text.find
        starts = []
        end = 0
        for word in self:
            start = find(word, end)
            starts.append(start)
            end = start + len(word)
        return starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Everything that one phrase can mean; a phrase may stand in several files.

    An entry that means nothing shields its words: none of them is matched on its own.
    """

    findings: tuple[str, ...] = ()
    place: str | None = None
    """The zone that the finding itself implies."""
    zone: str | None = None
    sides: tuple[str, ...] = ()
    is_place: bool = False
    """Whether the phrase names a zone, a side, or both."""
    is_pair: bool = False
    state: str | None = None
    cues: frozenset[str] = field(default_factory=frozenset)
    role: str | None = None

    def joined(self, other: "Entry") -> "Entry":
        """Return what this entry and `other` mean together."""
        return Entry(
            findings=self.findings or other.findings,
            place=self.place or other.place,
            zone=self.zone or other.zone,
            sides=self.sides or other.sides,
            is_place=self.is_place or other.is_place,
            is_pair=self.is_pair or other.is_pair,
            state=self.state or other.state,
            cues=self.cues | other.cues,
            role=self.role or other.role,
        )


Found = tuple[Entry, int, int]
"""What a phrase means, and its words, half-open."""


class Match(NamedTuple):
    """One phrase found in a text: `first` and `last` count words, half-open."""

    entry: Entry
    first: int
    last: int
    start: int
    end: int


@dataclass(slots=True)
class _Node:
    """The words that can follow some words, and what these mean as a phrase."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    entry: Entry | None = None


class Phrases:
    """All phrases of a lexicon, found in a text word by word."""

    def __init__(
        self,
        entries: Mapping[tuple[str, ...], Entry],
        *,
        spellings: Spellings | None = None,
    ) -> None:
        """Lay the phrases, each a tuple of lower-case words, out as one trie.

        `spellings` says how their words may be written too. Another spelling leads to
        the same node, so it costs the matcher nothing; what is a word of its own in any
        phrase is never read as another one.
        """
        self._root = _Node()
        edges: list[tuple[_Node, str, _Node]] = []
        for phrase, entry in entries.items():
            node = self._root
            for word in phrase:
                child = node.children.get(word)
                if child is None:
                    child = node.children[word] = _Node()
                    edges.append((node, word, child))
                node = child
            node.entry = entry
        self._turning = frozenset(
            max(phrase, key=len)  # the rarest of its words, as a rule
            for phrase, entry in entries.items()
            if entry.role in _TURNING
        )
        if spellings is not None:
            _spell(edges, entries, spellings)

    def may_turn(self, words: Words) -> bool:
        """Whether a look-alike or a pronoun may stand in a sentence; most have none."""
        return not self._turning.isdisjoint(words)

    def match(
        self, words: Words, *, defined: Mapping[str, Entry] | None = None
    ) -> list[Match]:
        """Return the phrases of `words` from left to right, the longest at each place.

        `defined` holds single words that the text itself defines (abbreviations); they
        win over the lexicon.
        """
        return placed(self.find(words, defined=defined), words)

    def find(
        self, words: Sequence[str], *, defined: Mapping[str, Entry] | None = None
    ) -> list[Found]:
        """Return the same phrases as `match`, with their words and without characters."""
        found: list[Found] = []
        root = self._root.children
        count = len(words)
        free = 0  # the first word that no phrase has taken
        for position, word in enumerate(words):
            if position < free:
                continue
            node = root.get(word)
            if node is None and defined is None:
                continue
            entry, last = None, position + 1
            ahead = last
            while node is not None:
                if node.entry is not None:
                    entry, last = node.entry, ahead
                if ahead == count or not node.children:
                    break
                node = node.children.get(words[ahead])
                ahead += 1
            if defined is not None and word in defined:
                entry, last = defined[word], position + 1
            if entry is not None:
                found.append((entry, position, last))
                free = last
        return found


def _spell(
    edges: Iterable[tuple[_Node, str, _Node]],
    entries: Mapping[tuple[str, ...], Entry],
    spellings: Spellings,
) -> None:
    """Let other spellings of the words of all phrases lead where the words lead."""
    known = {word for phrase in entries for word in phrase}
    own = known | spellings.never
    named = {
        word
        for phrase, entry in entries.items()
        if entry.findings or entry.is_place or entry.state
        for word in phrase
    }
    written = {
        word: list(spellings.of(word, is_named=word in named))
        for word in known
        if word.isalpha()
    }
    for node, word, child in edges:
        others = written.get(word, [])
        if child.entry is not None:
            others = [*others, *_forms(word, child.entry)]
        for other in others:
            if len(other) == 1 and other[0] not in own:
                node.children.setdefault(other[0], child)
            elif len(other) > 1:
                begin = node.children.setdefault(other[0], _Node())
                begin.children.setdefault(other[1], child)
        if word in spellings.prefixes:
            for rest, whole in list(child.children.items()):
                if word + rest not in own:
                    node.children.setdefault(word + rest, whole)


def _forms(word: str, entry: Entry) -> list[tuple[str]]:
    """Return the forms of the last word of a phrase that mean the same as it does."""
    if entry.is_place:
        return [(form,) for form in inflected(word, is_noun=False)]
    if entry.findings:
        return [(form,) for form in inflected(word, is_noun=True)]
    return []


def placed(found: Iterable[Found], words: Words) -> list[Match]:
    """Return the phrases that were found, each with the characters of its words."""
    starts, written = words.starts, words.written
    result = []
    for entry, first, last in found:
        end = starts[last - 1] + len(written[last - 1])
        result.append(_new_tuple(Match, (entry, first, last, starts[first], end)))
    return result
