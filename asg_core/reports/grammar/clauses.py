"""Cut a sentence into clauses: the stretches that a cue or a place cannot leave."""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from asg_core.reports.grammar.denials import ends_denial, has_object, is_apart
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Match

_CUES_AFTER = frozenset({"deny_after", "doubt_after", "remove_after", "none_after"})
_CUES_BEFORE = frozenset(
    {"deny_before", "doubt_before", "remove_before", "history_before", "none_before"}
)
_ALWAYS = frozenset({"break", "aside", "with"})
_STARTERS = _ALWAYS | {"there", "comma", "and"}


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Clauses:
    """Where the clauses of one sentence start, counted in words; the first is 0."""

    starts: tuple[int, ...]

    def index_of(self, word: int) -> int:
        """Return the 0-based clause that the word with this index lies in."""
        return bisect_right(self.starts, word) - 1

    def around(self, word: int) -> tuple[int, int]:
        """Return the words of the clause that the word lies in, half-open.

        The last clause has no end.
        """
        after = bisect_right(self.starts, word)
        end = self.starts[after] if after < len(self.starts) else sys.maxsize
        return self.starts[after - 1], end


def split_clauses(
    lexicon: Lexicon, words: Sequence[str], matches: Sequence[Match]
) -> Clauses:
    """Return the clauses of a sentence, given its matches in order.

    A clause starts at "but", ";" and their like, at "with", at "except for", at "there
    is", and at a comma or "and" when what follows says something of its own: it begins
    with a cue ("..., no effusion"), or it has a verb or a state while what stands before
    is already complete ("heart size normal, lungs are clear"), or it is described as being
    there while what stands before is denied ("no edema, stable effusion"). A list stays
    one clause: "no edema, effusion, or pneumothorax", "heart, hila and lungs are normal".
    """
    starts = [0]
    begin = 0  # the first match of the current clause
    for position, match in enumerate(matches):
        if position == 0:
            continue
        if match.entry.role in _STARTERS:
            if _starts_clause(lexicon, words, matches, position, begin=begin):
                starts.append(match.first)
                begin = position
        elif match.entry.zone and _runs_on(words, matches, position, begin=begin):
            starts.append(match.first - 1)
            begin = position
    return Clauses(tuple(starts))


def _starts_clause(
    lexicon: Lexicon,
    words: Sequence[str],
    matches: Sequence[Match],
    position: int,
    *,
    begin: int,
) -> bool:
    role = matches[position].entry.role
    if role in _ALWAYS:
        return role != "with" or not _is_bound(matches, position)
    if role == "there":
        return _is_complete(matches, begin, position)
    if role == "comma":
        starts = _comma_starts(lexicon, words, matches, position, begin=begin)
    elif role == "and":
        starts = _and_starts(matches, position, begin=begin)
    else:
        return False
    return (
        starts
        or ends_denial(lexicon, words, matches, position, begin=begin)
        or (
            role == "comma" and is_apart(lexicon, words, matches, position, begin=begin)
        )
    )


def _is_bound(matches: Sequence[Match], position: int) -> bool:
    """Whether a "with" begins no clause: "not with", "with in" for "within"."""
    match, before = matches[position], matches[position - 1]
    if before.last == match.first and "deny_before" in before.entry.cues:
        return True
    after = matches[position + 1 : position + 2]
    return bool(
        after and after[0].first == match.last and after[0].entry.role == "prep"
    )


def _comma_starts(
    lexicon: Lexicon,
    words: Sequence[str],
    matches: Sequence[Match],
    position: int,
    *,
    begin: int,
) -> bool:
    if position + 1 == len(matches):
        return False
    follower = matches[position + 1]
    is_next = follower.first == matches[position].last
    if is_next and (follower.entry.role in ("or", "and") or _is_alternate(follower)):
        return False
    if is_next and follower.entry.cues & _CUES_BEFORE:
        return True
    if not _says_something(matches, position + 1):
        return False
    if matches[begin].entry.role == "aside" and begin == 0:
        return True  # "Other than a granuloma, the lungs are clear."
    is_complete = _is_complete(matches, begin, position) or _denies_a_noun(
        lexicon, words, matches, begin, position
    )
    return is_complete and not _is_listed(matches, begin, position)


