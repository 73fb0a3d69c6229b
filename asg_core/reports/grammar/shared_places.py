"""Give findings without place words the subject of their clause, or a neighbour's place."""

from collections.abc import Sequence
from dataclasses import replace

from asg_core.reports.grammar.places import LUNG_PARTS, Group, has_no_zone, named_sides
from asg_core.reports.grammar.sentence import Mention, Sentence


def give_shared_places(sentence: Sentence, mentions: Sequence[Mention]) -> None:
    """Give a mention without a place the subject of its clause, or its neighbour's."""
    known: Mention | None = None
    for mention in mentions:
        previous, known = known, mention
        if mention.before or mention.after:
            if previous is not None and _is_side_of_both(sentence, previous, mention):
                mention.before = previous.before
            elif mention.before is None:
                mention.before = _lung_before(sentence, mention)
            _give_side(sentence, previous, mention)
            continue
        clause = sentence.clause_of(mention.match)
        shared = _groups_in(sentence, clause, mention)
        if previous is not None and _is_apart(sentence, previous, mention):
            shared = tuple(group for group in shared if not _is_owned(mentions, group))
        elif not shared and previous is not None:
            shared = _inherited(sentence, previous, mention)
        elif not shared and clause and _is_of_noun_before(sentence, mention):
            shared = _groups_in(sentence, clause - 1, mention)
        mention.shared = shared


def _is_apart(sentence: Sentence, known: Mention, mention: Mention) -> bool:
    """Whether the place of the finding before says nothing of this one, put in.

    What is put in is not where the disease is ("opacity in the left base; sternotomy
    wires"), nor where another device is that a verb parts from it ("the right line is
    obscured by the pacemaker").
    """
    implanted = sentence.lexicon.kinds.implanted
    if implanted.isdisjoint(mention.findings):
        return False
    between = sentence.between(known.match.last, mention.match.first)
    return implanted.isdisjoint(known.findings) or any(
        match.entry.role == "verb" for match in between
    )


def _is_owned(mentions: Sequence[Mention], group: Group) -> bool:
    """Whether a group belongs to one of the findings."""
    return any(
        own is not None and own.first == group.first
        for mention in mentions
        for own in (mention.before, mention.after)
    )


def _is_of_noun_before(sentence: Sentence, mention: Mention) -> bool:
    """Whether a finding without a place lies in the noun of the clause before its own.

    It does in "the left upper lobe with scarring" and in "the trachea is midline and not
    deviated", but not in "the left lung is clear, no effusion".
    """
    if not mention.is_denied:
        return True
    words = sentence.reading.words[mention.match.first : mention.match.last]
    return len(words) == 1 and words[0].endswith("ed")


def _is_side_of_both(sentence: Sentence, known: Mention, mention: Mention) -> bool:
    """Whether two findings share a zone before them and the sides behind them.

    They do in "bibasilar atelectasis and opacities, left more than right".
    """
    if mention.before or mention.after is None or known.before is None:
        return False
    between = sentence.between(known.match.last, mention.match.first)
    return has_no_zone(mention.after) and (
        len(between) == 1 and between[0].entry.role in ("and", "or", "slash")
    )


def _give_side(sentence: Sentence, known: Mention | None, mention: Mention) -> None:
    """Give a zone without a side that of what it comes with.

    In "right pneumothorax with collapse of the lower lobe" and in "elevated right
    hemidiaphragm with basilar atelectasis" the side is said once.
    """
    if mention.is_denied or (known is not None and known.is_denied):
        return
    zone = mention.before or mention.after
    if (
        zone is None
        or (mention.before and mention.after)
        or not all(place.zone in LUNG_PARTS for place in zone.places)
        or any(place.sides or place.is_pair for place in zone.places)
    ):
        return
    first = min(mention.match.first, zone.first)
    near = sentence.group_before(first) if known is None else known.before
    group = near or (known.after if known else None)
    if group is None or not named_sides(group) or group.last > first:
        return
    last = max(group.last, known.match.last if known else 0)
    for match in sentence.between(last, first):
        if match.entry.role not in (None, "with") or match.entry.cues:
            return
    sides = tuple(replace(place, zone=None) for place in group.places if place.sides)
    side = replace(group, places=sides)
    if mention.before is None:
        mention.before = side
    else:
        mention.after = side


def _lung_before(sentence: Sentence, mention: Mention) -> Group | None:
    """Return the lung that a zone without a side lies in.

    "The right lung shows an opacity in the upper lobe" says the side once.
    """
    if mention.after is None or any(place.sides for place in mention.after.places):
        return None
    for group in _groups_in(sentence, sentence.clause_of(mention.match), mention):
        (place, *others) = group.places
        if not others and place.zone == "lung" and len(place.sides) == 1:
            return replace(group, places=(replace(place, zone=None),))
    return None


def _groups_in(sentence: Sentence, clause: int, mention: Mention) -> tuple[Group, ...]:
    """Return the groups of a clause that stand before a mention, nearest first.

    What the subject is compared with is not among them: "the right hilum is larger than
    the left, with a nodule".
    """
    words = sentence.reading.words
    return tuple(
        group
        for group in reversed(sentence.groups)
        if group.last <= mention.match.first
        and sentence.clause_of(group) == clause
        and "than" not in words[max(group.first - 2, 0) : group.first]
    )


def _inherited(
    sentence: Sentence, known: Mention, mention: Mention
) -> tuple[Group, ...]:
    """Return the groups that a mention takes over from the clause before its own.

    The second finding has the place of the first in "left basilar opacity, likely
    atelectasis" and "right effusion with adjacent collapse". A denial takes nothing over:
    "left basilar opacity, no effusion".
    """
    is_none = mention.match.entry.role == "none"  # "there is now none"
    if (mention.is_denied and not is_none) or known.is_denied:
        return ()
    if sentence.clause_of(mention.match) - sentence.clause_of(known.match) > 1:
        return ()
    own = [group for group in (known.after, known.before) if group]
    own.sort(key=has_no_zone)  # "bibasilar opacities, right more than left"
    return tuple(own) or known.shared
