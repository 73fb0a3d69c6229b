"""Read findings that are stated as the state of a structure.

"The heart is mildly enlarged" is cardiomegaly, "mediastinal contours are normal" denies
an enlarged cardiomediastinum. Which structure in which state claims what is a table,
`lexicon/data/statements.tsv`.
"""

from collections.abc import Iterator

from asg_core.reports.grammar.claims import Claim, regions_at
from asg_core.reports.grammar.cues import judge
from asg_core.reports.grammar.places import Group, Place, holds
from asg_core.reports.grammar.sentence import Sentence
from asg_core.reports.lexicon.phrases import Match
from asg_core.terms.existence import Existence

# "Enlargement of the heart", "normal heart size": as near as an adjective.
_MAX_GAP = 3


def state_claims(sentence: Sentence) -> Iterator[Claim]:
    """Yield the claims that the states of structures make."""
    for state in sentence.reading.matches:
        if state.entry.state is None:
            continue
        for group, place in _subjects(sentence, state):
            key = (place.zone or "", state.entry.state)
            for claimed in sentence.lexicon.statements[key]:
                claim = _state_claim(sentence, state, group, place, claimed)
                if claim is not None:
                    yield claim


def _subjects(sentence: Sentence, state: Match) -> list[tuple[Group, Place]]:
    """Return the structures that a state is about.

    They stand before it in its clause, back to the state before ("heart and hila are
    normal"), or else right behind it ("normal heart size and mediastinal contours").
    """
    before, after = _candidates(sentence, state)
    behind = sentence.group_after(state.last)
    if (
        behind is not None
        and _is_adjective_of(sentence, state, behind)
        and (not before or after or _is_set_off(sentence, before[-1][0], state))
    ):
        before = []
    if before:
        return [
            pair for pair in before if state.first - pair[0].last <= sentence.max_scope
        ]
    return [pair for pair in after if pair[0].first - state.last <= sentence.max_scope]


def _candidates(
    sentence: Sentence, state: Match
) -> tuple[list[tuple[Group, Place]], list[tuple[Group, Place]]]:
    """Return the structures of the clause on either side, up to the next state.

    The adjective of a finding is none: in "right basilar scar, left base is clear" only
    the left base is clear.
    """
    low, high = _reach(sentence, state)
    findings = {
        match.first
        for match in sentence.reading.matches
        if match.entry.findings and not match.entry.state
    }
    clause = sentence.clause_of(state)
    before: list[tuple[Group, Place]] = []
    after: list[tuple[Group, Place]] = []
    for group in sentence.groups:
        if sentence.clause_of(group) != clause or group.last in findings:
            continue
        for place in group.places:
            key = (place.zone or "", state.entry.state or "")
            if key not in sentence.lexicon.statements:
                continue
            if low <= group.first and group.last <= state.first:
                before.append((group, place))
            elif state.last <= group.first and group.last <= high:
                after.append((group, place))
    return before, after


def _reach(sentence: Sentence, state: Match) -> tuple[int, int]:
    """Return the words between which the structures of a state stand.

    Two states with no structure between them share theirs: "heart size is normal to
    mildly enlarged".
    """
    low, high = 0, len(sentence.reading.words)
    for other in sentence.reading.matches:
        if other.entry.state is None or other is state:
            continue
        if other.first >= state.last:
            high = other.first
            break
        if any(
            other.last <= group.first and group.last <= state.first
            for group in sentence.groups
        ):
            low = other.last
    return low, high


def _is_set_off(sentence: Sentence, group: Group, state: Match) -> bool:
    """Whether a comma and no verb stands between: "heart size, enlarged aorta"."""
    roles = {match.entry.role for match in sentence.between(group.last, state.first)}
    return "comma" in roles and "verb" not in roles


def _is_adjective_of(sentence: Sentence, state: Match, group: Group) -> bool:
    """Whether the state is an adjective of the group, or "enlargement of" it."""
    if group.first - state.last > _MAX_GAP:
        return False
    between = sentence.between(state.last, group.first)
    return not any(match.entry.role in ("verb", "comma", "and") for match in between)


def _state_claim(
    sentence: Sentence,
    state: Match,
    group: Group,
    place: Place,
    claimed: tuple[str, Existence],
) -> Claim | None:
    """Return what a structure in a state claims, as the cues of its clause turn it."""
    finding, existence = claimed
    judgement = judge(
        sentence.reading, state.first, state.last, max_scope=sentence.max_scope
    )
    if judgement.existence is None:
        return None
    cue = judgement.cue
    if existence is Existence.ABSENT:
        if judgement.existence is Existence.ABSENT:
            return None  # "not normal" says that something is there, not what
        cue = (state.start, state.end)
    elif judgement.existence is not Existence.PRESENT:
        existence = judgement.existence
    elif existence is Existence.UNCERTAIN:
        cue = (state.start, state.end)
    can_hold = holds(place, sentence.lexicon.place_rules[finding])
    places = (place,) if can_hold else ()
    return Claim(
        finding=finding,
        regions=regions_at(sentence.lexicon, finding, places, existence=existence),
        existence=existence,
        context=judgement.context,
        span=(min(group.start, state.start), max(group.end, state.end)),
        place=(group.start, group.end),
        cue=cue,
    )
