"""Settle what a sentence cannot know of itself: the place that it points back to.

"This may represent atelectasis" takes the place of the sentence before it, "there is none
on the right" its last finding (`asg_core.reports.grammar.pronouns`). Claims about
the past are left out here too, unless they are asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from asg_core.reports.grammar.claims import Claim
from asg_core.reports.lexicon.rules import PlaceRule
from asg_core.reports.lexicon.zones import zones_of
from asg_core.terms.existence import Context, Existence

Claims = tuple[Claim, ...]


def linked(
    sections: Sequence[Sequence[tuple[int, int]]],
    claims: Iterable[Claims],
    *,
    rules: Mapping[str, PlaceRule],
) -> list[Claims]:
    """Return the claims of each sentence, with the places that the one before lends.

    Args:
        sections: The sentences of each section, as offsets; none reaches back over the
            start of its section.
        claims: Those of each sentence, over all sections.
        rules: Where each finding can be: a place that cannot hold it is not lent.
    """
    found = iter(claims)
    reads: list[Claims] = []
    for spans in sections:
        previous: tuple[int, Claims] | None = None
        for start, _ in spans:
            read = next(found)
            if previous is not None and _is_anaphoric(read):
                shift = previous[0] - start
                read = _resolved(read, previous[1], shift=shift, rules=rules)
            previous = (start, read)
            reads.append(read)
    return reads


def chosen(claims: Claims, *, has_history: bool) -> Claims:
    """Return the claims without those about the past, unless these are asked for."""
    if has_history:
        return claims
    for claim in claims:
        if claim.context is Context.HISTORY:
            break
    else:
        return claims
    return tuple(claim for claim in claims if claim.context is not Context.HISTORY)


def last_findings(claims: Claims) -> tuple[str, ...]:
    """Return what the last words name that a sentence claims something of."""
    last = claims[-1]
    return tuple(
        dict.fromkeys(claim.finding for claim in claims if claim.span == last.span)
    )


def _is_anaphoric(claims: Claims) -> bool:
    """Whether a claim of a sentence needs the place of the sentence before."""
    for claim in claims:  # noqa: SIM110 - half the time of any(), for every sentence
        if claim.is_anaphoric:
            return True
    return False


def _resolved(
    claims: Claims, previous: Claims, *, shift: int, rules: Mapping[str, PlaceRule]
) -> Claims:
    """Give "this may represent atelectasis" the place of the sentence before.

    `shift` is where that sentence starts, seen from this one.
    """
    source = next(
        (
            claim
            for claim in reversed(previous)
            if claim.existence is not Existence.ABSENT and claim.place is not None
        ),
        None,
    )
    if source is None or source.place is None:
        return claims
    place = (source.place[0] + shift, source.place[1] + shift)
    result = []
    for claim in claims:
        zones = rules[claim.finding].zones
        regions = tuple(
            region
            for region in source.regions
            if zones is None or zones & zones_of(region)
        )
        if claim.is_anaphoric and regions:
            result.append(replace(claim, regions=regions, place=place))
        else:
            result.append(claim)
    return tuple(result)
