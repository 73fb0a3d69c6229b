"""Tell a report that is written in another language than the lexicon reads.

It is told by function words ("der", "los"), never by one of them: a name, a Latin word
or an abbreviation can look like one. What has too few words to tell is read.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]+")
_MIN_DISTINCT = 2
# Two words tell a text of a few words, "de novo" and "en bloc" none of a longer one.
_MIN_FOREIGN, _MIN_SHARE = 3, 1 / 12
_MIN_SHARE_OF_TWO = 1 / 3


class Foreign(NamedTuple):
    """The language of a text, and how many of its words say so."""

    language: str
    num_foreign: int
    num_words: int


class LanguageGuard:
    """Tells texts of other languages from those of the first one."""

    def __init__(self, languages: Mapping[str, frozenset[str]]) -> None:
        """Take the function words of each language; texts of the first one are read."""
        first, *others = languages.items()
        self._own = first[1]
        self._others = dict(others)
        self._foreign = frozenset().union(*self._others.values()) - self._own
        # Words of the first language only, as they stand in nearly all of its texts.
        own = self._own.difference(*self._others.values())
        self._sure = tuple(f" {word} " for word in sorted(own & _COMMON))
        self._name = first[0]

    @property
    def name(self) -> str:
        """The language that is read."""
        return self._name

    def foreign(self, text: str) -> Foreign | None:
        """Return the language of a text that is not of the first one; None if it is."""
        if sum(word in text for word in self._sure) >= _MIN_DISTINCT:
            return None
        lower = text.lower()
        if len(self._foreign.intersection(lower.split())) < _MIN_DISTINCT:
            return None
        words = Counter(_WORD.findall(lower))
        num_words = words.total()
        best = None
        for language, known in self._others.items():
            found = (known - self._own).intersection(words)
            num_foreign = sum(words[word] for word in found)
            num_own = sum(words[word] for word in self._own - known if word in words)
            if (
                len(found) >= _MIN_DISTINCT
                and num_foreign > num_own
                and num_foreign
                >= num_words
                * (_MIN_SHARE if num_foreign >= _MIN_FOREIGN else _MIN_SHARE_OF_TWO)
                and (best is None or num_foreign > best.num_foreign)
            ):
                best = Foreign(language, num_foreign, num_words)
        return best


_COMMON = frozenset({"the", "and", "with", "are", "there", "seen"})
