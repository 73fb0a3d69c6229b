"""One sentence -> its claims: finding, regions, existence, and the words of each.

Findings come in two ways: named ("atelectasis"), or as the state of a structure ("the
heart is mildly enlarged", "mediastinal contours are normal").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from asg_core.reports.cues import Judgement, Reading, judge, read_sentence
from asg_core.reports.lexicon import Entry, Lexicon, Match
from asg_core.reports.places import BLANK, Group, Place, find_groups, holds, regions_of
from asg_core.reports.zones import SINGLE
from asg_core.terms.existence import Context, Existence
from asg_core.terms.regions import UNSPECIFIED

_DEVICES = frozenset({"line", "tube", "wire", "pacemaker", "device", "drainage"})
_VEINS = frozenset({"svc", "cavoatrial"})
_GENERATORS = frozenset({"pacemaker", "device"})
_SIDES_ONLY = frozenset({UNSPECIFIED, f"left {UNSPECIFIED}", f"right {UNSPECIFIED}"})
# Between an adjective of place and its finding: "left basilar small patchy opacity".
_MAX_ADJECTIVES = 6
_ADJECTIVE_CUES = frozenset({"compare_around", "compare_before", "past_before"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One finding of one sentence; offsets index the sentence's text, half-open."""

    finding: str
    regions: tuple[str, ...]
    existence: Existence
    context: Context
    span: tuple[int, int]
    place: tuple[int, int] | None
    cue: tuple[int, int] | None
    is_anaphoric: bool = False
    """Whether the sentence speaks of the one before it and names no place itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mention:
    """A named finding: the match, its groups of place words, and what it claims."""

    match: Match
    findings: tuple[str, ...]
    judgement: Judgement
    before: Group | None = None
    after: Group | None = None
    shared: tuple[Group, ...] = ()


def read_claims(
    lexicon: Lexicon,
    text: str,
    *,
    max_scope: int,
    defined: dict[str, Entry] | None = None,
) -> tuple[Claim, ...]:
    """Return the claims of one sentence, in the order of its words.

    `defined` maps abbreviations (lower case) that the report defines to what they mean.
    """
    reading = read_sentence(lexicon, text, defined=defined)
    if not any(m.entry.findings or m.entry.state for m in reading.matches):
        return ()
    groups = find_groups(reading.words, reading.matches, reading.clauses)
    mentions = _mentions(reading, groups, max_scope=max_scope)
    opener = reading.matches[0].entry
    is_anaphoric = opener.role == "anaphor" and reading.matches[0].first == 0
    claims = [
        *_named_claims(lexicon, reading, groups, mentions, is_anaphoric=is_anaphoric),
        *_state_claims(lexicon, reading, groups, max_scope=max_scope),
    ]
    return tuple(_distinct(_tip_places(claims)))


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


def _is_denied(mention: _Mention) -> bool:
    return mention.judgement.existence in (Existence.ABSENT, None)


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


def _in_state(
    lexicon: Lexicon, reading: Reading, mention: _Mention, finding: str
) -> Judgement:
    """Return the judgement of a finding that a state may turn: "normal markings"."""
    clause = reading.clauses.index_of(mention.match.first)
    for match in reading.matches:
        claims = lexicon.statements.get((finding, match.entry.state or ""), ())
        if claims and reading.clauses.index_of(match.first) == clause:
            return replace(
                mention.judgement,
                existence=claims[0][1],
                cue=(match.start, match.end),
            )
    return mention.judgement


def _ends_in_vein(mention: _Mention) -> bool:
    return mention.after is not None and any(
        place.zone in _VEINS for place in mention.after.places
    )


def _sides_before(groups: Sequence[Group], mention: _Mention) -> tuple[Place, ...]:
    group = _nearest_before(groups, mention.match.first)
    if group is None or any(place.zone for place in group.places):
        return ()
    return group.places


def _named_claims(
    lexicon: Lexicon,
    reading: Reading,
    groups: Sequence[Group],
    mentions: Sequence[_Mention],
    *,
    is_anaphoric: bool,
) -> Iterator[Claim]:
    for mention in mentions:
        if mention.judgement.existence is None:
            continue
        for finding in mention.findings:
            if finding == "tip" and _is_denied(mention):
                continue  # a tip that is not seen lies outside the image
            judgement = _in_state(lexicon, reading, mention, finding)
            existence = judgement.existence or Existence.PRESENT
            places, span = _places_of(lexicon, mention, finding)
            if finding == "line" and mention.match.entry.findings == ("tip",):
                if not _ends_in_vein(mention):
                    continue
                places = (*_sides_before(groups, mention), *places)
            regions = _regions(
                lexicon,
                finding,
                places,
                hint=mention.match.entry.place,
                is_pair=mention.match.entry.is_pair,
                existence=existence,
            )
            yield Claim(
                finding=finding,
                regions=regions,
                existence=existence,
                context=judgement.context,
                span=(mention.match.start, mention.match.end),
                place=span,
                cue=judgement.cue,
                is_anaphoric=is_anaphoric and span is None,
            )


def _places_of(
    lexicon: Lexicon, mention: _Mention, finding: str
) -> tuple[tuple[Place, ...], tuple[int, int] | None]:
    """Return the places of one finding and the words that name them."""
    rule = lexicon.place_rules[finding]
    before = _held(mention.before, lexicon, finding)
    after = _held(mention.after, lexicon, finding)
    if before and after and mention.before and mention.after:
        if finding in _GENERATORS and any(place.sides for place in before):
            after = before  # what follows is where the leads end
        joined = _joined(before, after)
        used = mention.before if joined == before else mention.after
        return joined, (used.start, used.end)
    for group, held in ((mention.before, before), (mention.after, after)):
        if group and held:
            return held, (group.start, group.end)
    for group in mention.shared:
        held = tuple(place for place in group.places if holds(place, rule))
        if held:
            return held, (group.start, group.end)
    for group in (mention.before, mention.after, *mention.shared):
        # A zone that cannot hold the finding still says on which side it is.
        sides = [place for place in group.places if place.sides] if group else []
        if group and sides:
            return (
                tuple(replace(place, zone=None) for place in sides),
                (group.start, group.end),
            )
    return (), None


def _held(group: Group | None, lexicon: Lexicon, finding: str) -> tuple[Place, ...]:
    if group is None:
        return ()
    rule = lexicon.place_rules[finding]
    return tuple(place for place in group.places if holds(place, rule))


def _joined(before: tuple[Place, ...], after: tuple[Place, ...]) -> tuple[Place, ...]:
    """Join the places on either side of a finding, where one completes the other.

    "Left pneumothorax at the apex": the side comes before, the zone after. "Basilar
    opacities on the left": the other way round. Otherwise what stands before wins.
    """
    if all(place.zone is None for place in before):
        if all(place.zone is None for place in after):
            return (*before, *after)
        if all(place.zone in SINGLE for place in after):
            return (*before, *after)  # "right catheter ending in the SVC"
        return _sided(after, by=before)
    if any(place.sides for place in before) or not any(p.sides for p in after):
        return before
    if all(place.zone is None for place in after):
        return _sided(before, by=after)
    return after


def _sided(places: Sequence[Place], *, by: Sequence[Place]) -> tuple[Place, ...]:
    """Give zones without a side the sides named on the other side of the finding."""
    sides = tuple(dict.fromkeys(side for place in by for side in place.sides))
    return tuple(replace(place, sides=place.sides or sides) for place in places)


def _regions(
    lexicon: Lexicon,
    finding: str,
    places: Sequence[Place],
    *,
    hint: str | None,
    is_pair: bool,
    existence: Existence,
) -> tuple[str, ...]:
    rule = lexicon.place_rules[finding]
    found = [
        region
        for place in (places or (None,))
        for region in regions_of(
            place, rule=rule, hint=hint, is_pair=is_pair, existence=existence
        )
    ]
    return tuple(dict.fromkeys(found))


def _state_claims(
    lexicon: Lexicon, reading: Reading, groups: Sequence[Group], *, max_scope: int
) -> Iterator[Claim]:
    """Yield what the states of structures claim: "the heart is mildly enlarged"."""
    for match in reading.matches:
        state = match.entry.state
        if state is None:
            continue
        for group, place in _subjects(lexicon, reading, groups, match, max_scope):
            for finding, existence in lexicon.statements[place.zone or "", state]:
                claim = _state_claim(
                    lexicon,
                    reading,
                    match,
                    group,
                    place,
                    finding,
                    existence,
                    max_scope=max_scope,
                )
                if claim is not None:
                    yield claim


def _subjects(
    lexicon: Lexicon,
    reading: Reading,
    groups: Sequence[Group],
    state: Match,
    max_scope: int,
) -> list[tuple[Group, Place]]:
    """Return the structures that a state is about.

    They stand before it in its clause, back to the state before ("heart and hila are
    normal"), or else right behind it ("normal heart size and mediastinal contours").
    """
    clause = reading.clauses.index_of(state.first)
    others = [m for m in reading.matches if m.entry.state and m is not state]
    floor = max(
        (
            other.last
            for other in others
            if other.last <= state.first
            and any(other.last <= g.first and g.last <= state.first for g in groups)
        ),
        default=0,
    )
    ceiling = min(
        (m.first for m in others if m.first >= state.last), default=len(reading.words)
    )
    before, after = [], []
    following = _nearest_after(groups, state.last)
    for group in groups:
        if reading.clauses.index_of(group.first) != clause:
            continue
        for place in group.places:
            if (place.zone or "", state.entry.state) not in lexicon.statements:
                continue
            if floor <= group.first and group.last <= state.first:
                before.append((group, place))
            elif state.last <= group.first and group.last <= ceiling:
                after.append((group, place))
    if following is not None and _is_attributive(reading, state, following):
        if not before or after or _is_set_off(reading, before[-1][0], state):
            return [pair for pair in after if pair[0].first - state.last <= max_scope]
    if not before:
        return [pair for pair in after if pair[0].first - state.last <= max_scope]
    return [pair for pair in before if state.first - pair[0].last <= max_scope]


def _is_set_off(reading: Reading, group: Group, state: Match) -> bool:
    """Whether a comma and no verb stands between: "heart size, enlarged aorta"."""
    roles = {
        match.entry.role
        for match in reading.matches
        if group.last <= match.first < state.first
    }
    return "comma" in roles and "verb" not in roles


def _is_attributive(reading: Reading, state: Match, group: Group) -> bool:
    """Whether the state is an adjective of the group, or "enlargement of" it."""
    if group.first - state.last > 3:
        return False
    return not any(
        match.entry.role in ("verb", "comma", "and")
        for match in reading.matches
        if state.last <= match.first < group.first
    )


def _state_claim(
    lexicon: Lexicon,
    reading: Reading,
    state: Match,
    group: Group,
    place: Place,
    finding: str,
    existence: Existence,
    *,
    max_scope: int,
) -> Claim | None:
    judgement = judge(reading, state.first, state.last, max_scope=max_scope)
    cue = judgement.cue
    if judgement.existence is None:
        return None
    if existence is Existence.ABSENT:
        if judgement.existence is Existence.ABSENT:
            return None  # "not normal" says that something is there, not what
        cue = (state.start, state.end)
    elif judgement.existence is not Existence.PRESENT:
        existence = judgement.existence
    elif existence is Existence.UNCERTAIN:
        cue = (state.start, state.end)
    start, end = min(group.start, state.start), max(group.end, state.end)
    return Claim(
        finding=finding,
        regions=_regions(
            lexicon,
            finding,
            (place,) if holds(place, lexicon.place_rules[finding]) else (),
            hint=None,
            is_pair=False,
            existence=existence,
        ),
        existence=existence,
        context=judgement.context,
        span=(start, end),
        place=(group.start, group.end),
        cue=cue,
    )


def _tip_places(claims: Sequence[Claim]) -> list[Claim]:
    """Let a device that has no boxed place of its own be where its tip is."""
    result = []
    for position, claim in enumerate(claims):
        tip = claims[position + 1] if position + 1 < len(claims) else None
        if (
            claim.finding in _DEVICES
            and tip is not None
            and tip.finding == "tip"
            and set(claim.regions) <= _SIDES_ONLY
        ):
            own = tuple(region for region in claim.regions if region != UNSPECIFIED)
            regions = tuple(dict.fromkeys((*own, *tip.regions)))
            place = tip.place if claim.place is None else claim.place
            result.append(replace(claim, regions=regions, place=place))
        else:
            result.append(claim)
    return result


def _distinct(claims: Sequence[Claim]) -> list[Claim]:
    """Keep one claim per finding, start and region: the key of the table."""
    seen: set[tuple[str, int, str]] = set()
    result = []
    for claim in sorted(claims, key=lambda claim: claim.span):
        keys = [(claim.finding, claim.span[0], region) for region in claim.regions]
        regions = tuple(
            region
            for key, region in zip(keys, claim.regions, strict=True)
            if key not in seen
        )
        seen.update(keys)
        if regions:
            result.append(replace(claim, regions=regions))
    return result


def _nearest_before(groups: Sequence[Group], first: int) -> Group | None:
    return next((group for group in reversed(groups) if group.last <= first), None)


def _nearest_after(groups: Sequence[Group], last: int) -> Group | None:
    return next((group for group in groups if group.first >= last), None)