def _is_listed(matches: Sequence[Match], begin: int, comma: int) -> bool:
    """Whether a comma stands in a list before its verb: "no mass, scar or edema is seen"."""
    for match in matches[comma + 1 :]:
        if match.entry.role in ("verb", "there", "comma") or match.entry.state:
            return False
        if match.entry.role == "or":
            break
    else:
        return False
    return not (_has_state(matches, comma + 1) or _has_verb(matches[begin:comma]))


def _and_starts(matches: Sequence[Match], position: int, *, begin: int) -> bool:
    if position + 1 == len(matches):
        return False
    follower = matches[position + 1]
    is_next = follower.first == matches[position].last
    if is_next and follower.entry.cues & (_CUES_BEFORE - {"doubt_before"}):
        return True
    if not (
        _is_complete(matches, begin, position)
        and _says_something(matches, position + 1)
    ):
        return False
    # "no effusion and pneumothorax are seen": the verb belongs to the whole list.
    return _has_verb(matches[begin:position]) or _has_state(matches, position + 1)


def _runs_on(
    words: Sequence[str], matches: Sequence[Match], position: int, *, begin: int
) -> bool:
    """Whether a sentence starts here without a full stop: "no effusion the lungs are"."""
    match = matches[position]
    if match.first == 0 or words[match.first - 1] != "the":
        return False
    if position + 1 == len(matches):
        return False
    verb = matches[position + 1]
    if verb.first != match.last:
        return False
    if verb.entry.role != "verb" and verb.entry.state is None:
        return False
    before = matches[position - 1]
    if before.last == match.first - 1 and before.entry.role in ("prep", "and", "or"):
        return False
    return _is_complete(matches, begin, position)


def _is_complete(matches: Sequence[Match], begin: int, end: int) -> bool:
    """Whether these matches could stand as a sentence.

    A denial needs what it denies: in "no acute, displaced fracture" the comma stands
    between adjectives.
    """
    has_cue = False
    for match in matches[begin:end]:
        entry = match.entry
        if entry.role in ("verb", "there") or entry.state is not None:
            return True
        if entry.cues & _CUES_AFTER:
            return True
        if has_cue and (entry.findings or entry.zone):
            return True
        has_cue = has_cue or bool(entry.cues & _CUES_BEFORE)
    return False


def _denies_a_noun(
    lexicon: Lexicon,
    words: Sequence[str],
    matches: Sequence[Match],
    begin: int,
    comma: int,
) -> bool:
    """Whether words that no phrase knows are denied: "without prior films, ..."."""
    end = matches[comma].first
    return any(
        "deny_before" in match.entry.cues
        and has_object(lexicon.scope, words, match, end)
        for match in matches[begin:comma]
    )


def _has_verb(matches: Sequence[Match]) -> bool:
    return any(
        match.entry.role in ("verb", "there") or match.entry.state for match in matches
    )


def _says_something(matches: Sequence[Match], begin: int) -> bool:
    """Whether the matches up to the next comma or break have a verb or a state."""
    for match in matches[begin:]:
        entry = match.entry
        if entry.role in ("comma", "with", "break", "aside"):
            return False
        if entry.role in ("verb", "there") or entry.cues & _CUES_AFTER:
            return True
        if entry.state is not None:
            return _has_state(matches, begin)
    return False


def _has_state(matches: Sequence[Match], begin: int) -> bool:
    """Whether a structure and then its state follow: "lungs clear"."""
    has_place = False
    for match in matches[begin:]:
        if match.entry.role in ("comma", "with", "break", "aside"):
            return False
        has_place = has_place or match.entry.zone is not None
        if has_place and match.entry.state is not None:
            return True
    return False


def _is_alternate(match: Match) -> bool:
    return "alternate" in match.entry.cues
