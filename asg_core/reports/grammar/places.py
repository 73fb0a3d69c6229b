"""Find the words of a sentence that say where its findings are.

Words that name a side or a zone and stand together make one group ("right upper and
left lower lobes", "left greater than right bases"). A group that runs up to a finding
belongs to it ("left basilar opacity"); otherwise a finding takes the group that follows
it ("opacity in the left base"), or the subject of its clause ("the left base shows an
opacity"), or the place of the finding it is coordinated with ("left basilar atelectasis
and effusion").
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from asg_core.reports.grammar.clauses import Clauses
from asg_core.reports.grammar.reading import Reading
from asg_core.reports.lexicon.phrases import Match
from asg_core.reports.lexicon.rules import PlaceRule
from asg_core.reports.lexicon.zones import PAIRED, SINGLE
from asg_core.terms.existence import Existence
from asg_core.terms.regions import UNSPECIFIED

BLANK = "xxx"
"""How words begin that de-identification has removed."""

_LINKS = frozenset({"and", "or", "comma", "slash", "prep"})
_WEAK_CUES = frozenset({"alternate", "compare_around"})
_MAX_GLUE = 5
# Heads of noun phrases that stand before no finding as its adjective does.
_NOUNS = frozenset(
    {"contour", "contours", "size", "silhouette", "silhouettes", "heart"}
    | {"hemidiaphragm", "diaphragm", "mediastinum", "trachea"}
)
_SIDES = ("left", "right")
# The regions of each paired zone, by side and for both.
_ONE = {
    zone: {side: (f"{side} {name}",) for side in _SIDES}
    for zone, name in PAIRED.items()
}
_BOTH = {
    zone: tuple(f"{side} {name}" for side in _SIDES) for zone, name in PAIRED.items()
}
LOBAR = frozenset({"upper", "mid", "lower"})
LUNG_PARTS = LOBAR | {"apex", "angle", "hilum"}
"""Zones of one lung; each lung has one of each."""


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Place:
    """One zone with its sides, as the words name it."""

    zone: str | None
    sides: tuple[str, ...]
    is_pair: bool


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Group:
    """Place words that stand together, with their words and characters, half-open."""

    places: tuple[Place, ...]
    first: int
    last: int
    start: int
    end: int


def find_groups(reading: Reading) -> list[Group]:
    """Return the groups of place words of a sentence, in order."""
    groups: list[Group] = []
    run: list[int] = []
    for position, match in enumerate(reading.matches):
        if not match.entry.is_place:
            continue
        if run and not _continues(reading, position, run[-1]):
            groups.extend(_groups(reading, run))
            run = []
        run.append(position)
    if run:
        groups.extend(_groups(reading, run))
    _share_sides(groups, reading.clauses)
    return _without_brackets(reading, groups) if "(" in reading.words else groups


def _without_brackets(reading: Reading, groups: Sequence[Group]) -> list[Group]:
    """Join a zone with the sides in brackets that part it from its finding.

    An example is "bibasilar (left greater than right) atelectasis".
    """
    words, found = reading.words, {match.first: match for match in reading.matches}
    result: list[Group] = []
    for group in groups:
        zone = result[-1] if result else None
        close = group.last
        if (
            zone is not None
            and zone.last == group.first - 1
            and words[group.first - 1] == "("
            and words[close : close + 1] == [")"]
            and all(place.zone is None for place in group.places)
            and any(
                found[word].entry.findings
                for word in range(close + 1, close + _MAX_GLUE)
                if word in found
            )
        ):
            places = tuple(sided(zone.places, by=group.places))
            # It starts at the bracket, so that it lies in the clause of the finding.
            result[-1] = Group(places, close, close + 1, zone.start, group.end)
        else:
            result.append(group)
    return result


def _share_sides(groups: Sequence[Group], clauses: Clauses) -> None:
    """Give a zone the sides that the same zone has right before it in its clause.

    In "biapical lucency and apical scarring" both are in both apices.
    """
    for before, group in itertools.pairwise(groups):
        known, place = before.places[-1], group.places[0]
        if (
            len(group.places) == 1
            and not place.sides
            and place.zone in LUNG_PARTS
            and known.zone == place.zone
            and clauses.index_of(before.first) == clauses.index_of(group.first)
        ):
            group.places = (Place(place.zone, known.sides, place.is_pair),)


def regions_of(
    place: Place | None,
    *,
    rule: PlaceRule,
    hint: str | None,
    is_pair: bool,
    existence: Existence,
) -> tuple[str, ...]:
    """Return the regions where a finding is, one name each, without repetition.

    Args:
        place: The words' place, or None where the sentence names none.
        rule: Where this finding can be.
        hint: The zone that the finding's own phrase implies ("endotracheal tube").
        is_pair: Whether the finding's own phrase means both sides ("effusions").
        existence: A denial without a side denies both sides.
    """
    sides: tuple[str, ...] = ()
    named = None
    if place is not None:
        sides = place.sides
        named = rule.moved.get(place.zone, place.zone) if place.zone else None
        if rule.zones is not None and named not in rule.zones:
            named = None
        is_pair = is_pair or (
            place.is_pair and (named is not None or place.zone is None)
        )
    zone = named or hint or rule.default or "body"
    if zone in SINGLE:
        return _single_regions(zone, sides, rule)
    if len(sides) == 1:
        return _ONE[zone][sides[0]]
    if not sides and (
        zone == "body"
        or not (is_pair or rule.is_spread or existence is Existence.ABSENT)
    ):
        return (UNSPECIFIED,)
    return _BOTH[zone]


def _single_regions(
    zone: str, sides: tuple[str, ...], rule: PlaceRule
) -> tuple[str, ...]:
    """Return the region of the midline, and what is known of the side.

    In "right paratracheal nodes" the region has no side but the finding has. It has none
    in "left ventricular cardiomegaly", which can lie only in the midline.
    """
    if not sides or zone == rule.default:
        return (SINGLE[zone],)
    return (SINGLE[zone], *(f"{side} {UNSPECIFIED}" for side in sides))


def has_no_zone(group: Group) -> bool:
    """Whether the words of a group name sides alone."""
    return all(place.zone is None for place in group.places)


def named_sides(group: Group) -> set[str]:
    """Return the sides that a group names."""
    return {side for place in group.places for side in place.sides}


def holds(place: Place, rule: PlaceRule) -> bool:
    """Whether a finding can be at a place; where only a side is named, any can."""
    if place.zone is None or rule.zones is None:
        return True
    return rule.moved.get(place.zone, place.zone) in rule.zones


def sided(places: Sequence[Place], *, by: Sequence[Place]) -> list[Place]:
    """Return the places, and give those without a side the sides that others name."""
    sides = _union(*(place.sides for place in by))
    return [Place(place.zone, place.sides or sides, place.is_pair) for place in places]


def _continues(reading: Reading, position: int, before: int) -> bool:
    """Whether the place words at `before` and `position` stand together."""
    words, matches, glue = reading.words, reading.matches, reading.lexicon.glue
    match, previous = matches[position], matches[before]
    if reading.clauses.index_of(match.first) != reading.clauses.index_of(
        previous.first
    ):
        return False
    covered: set[int] = set()
    for between in matches[before + 1 : position]:
        if between.entry.role not in _LINKS and between.entry.role is not None:
            return False
        if between.entry.findings or between.entry.cues - _WEAK_CUES:
            return False
        if between.entry.state is not None and previous.entry.zone is not None:
            return False  # "normal heart size and normal mediastinal contours"
        covered.update(range(between.first, between.last))
    free = [
        words[index]
        for index in range(previous.last, match.first)
        if index not in covered
    ]
    return len(free) <= _MAX_GLUE and all(
        text in glue or text.isdigit() or text.startswith(BLANK) for text in free
    )


def _groups(reading: Reading, run: Sequence[int]) -> list[Group]:
    """Make one group of a run, or two where its end belongs to the next finding.

    In "infiltrate in the right base and lingular scarring" the base holds the infiltrate
    and the lingula the scarring.
    """
    matches = reading.matches
    if len(run) == 1:
        match = matches[run[0]]
        place = Place(match.entry.zone, match.entry.sides, match.entry.is_pair)
        return [Group((place,), match.first, match.last, match.start, match.end)]
    cut = _cut(matches, run)
    if cut is None:
        cut = _noun_cut(reading, run)
    parts = [run] if cut is None else [run[:cut], run[cut:]]
    return [_group(reading, [matches[position] for position in part]) for part in parts]


def _cut(matches: Sequence[Match], run: Sequence[int]) -> int | None:
    begin, end = run[0] - 1, run[-1] + 1
    if begin < 0 or end == len(matches) or not matches[end].entry.findings:
        return None
    if matches[begin].entry.role != "prep":
        return None
    if not any(match.entry.findings for match in matches[:begin]):
        return None
    for index in range(len(run) - 1, 0, -1):
        links = matches[run[index - 1] + 1 : run[index]]
        if any(link.entry.role in ("and", "comma", "or") for link in links):
            return index
    return None


def _noun_cut(reading: Reading, run: Sequence[int]) -> int | None:
    """Return where the adjective of the next finding starts, behind a listed noun.

    In "elevated right hemidiaphragm and left basilar atelectasis" only the base is of the
    atelectasis: a noun that is no adjective of a finding, or a plural, ends a list.
    """
    matches, words = reading.matches, reading.words
    end = run[-1] + 1
    if end == len(matches) or not matches[end].entry.findings:
        return None
    for index in range(len(run) - 1, 0, -1):
        before = matches[run[index - 1]]
        if before.entry.zone is None or not (
            words[before.last - 1] in _NOUNS
            or (before.entry.is_pair and words[before.last - 1].endswith("s"))
        ):
            continue
        links = matches[run[index - 1] + 1 : run[index]]
        if any(link.entry.role in ("and", "comma") for link in links):
            return index
    return None


def _group(reading: Reading, run: Sequence[Match]) -> Group:
    named: list[Place] = []
    for index, match in enumerate(run):
        entry = match.entry
        if index:
            before = reading.words[run[index - 1].last : match.first]
            if "of" in before and named[-1].zone in LUNG_PARTS and not named[-1].sides:
                part = named.pop()
                whole, sides = _first_zone(run[index:])
                # "The apical segment of the right upper lobe" is at the right apex, "the
                # basilar portion of the right middle lobe" not in the lower lobe.
                if part.zone not in LOBAR or whole not in LOBAR:
                    named.append(Place(part.zone, sides, part.is_pair))
            if any(later.entry.zone in LOBAR for later in run[index:]):
                named.extend(_bare_zones(reading, before))
        named.append(Place(entry.zone, entry.sides, entry.is_pair))
    places = tuple(named) if len(run) == 1 else _places(named)
    return Group(places, run[0].first, run[-1].last, run[0].start, run[-1].end)


def _first_zone(run: Sequence[Match]) -> tuple[str | None, tuple[str, ...]]:
    """Return the first zone, and the sides that are named with it or right before it."""
    sides: tuple[str, ...] = ()
    for match in run:
        sides = _union(sides, match.entry.sides)
        if match.entry.zone is not None:
            return match.entry.zone, sides
    return None, sides


def _bare_zones(reading: Reading, between: Sequence[str]) -> list[Place]:
    """Return a place for the "upper" of "right upper and lower lobes"."""
    zones = [reading.lexicon.glue.get(word) for word in between]
    return [Place(zone, (), is_pair=False) for zone in zones if zone]


def _places(named: Sequence[Place]) -> tuple[Place, ...]:
    """Give every zone of a group its sides.

    Sides add up until a zone uses them ("left and right bases"), serve all zones up to
    the next side ("right upper and lower lobes"), and reach back to the zones before
    them when no zone follows ("bases on the left").
    """
    places: list[Place] = []
    pending: tuple[str, ...] = ()
    is_used = False
    for position, place in enumerate(named):
        if place.zone is None:
            if is_used:
                pending, is_used = (), False
            pending = _union(pending, place.sides)
            rest = named[position:]
            if places and all(later.zone is None for later in rest):
                return tuple(_sided_after(places, _union(*(p.sides for p in rest))))
            continue
        sides = place.sides
        if not sides and not (is_used and place.zone in SINGLE):
            sides = pending
        if len(place.sides) == 1 and len(pending) == 1 and not is_used:
            sides = pending  # "right retrocardiac": what is said beats what is implied
        places.append(Place(place.zone, sides, place.is_pair))
        is_used = bool(pending)
    if not places:
        return (Place(None, pending, any(place.is_pair for place in named)),)
    return tuple(_without_general(places))


def _sided_after(places: list[Place], trailing: tuple[str, ...]) -> list[Place]:
    if any(not place.sides for place in places):
        return [
            place
            if place.sides or (place.zone in SINGLE and place is not places[-1])
            else Place(place.zone, trailing, place.is_pair)
            for place in places
        ]
    if places[-1].sides == trailing:
        return places
    # "the left base and, less so, the right": the same zone on the other side.
    return [*places, Place(places[-1].zone, trailing, places[-1].is_pair)]


def _without_general(places: list[Place]) -> list[Place]:
    """Drop "lung" beside a zone of it: "left lung base", "apex of the right lung".

    A lung on the other side stays: "in the left lower lobe or in the right lung".
    """
    zones = [place for place in places if place.zone not in ("lung", "pleura")]
    if len(zones) == len(places) or all(place.zone in SINGLE for place in zones):
        return places
    named = _union(*(place.sides for place in zones))
    if named and all(place.sides or place.zone in SINGLE for place in zones):
        zones = [
            place
            for place in places
            if place in zones or not set(place.sides) <= set(named)
        ]
    return sided(zones, by=places)


def _union(*many: tuple[str, ...]) -> tuple[str, ...]:
    named = {side for sides in many for side in sides}
    return tuple(side for side in _SIDES if side in named)
