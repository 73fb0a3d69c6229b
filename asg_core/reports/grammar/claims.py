"""Turn a sentence into its claims: finding, regions, existence, and the words of each.

A finding is either named ("atelectasis"), which this module reads, or stated as the state
of a structure ("the heart is mildly enlarged"), which
`asg_core.reports.grammar.statements` reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from asg_core.reports.grammar.cues import Judgement
from asg_core.reports.grammar.mentions import find_mentions
from asg_core.reports.grammar.places import (
    LOBAR,
    LUNG_PARTS,
    Group,
    Place,
    holds,
    regions_of,
    sided,
)
from asg_core.reports.grammar.sentence import Mention, Sentence
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.zones import SINGLE
from asg_core.terms.existence import Context, Existence


@dataclass(slots=True, kw_only=True)  # not frozen: that would double what it costs
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


def named_claims(sentence: Sentence) -> Iterator[Claim]:
    """Yield the claims about findings that the sentence names."""
    matches = sentence.reading.matches
    is_anaphoric = matches[0].first == 0 and matches[0].entry.role == "anaphor"
    for mention in find_mentions(sentence):
        if mention.judgement.existence is None:
            continue
        for finding in mention.findings:
            claim = _named_claim(sentence, mention, finding, is_anaphoric=is_anaphoric)
            if claim is not None:
                yield claim


def regions_at(
    lexicon: Lexicon,
    finding: str,
    places: Sequence[Place],
    *,
    hint: str | None = None,
    is_pair: bool = False,
    existence: Existence,
) -> tuple[str, ...]:
    """Return the regions of a finding at all its places, without repetition.

    `hint` and `is_pair` are what the finding's own phrase says of its place.
    """
    rule = lexicon.place_rules[finding]
    found = [
        region
        for place in places or (None,)
        for region in regions_of(
            place, rule=rule, hint=hint, is_pair=is_pair, existence=existence
        )
    ]
    return tuple(dict.fromkeys(found))


def is_outside(lexicon: Lexicon, finding: str, places: Sequence[Place]) -> bool:
    """Whether a finding is placed outside the chest only: "fracture of the hip"."""
    return (
        finding not in lexicon.kinds.implanted
        and bool(places)
        and all(place.zone == "elsewhere" for place in places)
    )


def _named_claim(
    sentence: Sentence, mention: Mention, finding: str, *, is_anaphoric: bool
) -> Claim | None:
    lexicon, kinds = sentence.lexicon, sentence.lexicon.kinds
    if finding in kinds.tip and mention.is_denied:
        return None  # a tip that is not seen lies outside the image
    group = mention.after or mention.before
    if group is not None and is_outside(lexicon, finding, group.places):
        return None
    judgement = _in_state(sentence, mention, finding)
    existence = judgement.existence or Existence.PRESENT
    places, span = _places_of(lexicon, mention, finding)
    if mention.is_blanked and finding in kinds.blanked:
        if not any(place.zone in kinds.veins for place in places):
            return None
        places = (*_side_before(sentence, mention), *places)
    entry = mention.match.entry
    is_pair = entry.is_pair or (
        finding in kinds.diffuse and _is_plural_at_zone(sentence, mention)
    )
    return Claim(
        finding=finding,
        regions=regions_at(
            lexicon,
            finding,
            places,
            hint=entry.place,
            is_pair=is_pair,
            existence=existence,
        ),
        existence=existence,
        context=judgement.context,
        span=(mention.match.start, mention.match.end),
        place=span,
        cue=judgement.cue,
        is_anaphoric=is_anaphoric and span is None,
    )


def _is_plural_at_zone(sentence: Sentence, mention: Mention) -> bool:
    """Whether several are said to be in a zone of which there are two.

    "Basilar opacities" are on both sides; "basilar granulomas" need not be.
    """
    if mention.before is None:
        return False
    noun = sentence.reading.words[mention.match.last - 1]
    is_plural = noun.endswith("s") and not noun.endswith(("is", "ss", "us"))
    return is_plural and all(
        place.zone in LUNG_PARTS and not place.sides for place in mention.before.places
    )


def _in_state(sentence: Sentence, mention: Mention, finding: str) -> Judgement:
    """Return the judgement of a finding that a state can turn: "normal markings"."""
    clause = sentence.clause_of(mention.match)
    for match in sentence.reading.matches:
        if match.entry.state is None:
            continue
        claims = sentence.lexicon.statements.get((finding, match.entry.state), ())
        if claims and sentence.clause_of(match) == clause:
            return replace(
                mention.judgement,
                existence=claims[0][1],
                cue=(match.start, match.end),
            )
    return mention.judgement


def _side_before(sentence: Sentence, mention: Mention) -> tuple[Place, ...]:
    group = sentence.group_before(mention.match.first)
    if group is None or any(place.zone for place in group.places):
        return ()
    return group.places


def _places_of(
    lexicon: Lexicon, mention: Mention, finding: str
) -> tuple[tuple[Place, ...], tuple[int, int] | None]:
    """Return the places of one finding and the words that name them."""
    before = _held(lexicon, mention.before, finding)
    after = _held(lexicon, mention.after, finding)
    if before and after and mention.before and mention.after:
        if finding in lexicon.kinds.leaded and any(place.sides for place in before):
            after = before
        joined = _joined(before, after)
        used = mention.before if joined == before else mention.after
        return joined, (used.start, used.end)
    groups = [group for group in (mention.before, mention.after) if group]
    groups += _shared_by(lexicon, mention, finding)
    for group in groups:
        held = _held(lexicon, group, finding)
        if held:
            return held, (group.start, group.end)
    for group in groups:
        # A zone that cannot hold the finding still says on which side it is.
        sides = tuple(
            replace(place, zone=None) for place in group.places if place.sides
        )
        if sides:
            return sides, (group.start, group.end)
    return (), None


def _shared_by(lexicon: Lexicon, mention: Mention, finding: str) -> list[Group]:
    """Return the shared groups that say something of this finding's own place.

    In "left basilar atelectasis without pneumothorax" the pneumothorax takes the side
    only; in "right line and nasogastric tube" that tube has a place of its own.
    """
    shared = [group for group in mention.shared if any(map(_says_where, group.places))]
    if not shared:
        return []
    if finding in lexicon.kinds.sided:
        return [_sides_of(group) for group in shared]
    if mention.match.entry.place in SINGLE or finding in lexicon.kinds.directed:
        return [group for group in shared if any(p.zone for p in group.places)]
    return shared


def _says_where(place: Place) -> bool:
    """Whether a place has a zone or a side; "diffuse" has neither."""
    return place.zone is not None or bool(place.sides)


def _sides_of(group: Group) -> Group:
    if not any(place.zone in LOBAR for place in group.places):
        return group
    places = tuple(replace(place, zone=None) for place in group.places if place.sides)
    return replace(group, places=places)


def _held(lexicon: Lexicon, group: Group | None, finding: str) -> tuple[Place, ...]:
    """Return the places of a group that can hold the finding."""
    if group is None:
        return ()
    rule = lexicon.place_rules[finding]
    if len(group.places) == 1:
        return group.places if holds(group.places[0], rule) else ()
    return tuple(place for place in group.places if holds(place, rule))


def _is_both(places: tuple[Place, ...]) -> bool:
    """Whether places lie on both sides, or on none that is said."""
    sides = {side for place in places for side in place.sides}
    return len(sides) != 1


def _joined(before: tuple[Place, ...], after: tuple[Place, ...]) -> tuple[Place, ...]:
    """Join the places on either side of a finding, where one completes the other.

    In "left pneumothorax at the apex" the side stands before the finding and the zone
    behind it, in "basilar opacities on the left" it is the other way round, and "right
    catheter to the SVC" needs both. Otherwise what stands before the finding wins.
    """
    if all(place.zone is None for place in before):
        if not any(place.sides for place in before):
            return after  # "diffuse opacities in the left base"
        if all(place.zone is None or place.zone in SINGLE for place in after) or (
            # "Bilateral opacities, worst in the left base".
            _is_both(before) and not _is_both(after)
        ):
            return (*before, *after)
        return tuple(sided(after, by=before))
    if any(place.sides for place in before) or not any(p.sides for p in after):
        return before
    if all(place.zone is None for place in after):
        return tuple(sided(before, by=after))
    # "Mediastinal calcifications and a nodule in the lingula" lie in two places.
    return before if all(place.zone in SINGLE for place in before) else after
