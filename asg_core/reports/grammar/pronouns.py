"""Give words that stand for a finding that finding: "none on the right", "the left has".

The finding is the last one before them, in their sentence or in the one before.
"""

from collections.abc import Sequence
from dataclasses import replace

from asg_core.reports.lexicon.phrases import Entry, Found

# What can follow a pronoun; "one" is a number before anything else.
_FOLLOWERS = frozenset({"verb", "there", "prep", "comma", "break", "with"})
_ENDS = frozenset({"comma", "break", "with", "aside", "and"})
_AFTER = frozenset({"deny_after", "doubt_after", "remove_after", "compare_around"})
_BEFORE = frozenset({"deny_before", "doubt_before", "none_before"})
# "Larger than the right", "on the right is a line".
_LEADING = frozenset(
    {"than", "to", "with", "on", "in", "at", "from", "of", "by", "for", "over"}
)
# As far as the end of a clause is looked for: a long list must not take square time.
_MAX_PHRASES = 12
_PARTITIVE = ("of", "to")


def resolved(
    words: Sequence[str], found: Sequence[Found], antecedent: Entry | None
) -> tuple[list[Found], bool]:
    """Return the phrases of a sentence, with the findings that its pronouns stand for.

    Args:
        words: The words of the sentence.
        found: Its phrases.
        antecedent: The finding of the sentence before, if it has one.

    Returns:
        The phrases, and whether a pronoun stands for what no word of the sentence names.
    """
    result = []
    is_open = False
    known = antecedent
    is_named = False
    for index, (entry, first, last) in enumerate(found):
        meant = entry
        if (
            entry.role == "pronoun" or (entry.is_place and entry.zone is None)
        ) and _is_pronoun(words, found, index):
            is_open = is_open or not is_named
            if known is not None:
                meant = replace(entry, findings=known.findings, place=known.place)
                if "deny_before" in entry.cues:
                    meant = replace(meant, role="none")
        if entry.findings:
            known, is_named = entry, True
        result.append((meant, first, last))
    return result, is_open


def _is_pronoun(words: Sequence[str], found: Sequence[Found], index: int) -> bool:
    entry, first, last = found[index]
    if entry.role == "pronoun":
        if first and words[first - 1] in ("no", "any"):
            return False  # "no other is seen"
        if "deny_before" in entry.cues and ":" in words[:first]:
            return False  # the answer of a form: "effusion: right none, left small"
        return _stands_alone(words, found, index)
    return (
        len(entry.sides) == 1
        and not entry.findings
        and first > 0
        and words[first - 1] == "the"
        and (first == 1 or words[first - 2] not in _LEADING)
        and last < len(words)
        and _is_subject(found, index)
    )


def _stands_alone(words: Sequence[str], found: Sequence[Found], index: int) -> bool:
    """Whether a pronoun is no number or adjective: "one is", and not "one view"."""
    last = found[index][2]
    if last == len(words):
        return True
    if (
        words[last - 1] in _LEADING
    ):  # "that at the right base", not "that in retrospect"
        place = found[index + 1 : index + 2]
        return bool(place and place[0][0].is_place and place[0][1] - last <= 1)
    if index + 1 == len(found) or found[index + 1][1] != last:
        return False
    follower = found[index + 1][0]
    if follower.role == "verb" and index + 2 < len(found):
        behind, begin, _ = found[index + 2]
        if (
            begin == found[index + 1][2]
            and behind.cues & _BEFORE
            and not behind.cues & _AFTER
        ):
            return False  # "one is unable to exclude"
    if words[last] in _PARTITIVE or follower.findings:
        return False
    return follower.role in _FOLLOWERS or bool(follower.cues & _AFTER)


def _is_subject(found: Sequence[Found], index: int) -> bool:
    """Whether a side is all that its clause is about: "the right has not"."""
    end = found[index][2]
    follower, first, _ = found[index + 1] if index + 1 < len(found) else (None, 0, 0)
    if follower is None or first != end:
        return False
    if follower.role != "verb" and not follower.cues & _AFTER:
        return False
    for entry, _, _ in found[index + 1 : index + _MAX_PHRASES]:
        if entry.role in _ENDS:
            break
        if entry.findings or entry.state or entry.zone or entry.role == "pronoun":
            return False
    return True
