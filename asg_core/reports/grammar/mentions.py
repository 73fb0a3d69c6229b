"""Find the named findings of a sentence, and the place words that belong to each.

Place words come in groups, which `asg_core.reports.grammar.places` makes.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from asg_core.reports.grammar.cues import Judgement, judge
from asg_core.reports.grammar.places import BLANK, LUNG_PARTS, Group, Place, sided
from asg_core.reports.grammar.reading import Reading
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Match
from asg_core.terms.existence import Context, Existence

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


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Sentence:
    """A sentence that has been read, with its groups of place words."""

    reading: Reading
    groups: Sequence[Group]
    max_scope: int

    @property
    def lexicon(self) -> Lexicon:
        """The lexicon that it was read by."""
        return self.reading.lexicon

    def clause_of(self, part: Match | Group) -> int:
        """Return the 0-based clause that a match or a group lies in."""
        return self.reading.clauses.index_of(part.first)

    def between(self, first: int, last: int) -> list[Match]:
        """Return the matches that start at the words `first` to `last`, half-open."""
        return [match for match in self.reading.matches if first <= match.first < last]

    def group_before(self, word: int) -> Group | None:
        """Return the last group that ends before a word."""
        for group in reversed(self.groups):
            if group.last <= word:
                return group
        return None

    def group_after(self, word: int) -> Group | None:
        """Return the first group that starts at or behind a word."""
        for group in self.groups:
            if group.first >= word:
                return group
        return None


@dataclass(slots=True)
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
    is_blanked: bool = False
    """Whether a tip stands for a device whose name was removed from the text."""

    @property
    def is_denied(self) -> bool:
        """Whether the sentence says that it is not there, or claims nothing."""
        return self.judgement.existence in (Existence.ABSENT, None)


def find_mentions(sentence: Sentence) -> list[Mention]:
    """Return the named findings of a sentence, in order, with their place words."""
    mentions = list(_named(sentence))
    if sentence.groups:
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
        _give_shared(sentence, mentions)
    return mentions


def _named(sentence: Sentence) -> Iterator[Mention]:
    """Yield the named findings of a sentence, in order, without their place words."""
    kinds = sentence.lexicon.kinds
    has_device = False
    for match in sentence.reading.matches:
        findings = match.entry.findings
        if match.entry.role == "ends" and has_device:
            findings = tuple(sorted(kinds.tip))
        if not findings:
            continue
        is_blanked = (
            kinds.tip.issuperset(findings)
            and not has_device
            and _has_blank(sentence, match)
        )
        if is_blanked:
            findings = (*sorted(kinds.blanked), *findings)
        has_device = has_device or not kinds.tipped.isdisjoint(findings)
        judgement = (
            Judgement(Existence.ABSENT, Context.CURRENT, (match.start, match.end))
            if match.entry.role == "none"
            else judge(
                sentence.reading, match.first, match.last, max_scope=sentence.max_scope
            )
        )
        mention = Mention(match, findings, judgement, is_blanked=is_blanked)
        if findings[0] in kinds.sole and mention.is_denied:
            mention.findings = findings[:1]  # there may be another atelectasis
        yield mention


def _has_blank(sentence: Sentence, tip: Match) -> bool:
    """Whether a word before the tip was removed: "left chest XXXX with tip in the SVC".

    The removed word is then the device; whether it is a line follows from where it ends.
    """
    words = sentence.reading.words[: tip.first]
    return any(word.startswith(BLANK) for word in words)


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
            _has_no_zone(group)
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
        if not (before and _sides_of(before)) and _is_compared(sentence, mention):
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
            if not _has_no_zone(group) or len(_sides_of(worst)) == 1:
                places = (*group.places, *places)
            mention.after = replace(group, places=places)


def _is_compared(sentence: Sentence, mention: Mention) -> bool:
    """Whether one side is set off as the worse one, of the two and not of two times."""
    words, group = sentence.reading.words, mention.after
    if group is None or len(_sides_of(group)) != 1:
        return False
    between = words[mention.match.last : group.first]
    is_than = "than" in words[group.last : group.last + 4]
    return "," in between and not _WORSE.isdisjoint(between) and not is_than


def _sides_of(group: Group) -> set[str]:
    return {side for place in group.places for side in place.sides}


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
    if mention.before is None or _sides_of(mention.before) >= _sides_of(group):
        return False
    return bool(_sides_of(mention.before)) and any(
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


def _has_no_zone(group: Group) -> bool:
    return all(place.zone is None for place in group.places)


def _without_sides(group: Group | None) -> Group | None:
    """Return a group without its sides; None if nothing is left of it."""
    if group is None or _has_no_zone(group):
        return None
    places = tuple(replace(place, sides=()) for place in group.places if place.zone)
    return replace(group, places=places)


def _give_shared(sentence: Sentence, mentions: Sequence[Mention]) -> None:
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
    return _has_no_zone(mention.after) and (
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
    if group is None or not _sides_of(group) or group.last > first:
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
    own.sort(key=_has_no_zone)  # "bibasilar opacities, right more than left"
    return tuple(own) or known.shared
