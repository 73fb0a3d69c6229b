"""What claims owe to the report around them: the sentence before, and history.

"This may represent atelectasis" takes the place of the sentence before.
"""

from dataclasses import replace

from asg_core.reports.grammar.claims import Claim
from asg_core.reports.lexicon.files import shared_lexicon
from asg_core.reports.lexicon.zones import zones_of
from asg_core.terms.existence import Context, Existence


def is_anaphoric(claims: tuple[Claim, ...]) -> bool:
    """Whether a claim of a sentence needs the place of the sentence before."""
    for claim in claims:  # noqa: SIM110 - half the time of any(), for every sentence
        if claim.is_anaphoric:
            return True
    return False


def resolved(
    claims: tuple[Claim, ...], previous: tuple[Claim, ...], *, shift: int
) -> tuple[Claim, ...]:
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
    rules = shared_lexicon().place_rules
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


def chosen(claims: tuple[Claim, ...], *, has_history: bool) -> tuple[Claim, ...]:
    """Return the claims without those about the past, unless these are asked for."""
    if has_history:
        return claims
    for claim in claims:
        if claim.context is Context.HISTORY:
            break
    else:
        return claims
    return tuple(claim for claim in claims if claim.context is not Context.HISTORY)
