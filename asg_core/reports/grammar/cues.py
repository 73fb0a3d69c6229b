"""Decide by the cues of a clause whether a finding is there.

A cue stands before the findings it acts on ("no effusion"), after them ("effusion has
resolved"), or on either side ("unchanged"). It reaches as far as its clause (see
`asg_core.reports.grammar.clauses`) and `max_scope` words. Where several cues reach a finding,
the first of this order decides: no claim (a question, a plan, a limit of the study),
removal, denial, history, doubt, comparison. A finding that no cue reaches is present.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from asg_core.reports.grammar.denials import is_beyond
from asg_core.reports.grammar.reading import Reading
from asg_core.reports.lexicon.phrases import Match
from asg_core.terms.existence import Context, Existence

# "prior" makes a finding the past only when it stands right before it.
_PAST_REACH = 2
# "Pneumothorax and tube removal": of what stands right before the word.
_NEAR_REACH = 1
# Two findings are alternatives when "or" stands this close to both.
_ALTERNATE_REACH = 6
# Cues that stand before or after their noun; before the next noun they are that one's.
_TWO_WAYS = frozenset(
    [
        frozenset({"doubt_before", "doubt_after"}),
        frozenset({"deny_before", "deny_after"}),
    ]
)
_MAX_ADJECTIVES = 3
# "Not yet fully removed", "does not allow reliable exclusion of".
_MAX_ADVERBS = 2
_REMOVALS = frozenset({"remove_before", "remove_after", "remove_near"})
_PLAIN = frozenset({"deny_before"})  # right before a finding it is of that alone
_TURNED = frozenset({"none", "remove", "deny"})
_FIRST = attrgetter("first")
_LAST = attrgetter("last")


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Judgement:
    """What the text claims about one span, and the cue that decided it.

    `existence` None: the text makes no claim (a question, a plan). `cue` None: no cue
    reaches the span. The cue's offsets index the text that was judged.
    """

    existence: Existence | None
    context: Context
    cue: tuple[int, int] | None


PRESENT = Judgement(existence=Existence.PRESENT, context=Context.CURRENT, cue=None)
"""What is claimed of words that no cue reaches."""

# In order of precedence.
_EFFECTS: tuple[tuple[str, Existence | None, Context], ...] = (
    ("none", None, Context.CURRENT),
    ("remove", Existence.ABSENT, Context.REMOVAL),
    ("deny", Existence.ABSENT, Context.CURRENT),
    ("history", Existence.PRESENT, Context.HISTORY),
    ("doubt", Existence.UNCERTAIN, Context.CURRENT),
    ("compare", Existence.PRESENT, Context.COMPARISON),
)
_RANK = {name: rank for rank, (name, _, _) in enumerate(_EFFECTS)}


def judge(reading: Reading, first: int, last: int, *, max_scope: int) -> Judgement:
    """Return what the sentence claims about its words `first` to `last`, half-open."""
    low, high = reading.clauses.around(first)
    best: tuple[int, int] | None = None  # rank, then distance in words
    found: Match | None = None
    for position, match in enumerate(reading.matches):
        if not match.entry.cues or not low <= match.first < high:
            continue
        distance = first - match.last if match.last <= first else match.first - last
        if distance < 0 or distance > max_scope:
            continue
        effect = _effect(reading, match, first, last, distance)
        if effect in _TURNED and (distance or match.entry.cues != _PLAIN):
            effect = _turned(reading, position, effect, first)
        if effect is None:
            continue
        key = (_RANK[effect], distance)
        if best is None or key < best:
            best, found = key, match
    if best is None or found is None:
        return PRESENT
    _, existence, context = _EFFECTS[best[0]]
    return Judgement(existence, context, (found.start, found.end))


def _effect(
    reading: Reading, match: Match, first: int, last: int, distance: int
) -> str | None:
    """Return the strongest effect that one cue has on the words first..last."""
    is_before = match.last <= first
    cues = match.entry.cues
    if not is_before and cues in _TWO_WAYS and _has_noun_behind(reading, match):
        return None  # "effusion and possible pneumonia"
    effect, has_past, has_alternate = _effects(cues, is_before)
    if has_past and distance <= _PAST_REACH:
        effect = _stronger(effect, "history")
    if not is_before and distance <= _NEAR_REACH and "remove_near" in cues:
        effect = _stronger(effect, "remove")
    if has_alternate and _is_alternative(reading, match, first, last):
        effect = _stronger(effect, "doubt")
    return effect


def _turned(reading: Reading, position: int, effect: str, first: int) -> str | None:
    """Return what an effect becomes beside a denial, which turns it or is taken up by it.

    What is not removed or not resolved is there ("no resolution of the edema"), what is
    not excluded is in doubt. A denial of these, or of another noun ("no displacement of
    the fracture"), does not deny the finding itself.
    """
    matches = reading.matches
    match = matches[position]
    if effect == "deny" and match.last <= first and _is_spent(reading, position, first):
        return None
    if not _can_turn(match) or not _is_denied(matches, position):
        return effect
    return "compare" if effect == "remove" else "doubt"


def _can_turn(match: Match) -> bool:
    """Whether a denial right before a cue turns it instead of denying a finding."""
    cues = match.entry.cues
    return "turned" in cues or not _REMOVALS.isdisjoint(cues)


def _is_spent(reading: Reading, position: int, first: int) -> bool:
    """Whether a denial before a finding denies something else than it."""
    matches = reading.matches
    cue = matches[position]
    for behind in matches[position + 1 : position + 2]:
        if behind.first - cue.last <= _MAX_ADVERBS and _can_turn(behind):
            return behind.last <= first
    return is_beyond(reading.lexicon.scope, reading.words, matches, cue, first)


def _is_denied(matches: Sequence[Match], position: int) -> bool:
    """Whether a cue stands right behind a denial, or a verb between: "not been removed"."""
    last = matches[position].first
    for match in reversed(matches[max(position - 2, 0) : position]):
        if last - match.last > _MAX_ADVERBS:
            return False
        if "deny_before" in match.entry.cues:
            return True
        if match.entry.role != "verb":
            return False
        last = match.first
    return False


@lru_cache(maxsize=1024)
def _effects(
    cues: frozenset[str],
    is_before: bool,  # noqa: FBT001 - a cache key
) -> tuple[str | None, bool, bool]:
    """Return the strongest effect of some cues on what follows them or precedes them.

    Two cues depend on more than that: "past" on the distance, "alternate" on the
    findings around it. Whether they are among the cues is returned beside the effect.
    """
    strongest = None
    for cue in cues:
        name, _, direction = cue.partition("_")
        is_directed = direction in ("around", "before" if is_before else "after")
        if name in _RANK and is_directed:
            strongest = _stronger(strongest, name)
    return strongest, is_before and "past_before" in cues, "alternate" in cues


def _has_noun_behind(reading: Reading, cue: Match) -> bool:
    """Whether a finding follows the cue, or its place words and then it."""
    position = bisect_left(reading.matches, cue.last, key=_FIRST)
    for match in reading.matches[position : position + _MAX_ADJECTIVES]:
        if match.entry.findings:
            return True
        if not match.entry.is_place:
            return False
    return False


def _stronger(one: str | None, other: str) -> str:
    return other if one is None else min(one, other, key=_RANK.__getitem__)


def _is_alternative(reading: Reading, cue: Match, first: int, last: int) -> bool:
    """Whether "or" stands between this finding and another one close by."""
    # Only what is near, or a sentence that is one long list takes cubic time.
    matches = reading.matches
    low = bisect_left(matches, cue.first - _ALTERNATE_REACH, key=_LAST)
    high = bisect_right(matches, cue.last + _ALTERNATE_REACH, key=_FIRST)
    before = after = None
    has_side = False
    for match in matches[low:high]:
        if match.first == cue.last and match.entry.sides and has_side:
            return False  # "atelectasis, R > L effusions"
        if match.last == cue.first:
            has_side = bool(match.entry.sides) and not match.entry.zone
        if not match.entry.findings and not (match.first <= first < match.last):
            continue
        if match.last <= cue.first:
            before = match
        elif after is None and match.first >= cue.last:
            after = match
    if before is None or after is None:
        return False
    named = before.entry.findings + after.entry.findings
    if reading.lexicon.kinds.implanted.issuperset(named):
        return False  # "pacemaker/ICD"
    return first in (before.first, after.first) or before.first <= first < after.last
