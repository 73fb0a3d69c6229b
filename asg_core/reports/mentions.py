"""Named findings of a sentence, and the place words that belong to each.

See `asg_core.reports.places` for the groups of place words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from asg_core.reports.cues import Judgement, Reading, judge
from asg_core.reports.lexicon import Lexicon, Match
from asg_core.reports.places import BLANK, Group
from asg_core.terms.existence import Existence

DEVICES = frozenset({"line", "tube", "wire", "pacemaker", "device", "drainage"})
"""Findings that have a tip."""

# Between an adjective of place and its finding: "left basilar small patchy opacity".
_MAX_ADJECTIVES = 6
_ADJECTIVE_CUES = frozenset({"compare_around", "compare_before", "past_before"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that is read, with the lexicon it is read by."""

    lexicon: Lexicon
    reading: Reading
    groups: Sequence[Group]
    max_scope: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A named finding: its words, what is claimed of it, and its place words.

    `before` and `after` are the groups that belong to it on either side, `shared` those
    that it takes from its clause or from its neighbour, the nearest first.
    """

    match: Match
    findings: tuple[str, ...]
    judgement: Judgement
    before: Group | None = None
    after: Group | None = None
    shared: tuple[Group, ...] = ()

    @property
    def is_denied(self) -> bool:
        """Whether the sentence says that it is not there, or claims nothing."""
        return self.judgement.existence in (Existence.ABSENT, None)


def _mentions(
    reading: Reading, groups: Sequence[Group], *, max_scope: int
) -> list[_Mention]:
    mentions = []
    has_device = False
    for match in reading.matches:
        findings = match.entry.findings
        if match.entry.role == "ends" and has_device:
            findings = ("tip",)
        if not findings:
            continue
        if findings == ("tip",) and not has_device and _has_blank(reading, match):
            findings = ("line", "tip")
        has_device = has_device or bool(_DEVICES.intersection(findings))
        judgement = judge(reading, match.first, match.last, max_scope=max_scope)
        mentions.append(_Mention(match=match, findings=findings, judgement=judgement))
    mentions = _with_adjectives(reading, groups, mentions)
    return _with_shared(
        reading, groups, _with_followers(reading, groups, mentions, max_scope=max_scope)
    )


def _has_blank(reading: Reading, tip: Match) -> bool:
    """Whether a word before the tip was removed: "left chest XXXX with tip in the SVC".

    The removed word is then the device. Only what ends in a great vein is surely a
    line; `_named_claims` checks that.
    """
    return any(word.text.startswith(BLANK) for word in reading.words[: tip.first])


def _with_adjectives(
    reading: Reading, groups: Sequence[Group], mentions: Sequence[_Mention]
) -> list[_Mention]:
    """Give each mention the group that runs up to it: "left basilar opacity".

    Not so in "blunting of the left angle scarring": there the group follows another
    finding, which then shares it.
    """
    result: list[_Mention] = []
    for mention in mentions:
        group = _nearest_before(groups, mention.match.first)
        if (
            group is not None
            and _is_adjective(reading, group, mention.match)
            and not (result and _is_taken(reading, result[-1], group))
        ):
            result.append(replace(mention, before=group))
        else:
            result.append(mention)
    return result


def _is_taken(reading: Reading, known: _Mention, group: Group) -> bool:
    """Whether a preposition ties the group to the finding before it."""
    if known.match.last > group.first:
        return False
    between = [
        match
        for match in reading.matches
        if known.match.last <= match.first < group.first
    ]
    return bool(between) and between[-1].entry.role == "prep" and len(between) == 1


def _is_adjective(reading: Reading, group: Group, match: Match) -> bool:
    if match.first - group.last > _MAX_ADJECTIVES:
        return False
    if reading.clauses.index_of(group.first) != reading.clauses.index_of(match.first):
        return False
    return all(
        between.entry.role is None
        and not between.entry.findings
        and not between.entry.cues - _ADJECTIVE_CUES
        for between in reading.matches
        if group.last <= between.first < match.first
    )


def _with_followers(
    reading: Reading,
    groups: Sequence[Group],
    mentions: Sequence[_Mention],
    *,
    max_scope: int,
) -> list[_Mention]:
    """Give each mention the group that follows it: "opacity in the left base".

    A group that runs up to another finding is that one's, unless both are one noun:
    "calcified left hilar nodes".
    """
    owned = {mention.before.first for mention in mentions if mention.before}
    result = []
    for mention in mentions:
        group = _nearest_after(groups, mention.match.last)
        if (
            group is None
            or group.first - mention.match.last > max_scope
            or (
                group.first in owned and not _is_one_noun(reading, mention.match, group)
            )
            or reading.clauses.index_of(group.first)
            != reading.clauses.index_of(mention.match.first)
            or _is_of_tip(mentions, mention, group)
        ):
            result.append(mention)
            continue
        result.append(replace(mention, after=group))
    return result


def _is_of_tip(mentions: Sequence[_Mention], mention: _Mention, group: Group) -> bool:
    """Whether the group is where the device ends: "catheter ends in the SVC"."""
    return bool(_DEVICES.intersection(mention.findings)) and any(
        other.findings == ("tip",)
        and mention.match.last <= other.match.first < group.first
        for other in mentions
    )


def _is_one_noun(reading: Reading, match: Match, group: Group) -> bool:
    return group.first - match.last <= 1 and not any(
        match.last <= between.first < group.first for between in reading.matches
    )


def _with_shared(
    reading: Reading, groups: Sequence[Group], mentions: Sequence[_Mention]
) -> list[_Mention]:
    """Give a mention without a place the subject of its clause, or its neighbour's."""
    result: list[_Mention] = []
    for mention in mentions:
        if mention.before or mention.after:
            result.append(mention)
            continue
        clause = reading.clauses.index_of(mention.match.first)
        earlier = _groups_in(reading, groups, clause, mention)
        if not earlier and result:
            earlier = _inherited(reading, result[-1], mention)
        elif not earlier and clause and not _is_denied(mention):
            # "The left upper lobe with scarring": the place is the noun before.
            earlier = _groups_in(reading, groups, clause - 1, mention)
        result.append(replace(mention, shared=earlier))
    return result


def _groups_in(
    reading: Reading, groups: Sequence[Group], clause: int, mention: _Mention
) -> tuple[Group, ...]:
    """Return the groups of a clause that stand before a mention, nearest first."""
    return tuple(
        group
        for group in reversed(groups)
        if group.last <= mention.match.first
        and reading.clauses.index_of(group.first) == clause
    )


def _inherited(
    reading: Reading, known: _Mention, mention: _Mention
) -> tuple[Group, ...]:
    """Return the groups that a mention takes over from the clause before its own.

    "Left basilar opacity, likely atelectasis"; "right effusion with adjacent collapse".
    A denial takes nothing over: "left basilar opacity, no effusion".
    """
    if _is_denied(mention) or _is_denied(known):
        return ()
    distance = reading.clauses.index_of(mention.match.first) - reading.clauses.index_of(
        known.match.first
    )
    if distance > 1:
        return ()
    own = tuple(group for group in (known.after, known.before) if group)
    return own or known.shared


def _nearest_before(groups: Sequence[Group], first: int) -> Group | None:
    return next((group for group in reversed(groups) if group.last <= first), None)


def _nearest_after(groups: Sequence[Group], last: int) -> Group | None:
    return next((group for group in groups if group.first >= last), None)


