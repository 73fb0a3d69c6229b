"""Give named findings the place words that stand with them: "left basilar opacity"."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from asg_core.reports.grammar.places import (
    Group,
    Place,
    has_no_zone,
    named_sides,
    sided,
)
from asg_core.reports.grammar.sentence import Mention, Sentence
from asg_core.reports.lexicon.phrases import Match

# Between an adjective of place and its finding: "left basilar small patchy opacity".
_MAX_ADJECTIVES = 6
_DENIALS = frozenset(
    {
        f"{effect}_{where}"
        for effect in ("deny", "none", "remove")
        for where in ("before", "after")
    }
)
_ADJECTIVE_CUES = frozenset(
    {"compare_around", "compare_before", "past_before", "apart"}
)
# What is worse on one side is on both, what is worst in a zone is not only there.
_WORSE = frozenset({"worse", "greater", "larger", "bigger", "denser", "more"})
_WORST = _WORSE | {"worst", "greatest", "largest", "densest", "most", "maximal"}
_WORST |= {"especially", "particularly", "predominantly", "mostly", "mainly"}
_BOTH = ("left", "right")


def give_own_places(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Give each mention the groups of place words that belong to it on either side."""
    _give_own(sentence, mentions)
    _give_adjectives(sentence, mentions)
    _give_followers(sentence, mentions)
    _give_neighbours_follower(sentence, mentions)
    _give_trailing(sentence, mentions)
    _give_worst(sentence, mentions)
    _give_tips(sentence, mentions)
    for mention in mentions:
        if not sentence.lexicon.kinds.directed.isdisjoint(mention.findings):
            _drop_directions(mention)


