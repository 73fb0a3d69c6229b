"""How else a word may be written: British spelling, words that dictation cuts, slips.

The other files of a lexicon write each word in one way. `spellings.tsv` says by which
rules it may differ, so that no file has to list what dictation makes of its words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asg_core.reports.lexicon.files import read_rows

_KINDS = ("letters", "prefix", "word", "slip", "never")
_VOWELS = "aeiouy"
# "With in" is read, "in d" is not.
_MIN_REST = 2
# "Tip", "line" and shorter words list their own plurals.
_MIN_STEM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spellings:
    """The rules by which words may be written otherwise."""

    letters: tuple[tuple[str, str], ...]
    """Letters of a word, and those that may stand for them."""
    prefixes: tuple[str, ...]
    """What a word in two parts begins with, the longest first."""
    words: tuple[tuple[str, str], ...]
    """Whole words, each with one that is taken for it."""
    min_slip: int | None
    """How many letters a word needs to be known in spite of a slip; None: none is."""
    never: frozenset[str]
    """Words of their own, of which none is another spelling."""

    def of(self, word: str, *, is_named: bool) -> Iterator[tuple[str, ...]]:
        """Yield how a word may be written too, mostly as one word, some cut in two.

        `is_named` says that it names a finding, a place or a state: only such words are
        known in spite of a slip, as others too often become another word by one.
        """
        written = [word]
        for letters, other in self.letters:
            if letters in word:
                written += [each.replace(letters, other) for each in written]
        written += [other for known, other in self.words if known == word]
        for each in dict.fromkeys(written):
            if each != word:
                yield (each,)
            for prefix in self.prefixes:
                rest = each.removeprefix(prefix)
                if rest != each and len(rest) >= _MIN_REST:
                    yield prefix, rest
                    break
        if is_named and self.min_slip is not None and len(word) >= self.min_slip:
            for slip in _slips(word):
                yield (slip,)


def read_spellings(path: Path) -> Spellings:
    """Return the rules that a file lists.

    Raises:
        ValueError: With file and line, where a rule does not fit.
    """
    found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in _KINDS}
    for row in read_rows(path, columns=("kind", "rule", "other", "reason")):
        row.expect(row["kind"], _KINDS, "a kind")
        is_number = row["rule"].isdecimal()
        if is_number != (row["kind"] == "slip") or not row["rule"].isalnum():
            raise row.error("letters, or how many for a slip", f"'{row['rule']}'")
        found[row["kind"]].append((row["rule"], row["other"]))
    return Spellings(
        letters=tuple(found["letters"]),
        prefixes=tuple(sorted((rule for rule, _ in found["prefix"]), key=len))[::-1],
        words=tuple(found["word"]),
        never=frozenset(rule for rule, _ in found["never"]),
        min_slip=min((int(rule) for rule, _ in found["slip"]), default=None),
    )


def _slips(word: str) -> set[str]:
    """Return the spellings with one slip: first and last letter are right.

    Two neighbours are swapped ("effsuion"), one is doubled ("cardiomegally") or left out
    ("cardiomegay"), or a vowel is another one ("atelectesis").
    """
    slips = set()
    for index in range(1, len(word) - 1):
        begin, letter, end = word[:index], word[index], word[index + 1 :]
        slips.add(begin + end)
        slips.add(begin + letter + letter + end)
        if index + 2 < len(word):
            slips.add(begin + end[0] + letter + end[1:])
        if letter in _VOWELS:
            slips.update(begin + vowel + end for vowel in _VOWELS)
    slips.discard(word)
    return slips


def inflected(word: str, *, is_noun: bool) -> Iterator[str]:
    """Yield the plural of a noun, or the adverb of an adjective of place ("basally")."""
    if not word.isalpha() or len(word) < _MIN_STEM:
        return
    if not is_noun:
        if word.endswith(("al", "ar")):
            yield word + "ly"
    elif word.endswith(("ed", "ing", "ic", "ous", "ive", "al")):
        return  # no noun
    elif word.endswith("is"):
        yield word[:-2] + "es"
    elif word.endswith("y"):
        yield word[:-1] + "ies"
    elif word.endswith(("x", "ch", "sh")):
        yield word + "es"
    elif not word.endswith("s"):
        yield word + "s"
