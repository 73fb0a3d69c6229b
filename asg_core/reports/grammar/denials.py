"""Say how far a denial reaches: to which comma, and to which noun.

A list stays under its denial ("no effusion, pneumothorax or edema"), but a noun that
is described as being there ends it: "no pneumothorax, stable left effusion". Which words
describe so is data, `lexicon/data/scope.tsv`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Match
from asg_core.reports.lexicon.text_words import ScopeWords

_DENIALS = frozenset({"deny_before", "remove_before"})
_GUESSES = frozenset({"doubt_before", "history_before"})
_BEFORE = _DENIALS | _GUESSES | {"none_before"}
_AFTER = frozenset({"deny_after", "remove_after", "doubt_after"})
_LOBAR = frozenset({"upper", "mid", "lower"})
# The matches of a noun with its adjectives, and the words of one.
_MAX_MATCHES = 6
_MAX_WORDS = 8
# Between a preposition and its noun: "no displacement of the old right rib fracture".
_MAX_ADJECTIVES = 5
_ARTICLES = frozenset({"a", "an", "the"})
_PRONOUNS = frozenset({"nothing", "none"})
_AGENT = "by"  # "no blunting of the angle by fluid"
_BLANK = "xxx"  # a word that de-identification has removed
_DEFINITE = frozenset({"the", "this", "that", "these", "those", "its"})
_FIRST = attrgetter("first")
# Not "-ent": "alignment" and "segment" are nouns.
_TRAIT_ENDS = ("ed", "al", "ous", "ic", "ive", "able", "ible", "ar", "ary", "ant")


def has_object(scope: ScopeWords, words: Sequence[str], cue: Match, end: int) -> bool:
    """Whether words that no phrase knows are what a cue denies: "no acute disease,".

    `end` is the word behind them. Adjectives alone are no object: "no acute, displaced
    fracture".
    """
    if end <= cue.last:
        return False
    if words[cue.last - 1] in _PRONOUNS or _ARTICLES.issuperset(
        words[end + 1 : end + 2]
    ):
        return True
    noun = words[end - 1]
    return noun not in scope.trait and not noun.endswith(_TRAIT_ENDS)


def ends_denial(
    lexicon: Lexicon,
    words: Sequence[str],
    matches: Sequence[Match],
    position: int,
    *,
    begin: int,
) -> bool:
    """Whether the noun behind a comma or "and" is there, though one before is denied.

    It is where it is called stable, old or the like. It is too where it is called small,
    is counted, has a side or part of a lung of its own, or is a device, but not in a list
    that "or" ends: "no edema, small effusion or mass".

    Args:
        lexicon: Holds the words that say so.
        words: The words of the sentence.
        matches: Its phrases.
        position: Which of them is the comma or "and".
        begin: Which of them the clause begins with.
    """
    noun = _noun_behind(matches, position)
    if noun is None:
        return False
    cue = _cue_before(lexicon.scope, words, matches, begin, position)
    if cue is None:
        return False
    item = words[matches[position].last : matches[noun].last]
    if len(item) > _MAX_WORDS:
        return False
    behind = matches[noun].last
    is_known = not lexicon.scope.known.isdisjoint(item) or (
        behind < len(words) and words[behind] in lexicon.scope.known
    )
    if is_known and matches[cue].entry.cues & _DENIALS:
        return True
    if is_known or not matches[cue].entry.cues & _DENIALS:
        return is_known and not _is_list(matches, noun)
    return _is_seen(lexicon, words, matches, position, noun, cue=cue)


def is_apart(
    lexicon: Lexicon,
    words: Sequence[str],
    matches: Sequence[Match],
    position: int,
    *,
    begin: int,
) -> bool:
    """Whether a denial behind its noun is of what follows a comma alone.

    It is in "small left effusion, pneumothorax is not seen", but not in "effusion,
    pneumothorax and edema are not seen". The arguments are those of `ends_denial`.
    """
    denied = _noun_behind(matches, position)
    if denied is None or not _has_cue_behind(matches, denied):
        return False
    first = begin + 1 if matches[begin].entry.role else begin
    noun = _noun_behind(matches, first - 1)
    if noun is None or noun >= position:
        return False
    scope = lexicon.scope
    item = words[matches[begin].last if first > begin else 0 : matches[noun].last]
    other = words[matches[position].last : matches[denied].last]
    if scope.known.isdisjoint(item) and not (
        _is_sized(scope, item, matches[first : noun + 1])
        and not _is_sized(scope, other, matches[position + 1 : denied + 1])
    ):
        return False  # "right tube, left tube have been removed"
    return not any(match.entry.cues & _BEFORE for match in matches[first:position])


def _has_cue_behind(matches: Sequence[Match], noun: int) -> bool:
    """Whether a denial or doubt follows a noun in its own statement."""
    for match in matches[noun + 1 :]:
        if match.entry.cues & _AFTER:
            return True
        if match.entry.role not in (None, "verb", "prep"):
            return False
    return False


def _is_seen(
    lexicon: Lexicon,
    words: Sequence[str],
    matches: Sequence[Match],
    position: int,
    noun: int,
    *,
    cue: int,
) -> bool:
    """Whether size, number, place or kind say that the noun behind a denial is there."""
    if _is_device(lexicon, matches[noun]):
        if "remove_before" in matches[cue].entry.cues:
            return False  # "removal of the drain and left line"
        return not _is_list(matches, noun) and not any(
            _is_device(lexicon, match) for match in matches[cue:position]
        )
    item = words[matches[position].last : matches[noun].last]
    says_so = (
        _is_sized(lexicon.scope, item, matches[position + 1 : noun + 1])
        or _is_adverbial(words, matches, cue, position)
        or (_is_placed(matches, noun) and not _has_finding(matches[cue:position]))
    )
    return says_so and not _is_list(matches, noun)


def _has_finding(matches: Sequence[Match]) -> bool:
    return any(match.entry.findings for match in matches)


def _is_sized(scope: ScopeWords, item: Sequence[str], matches: Sequence[Match]) -> bool:
    """Whether the words of a noun name its size, its number or its own place."""
    return (
        not scope.size.isdisjoint(item)
        or any(word[0].isdigit() for word in item)
        or any(_is_own_place(match) for match in matches)
    )


def _is_placed(matches: Sequence[Match], noun: int) -> bool:
    """Whether a place of its own follows the noun: "nodule in the left base"."""
    behind = matches[noun + 1 : noun + 3]
    return (
        len(behind) > 1 and behind[0].entry.role == "prep" and _is_own_place(behind[1])
    )


def _is_device(lexicon: Lexicon, match: Match) -> bool:
    findings = match.entry.findings
    devices = lexicon.kinds.implanted | lexicon.kinds.tip
    return bool(findings) and devices.issuperset(findings)


def is_beyond(
    scope: ScopeWords,
    words: Sequence[str],
    matches: Sequence[Match],
    cue: Match,
    first: int,
) -> bool:
    """Whether a denial denies another noun than the one that starts at `first`.

    In "no displacement of the fracture" and "no air adjacent to the tube" the noun
    behind the preposition is known to be there, and so is what does not change: "lack of
    reduction in edema". Signs let a denial through: "no recurrence of the effusion".
    """
    link = _preposition_before(matches, first)
    if link is None or link.first <= cue.last:
        return False  # "no sign of the effusion" is one phrase
    head = words[link.first - 1]
    if head in scope.change and link.last - link.first == 1:
        return True
    return (
        words[link.last] in _DEFINITE
        and head not in scope.sign
        and not head.startswith(_BLANK)
        and _AGENT not in words[link.last : first]
    )


def _preposition_before(matches: Sequence[Match], first: int) -> Match | None:
    """Return the preposition that only adjectives part from the word `first`."""
    end = bisect_left(matches, first, key=_FIRST)
    for match in reversed(matches[max(end - _MAX_ADJECTIVES, 0) : end]):
        if match.entry.role == "prep":
            return match if first - match.last <= _MAX_ADJECTIVES else None
        if match.entry.role:
            return None
    return None


def _noun_behind(matches: Sequence[Match], position: int) -> int | None:
    """Return the position of the finding that begins behind a comma or "and"."""
    stop = min(len(matches), position + 1 + _MAX_MATCHES)
    for index in range(position + 1, stop):
        entry = matches[index].entry
        if entry.role:
            return None
        if entry.findings or entry.state:
            return index
    return None


def _cue_before(
    scope: ScopeWords,
    words: Sequence[str],
    matches: Sequence[Match],
    begin: int,
    position: int,
) -> int | None:
    """Return the position of the last denial or guess, if it has its object."""
    end = matches[position].first
    has_noun = False
    for index in range(position - 1, begin - 1, -1):
        entry = matches[index].entry
        if entry.cues & _BEFORE:
            if not entry.cues & (_DENIALS | _GUESSES):
                return None
            is_whole = (
                (has_noun and words[end - 1] not in scope.trait)
                or _is_predicate(words, matches, index)
                or has_object(scope, words, matches[index], end)
            )
            return index if is_whole else None
        has_noun = has_noun or bool(entry.findings or entry.zone)
    return None


def _is_list(matches: Sequence[Match], noun: int) -> bool:
    """Whether "or" follows the noun in its own statement."""
    for match in matches[noun + 1 :]:
        entry = match.entry
        if entry.role in ("or", "slash"):
            return True
        if entry.role in ("break", "with", "aside", "there") or entry.cues & _BEFORE:
            return False
    return False


def _is_own_place(match: Match) -> bool:
    """Whether a place word says where, and is not a mere part of a name ("pleural")."""
    entry = match.entry
    return entry.is_place and (bool(entry.sides) or entry.zone in _LOBAR)


def _is_adverbial(
    words: Sequence[str], matches: Sequence[Match], cue: int, position: int
) -> bool:
    """Whether what is denied is a state of its own: "not deviated", "without priors"."""
    match = matches[cue]
    nouns = [other for other in matches[cue + 1 : position] if other.entry.findings]
    if _is_predicate(words, matches, cue):
        return all(words[other.last - 1].endswith("ed") for other in nouns)
    return match.first == 0 and words[match.last - 1] == "without" and not nouns


def _is_predicate(words: Sequence[str], matches: Sequence[Match], cue: int) -> bool:
    """Whether a "not" denies what stands for a sentence: "is not deviated"."""
    match = matches[cue]
    if words[match.last - 1] not in ("not", "longer"):
        return False
    if match.first == 0:
        return True
    return matches[cue - 1].entry.role == "verb" and (
        matches[cue - 1].last == match.first
    )