def _give_own(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Give each mention the place within its own phrase: "fluid in the minor fissure"."""
    for mention in mentions:
        if mention.match.entry.is_place:
            first = mention.match.first
            own = (
                group for group in sentence.groups if group.first <= first < group.last
            )
            mention.after = next(own, None)


def _give_adjectives(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Give each mention the group that runs up to it: "left basilar opacity".

    In "blunting of the left angle scarring" the group follows another finding, which
    then shares it, so it is not given here.
    """
    known: Mention | None = None
    for mention in mentions:
        group = sentence.group_before(mention.match.first)
        if (
            group is not None
            and _is_adjective(sentence, group, mention.match)
            and not (known is not None and _is_taken(sentence, known, group))
        ):
            mention.before = group
        known = mention


def _is_taken(sentence: Sentence, known: Mention, group: Group) -> bool:
    """Whether a preposition, and nothing else, ties the group to the finding before.

    It does not in "tip of the left line", where the group names the line.
    """
    if sentence.lexicon.kinds.tip.issuperset(known.findings):
        return False
    between = sentence.between(known.match.last, group.first)
    return len(between) == 1 and between[0].entry.role == "prep"


def _is_adjective(sentence: Sentence, group: Group, match: Match) -> bool:
    if match.first - group.last > _MAX_ADJECTIVES:
        return False
    if sentence.clause_of(group) != sentence.clause_of(match):
        return False
    between = sentence.between(group.last, match.first)
    if len(between) == 1 and between[0].entry.role == "and":
        # "Bilateral interstitial and alveolar opacities": "and" joins the adjectives.
        return (
            has_no_zone(group)
            and group.last < between[0].first
            and between[0].last < match.first
        )
    return not any(
        other.entry.role or other.entry.findings or other.entry.cues - _ADJECTIVE_CUES
        for other in between
    )


def _give_followers(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Give each mention the group that follows it: "opacity in the left base".

    A group that runs up to another finding is that one's, unless both are one noun
    ("calcified left hilar nodes"), and a group behind a tip is the tip's.
    """
    owned = {mention.before.first for mention in mentions if mention.before}
    nouns: set[int] = set()
    for mention in reversed(mentions):
        group = sentence.group_after(mention.match.last)
        if group is None or mention.after is not None:
            continue
        is_one_noun = _is_one_noun(sentence, mention, group)
        if (
            group.first - mention.match.last <= sentence.max_scope
            and sentence.clause_of(group) == sentence.clause_of(mention.match)
            and (group.first not in owned or is_one_noun)
            # "Coronary stents and calcified aorta": the stents have their place.
            and not (mention.match.entry.place and group.first in nouns)
            and not _is_of_tip(sentence, mentions, mention, group)
            and not _is_of_later(sentence, mentions, mention, group)
            and not _is_on_side_of_later(mentions, mention, group)
        ):
            mention.after = group
            if is_one_noun:
                nouns.add(group.first)


def _give_neighbours_follower(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Share what follows a pair of findings of which the second has an adjective too.

    An example is "consolidation and costophrenic blunting in both lower lobes".
    """
    for first, second in itertools.pairwise(mentions):
        if first.before or first.after or second.before is None or not second.after:
            continue
        between = sentence.between(first.match.last, second.before.first)
        if len(between) == 1 and between[0].entry.role in ("and", "or"):
            first.after = second.after


def _give_trailing(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Give a finding the place that a clause without a finding adds.

    An example is "an opacity is seen, probably in the left lower lobe".
    """
    if len(sentence.reading.clauses.starts) == 1:
        return
    implanted = sentence.lexicon.kinds.implanted
    for mention, later in itertools.pairwise([*mentions, None]):
        if mention is None or mention.before or mention.after or mention.is_denied:
            continue
        if not implanted.isdisjoint(mention.findings):
            continue  # "a tube with its port above the junction"
        group = sentence.group_after(mention.match.last)
        if group is None or (later and later.match.first < group.last):
            continue
        clause = sentence.clause_of(group)
        if clause != sentence.clause_of(mention.match) + 1:
            continue
        if later and sentence.clause_of(later.match) == clause:
            continue
        between = sentence.between(mention.match.last, group.first)
        if between[-1].entry.role != "prep":
            continue
        start, end = sentence.reading.clauses.around(group.first)
        if not any(
            match.entry.state or match.entry.cues & _DENIALS
            for match in sentence.between(start, end)
        ):
            mention.after = group


def _give_worst(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Add the other side, where a finding is less, and the place where it is worst.

    The first in "edema, worse on the right", the second in "opacities in both lungs,
    worst at the right base".
    """
    words = sentence.reading.words
    if _WORST.isdisjoint(words):
        return
    for mention, later in itertools.pairwise([*mentions, None]):
        if mention is None or mention.after is None or mention.is_denied:
            continue
        group, before = mention.after, mention.before
        if not (before and named_sides(before)) and _is_compared(sentence, mention):
            places: tuple[Place, ...] = (Place(None, _BOTH, is_pair=False),)
            if before:
                places = tuple(sided(before.places, by=places))
            mention.before = replace(before or group, places=places)
        worst = sentence.group_after(group.last)
        if (
            worst is not None
            and all(place.zone in (None, "lung") for place in group.places)
            and sentence.clause_of(worst) == sentence.clause_of(group)
            and (later is None or worst.last <= later.match.first)
            and (later is None or worst is not later.before)
            and not _WORST.isdisjoint(words[group.last : worst.first])
        ):
            places = tuple(sided(worst.places, by=group.places))
            if not has_no_zone(group) or len(named_sides(worst)) == 1:
                places = (*group.places, *places)
            mention.after = replace(group, places=places)


def _is_compared(sentence: Sentence, mention: Mention) -> bool:
    """Whether one side is set off as the worse one, of the two and not of two times."""
    words, group = sentence.reading.words, mention.after
    if group is None or len(named_sides(group)) != 1:
        return False
    between = words[mention.match.last : group.first]
    is_than = "than" in words[group.last : group.last + 4]
    return "," in between and not _WORSE.isdisjoint(between) and not is_than


def _is_one_noun(sentence: Sentence, mention: Mention, group: Group) -> bool:
    last = mention.match.last
    return group.first - last <= 1 and not sentence.between(last, group.first)


def _is_of_later(
    sentence: Sentence, mentions: Sequence[Mention], mention: Mention, group: Group
) -> bool:
    """Whether "of" ties the group to a later finding of a denied list.

    In "no consolidation, effusion, or blunting of the angles" only the last is there.
    """
    words = sentence.reading.words[max(group.first - 2, 0) : group.first]
    if not mention.is_denied or "of" not in words:
        return False
    is_list = any(
        match.entry.role == "comma"
        for match in sentence.between(mention.match.last, group.first)
    )
    return is_list and any(
        mention.match.last <= other.match.first < group.first for other in mentions
    )


def _is_on_side_of_later(
    mentions: Sequence[Mention], mention: Mention, group: Group
) -> bool:
    """Whether the other side is of a later finding: "left effusion, scar on the right"."""
    if mention.before is None or named_sides(mention.before) >= named_sides(group):
        return False
    return bool(named_sides(mention.before)) and any(
        mention.match.last <= other.match.first < group.first for other in mentions
    )


def _is_of_tip(
    sentence: Sentence, mentions: Sequence[Mention], mention: Mention, group: Group
) -> bool:
    """Whether the group is where the device ends: "catheter ends in the SVC"."""
    kinds = sentence.lexicon.kinds
    return not kinds.tipped.isdisjoint(mention.findings) and any(
        kinds.tip.issuperset(other.findings)
        and mention.match.last <= other.match.first < group.first
        for other in mentions
    )


def _give_tips(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Give the tip of a named device where that is: "tip of the left line is in the SVC"."""
    kinds = sentence.lexicon.kinds
    for tip, device in itertools.pairwise(mentions):
        is_tipped = not kinds.tipped.isdisjoint(device.findings)
        if is_tipped and kinds.tip.issuperset(tip.findings):
            between = sentence.between(tip.match.last, device.match.first)
            if (
                between
                and between[0].entry.role == "prep"
                # "Tip in the SVC, left port": the port is another device.
                and all(other.entry.is_place for other in between[1:])
            ):
                end = sentence.group_after(device.match.last)
                tip.before, tip.after = None, device.after or end


def _drop_directions(shift: Mention) -> None:
    """Take away the sides of a shift: they say where to, not where."""
    shift.before = _without_sides(shift.before)
    shift.after = _without_sides(shift.after)


def _without_sides(group: Group | None) -> Group | None:
    """Return a group without its sides; None if nothing is left of it."""
    if group is None or has_no_zone(group):
        return None
    places = tuple(replace(place, sides=()) for place in group.places if place.zone)
    return replace(group, places=places)
