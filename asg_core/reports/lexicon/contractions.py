"""The words of a text that are written otherwise than they are read.

"Isn't" and "isnt" are "is not", "can't" is "cannot", whatever the apostrophe; "(-)" and
"-ve" are "negative"; "[x]", "☒" and "✓" are one ticked box, "=" is ":" and a tab "|".
"""

import re
from typing import NamedTuple

TICKED, EMPTY = "[x]", "[]"
"""How a box of a form is read, and a tick or a cross that stands without a box."""

# Verbs whose denial is another word where its apostrophe is left out keep it ("wont").
_VERBS = (
    *("is", "are", "was", "were", "do", "does", "did", "has", "have", "had"),
    *("could", "would", "should"),
)
BARE = frozenset([*(f"{verb}nt" for verb in _VERBS), "cant"])
"""Denials that are read without an apostrophe too."""

_TICKS, _BLANKS = "☑☒✓✔✅■", "☐□✗✘✖❌"
_MARK = re.compile(rf"[’‘ʼ´′−{_TICKS}{_BLANKS}]")  # noqa: RUF001
_BRACKETED = re.compile(r"\((?:[-–]\)|-ve|x\)| {1,3}\))")  # noqa: RUF001
# Each stands for one character, so that offsets stay.
_PLAIN = str.maketrans("`’‘ʼ´′−–", "''''''--")  # noqa: RUF001
_READ_AS = {"n't": "not", "nt": "not", "=": ":", "+": "positive", "+ve": "positive"}
_READ_AS |= {"-": "negative", "-ve": "negative"}
_WRITTEN = re.compile(
    # "can't", "cant", and "ca n't" of texts whose words were set apart
    r"(?P<cannot>\bcan'?t\b|\bca n't\b)"
    # "isn't" up to its "n't", and the "nt" behind the "is" of "isnt"
    rf"|[^\W\d_]+(?=n't\b)|\b(?:{'|'.join(_VERBS)})(?=nt\b)"
    r"|(?P<sign>\bn't\b|(?<=[a-z])n't\b|(?<=[a-z])nt\b|=|(?<!\w)[+-]ve\b"
    r"|(?<=\()[+-](?=\))|(?<!\S)\+(?=\s*(?:[,;)]|\Z)))"
    rf"|(?P<ticked>[\[(] ?x ?[\])]|\[ ?[{_TICKS}] ?\]|[{_TICKS}])"
    rf"|(?P<empty>\[[ _]{{0,3}}\]|\( {{1,3}}\)|\[ ?[{_BLANKS}] ?\]|[{_BLANKS}])"
    r"|(?P<plain>[^\W\d_]+|\d+(?:\.\d+)*|(?<=\S)\t+(?=\S)|[,;:/()&?|]|--+|(?<!\S)[-\u2014](?!\S))"
)


class Spelled(NamedTuple):
    """Words as they are read, as they are written, and where they start."""

    words: list[str]
    written: list[str]
    starts: list[int]


def is_spelled_otherwise(lowered: str) -> bool:
    """Whether a text may hold words or marks that are written otherwise than read.

    Words of `BARE` are not looked for.
    """
    # One search for each mark takes half the time of one pattern for all of them.
    if (
        "'" in lowered
        or "[" in lowered
        or "+" in lowered
        or "=" in lowered
        or "`" in lowered
        or "\t" in lowered
        or "-ve" in lowered
        or ("(" in lowered and _BRACKETED.search(lowered) is not None)
    ):
        return True
    return not lowered.isascii() and _MARK.search(lowered) is not None


def spelled_out(lowered: str) -> Spelled:
    """Return the words of a text in small letters."""
    result = Spelled([], [], [])
    for found in _WRITTEN.finditer(lowered.translate(_PLAIN)):
        word = found[0]
        match found.lastgroup:
            case "cannot":
                word = "cannot"
            case "sign":
                word = _READ_AS[word]
            case "ticked":
                word = TICKED
            case "empty":
                word = EMPTY
            case "plain" if word[0] == "\t":
                word = "|"
        result.words.append(word)
        result.written.append(found[0])
        result.starts.append(found.start())
    return result
