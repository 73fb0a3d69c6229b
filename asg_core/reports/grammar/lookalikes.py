"""Say what a thing turns out to be: "what looks like a pneumothorax is a skin fold".

A word for something that looks like a finding ("nipple shadow", role `alike`) takes the
claim from what it is said to be, and so does a structure behind "overlapping" and its
like (role `overlap`). It does so as a predicate only: an effusion is there in "left
effusion and nipple shadows", and an opacity in "the opacity is behind the breast".
"""

from collections.abc import Sequence

from asg_core.reports.lexicon.phrases import Entry, Found

# How words begin that de-identification has removed, as in `places`, which comes behind.
_REMOVED = "xxx"

_COPULAS = frozenset({"is", "are", "was", "were", "be", "been"})
# "Is probably a small nipple shadow": words between the copula and what follows.
_MAX_GAP = 4
# As far as a copula is looked for, or a sentence that is one long list takes square time.
_MAX_PHRASES = 12
_NONE = Entry(cues=frozenset({"none_after"}))
_DOUBT = Entry(cues=frozenset({"doubt_after"}))
_BREAK = Entry(role="break")


def turned(words: Sequence[str], found: Sequence[Found]) -> list[Found]:
    """Return the phrases of a sentence, with look-alikes as cues where they are that.

    "What looks like a nodule" (role `seeming`) claims no nodule if a copula follows:
    what stands behind that is another clause.
    """
    result = list(found)
    for position, (entry, first, last) in enumerate(found):
        if entry.role == "alike":
            is_doubted = _predicate(words, found, position)
            if is_doubted is not None:
                result[position] = (_DOUBT if is_doubted else _NONE, first, last)
        elif entry.role == "overlap":
            place = found[position + 1 : position + 2]
            if place and place[0][0].is_place and place[0][1] == last:
                is_doubted = _predicate(words, found, position + 1)
                if is_doubted is not None:
                    cue = _DOUBT if is_doubted else _NONE
                    result[position + 1] = (cue, *place[0][1:])
        elif entry.role == "seeming":
            copula = _copula_behind(words, found, position)
            if copula is not None:
                result[copula] = (_BREAK, *found[copula][1:])
    return result


def _predicate(
    words: Sequence[str], found: Sequence[Found], position: int
) -> bool | None:
    """Return whether a look-alike is said in doubt; None if it is no predicate.

    A predicate follows "is", "represents", "due to" and their like, with nothing between
    but doubt ("is probably"), a side or free words ("is an overlying"). It is in doubt
    too as one of two: "scarring or an overlying rib". In "an overlying rib lesion" it is
    an adjective.
    """
    end = found[position][2]
    behind = found[position + 1] if position + 1 < len(found) else None
    if behind is not None and behind[1] == end and behind[0].findings:
        return None
    is_doubted = behind is not None and "alternate" in behind[0].cues
    if "affirm" in found[position][0].cues:  # "due to overlying structures"
        return is_doubted or _is_doubted_before(words, found, position)
    begin = found[position][1]
    for index in range(position - 1, max(position - _MAX_PHRASES, -1), -1):
        entry, first, last = found[index]
        if begin - last > _MAX_GAP or "by" in words[last:begin]:
            break  # "is degraded by motion artifact"
        is_copula = entry.role == "verb" and words[last - 1] in _COPULAS
        if is_copula or "affirm" in entry.cues:
            return is_doubted or _is_doubted_before(words, found, index)
        if "doubt_before" in entry.cues:
            is_doubted = True
            if last - first > 1:  # "may represent", "likely to be"
                return True
        elif entry.role != "overlap" and (not entry.is_place or entry.findings):
            break
        begin = first
    return None


def _is_doubted_before(
    words: Sequence[str], found: Sequence[Found], index: int
) -> bool:
    """Whether what stands before a copula doubts it: "may be due to", "or due to".

    The word that was removed in "most XXXX represents" is such a word.
    """
    word = found[index][1]
    if word and words[word - 1].startswith(_REMOVED):
        return True
    if index == 0:
        return False
    entry, _, last = found[index - 1]
    return last == word and not entry.cues.isdisjoint(("doubt_before", "alternate"))


def _copula_behind(
    words: Sequence[str], found: Sequence[Found], position: int
) -> int | None:
    """Return the first copula behind a phrase, up to the next clause."""
    for index in range(position + 1, min(position + _MAX_PHRASES, len(found))):
        entry, first, _ = found[index]
        if entry.role == "verb" and words[first] in _COPULAS:
            return index
        if entry.role in ("break", "comma", "aside"):
            return None
    return None
