"""Give the claims of a line the side of its heading, as in "LEFT LUNG: Basal nodule".

A heading is a side, alone or with other words of place, before a colon. It holds for the
sentences that begin on its line, or on the next one if it has a line of its own, up to
the next heading. What names a side itself, or lies in the midline, keeps its place.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from asg_core.reports.grammar.claims import Claim
from asg_core.reports.grammar.places import Place, regions_of
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Entry, Words
from asg_core.reports.lexicon.zones import PAIRED
from asg_core.terms.regions import UNSPECIFIED, side_of

_HEADING = re.compile(
    r"(?P<words>(?:left|right|l|r)(?:[ \t]+[a-z-]{2,}){0,4})[ \t]*:(?:\s*\n)?",
    re.I,
)
# How a line of another heading begins.
_LABEL = re.compile(r"[^.,;:\n]{1,40}:")
_FIRST = frozenset("LlRr")


class _Heading(NamedTuple):
    """A side heading, by the offsets of the report."""

    start: int
    end: int
    line_end: int
    zone: str | None
    side: str


def headed(
    text: str,
    sections: Sequence[Sequence[tuple[int, int]]],
    reads: list[tuple[Claim, ...]],
    *,
    lexicon: Lexicon,
) -> list[tuple[Claim, ...]]:
    """Return the claims of each sentence, on the side of the heading of their line.

    Args:
        text: The report.
        sections: The sentences of each section, as offsets.
        reads: The claims of each sentence, over all sections.
        lexicon: What words mean.
    """
    position = 0
    for spans in sections:
        heading: _Heading | None = None
        for start, end in spans:
            if text[start] in _FIRST:
                heading = _heading_at(text, start, lexicon=lexicon) or heading
            if heading is not None:
                is_own = start == heading.start or not _LABEL.match(text, start)
                if start < heading.line_end and is_own:
                    reads[position] = tuple(
                        _on_side(text, start, end, claim, heading, lexicon=lexicon)
                        for claim in reads[position]
                    )
                else:
                    heading = None
            position += 1
    return reads


def _heading_at(text: str, start: int, *, lexicon: Lexicon) -> _Heading | None:
    found = _HEADING.match(text, start)
    if found is None:
        return None
    entries = _entries(lexicon, found["words"])
    sides = [side for entry in entries for side in entry.sides]
    if len(sides) != 1 or not all(entry.is_place for entry in entries):
        return None
    zones = [entry.zone for entry in entries if entry.zone is not None]
    line_end = text.find("\n", found.end())
    return _Heading(
        start,
        found.end(),
        len(text) if line_end < 0 else line_end,
        zones[-1] if zones else None,
        sides[0],
    )


def _entries(lexicon: Lexicon, words: str) -> list[Entry]:
    return [entry for entry, _, _ in lexicon.phrases.find(Words(words))]


def _on_side(
    text: str,
    start: int,
    end: int,
    claim: Claim,
    heading: _Heading,
    *,
    lexicon: Lexicon,
) -> Claim:
    """Return a claim of the sentence `start` to `end`, on the side of a heading."""
    sides = [side_of(region) for region in claim.regions]
    if not (claim.regions == (UNSPECIFIED,) or {"left", "right"} <= set(sides)):
        return claim
    zone, place = heading.zone, claim.place
    if place is not None:
        if not 0 <= place[0] < place[1] <= end - start:
            return claim  # lent by another sentence
        if start + place[0] >= heading.end:
            named = _entries(lexicon, text[start + place[0] : start + place[1]])
            if any(entry.sides for entry in named):
                return claim
            zone = next((entry.zone for entry in named if entry.zone), zone)
    elif start == heading.start:
        place = (0, len(text[start : heading.end].rstrip().rstrip(":").rstrip()))
    if zone is not None and zone not in PAIRED:
        return claim
    words = text[start + claim.span[0] : start + claim.span[1]]
    hint = next(
        (entry.place for entry in _entries(lexicon, words) if entry.place), None
    )
    rule = lexicon.place_rules[claim.finding]
    if zone is not None and rule.zones is not None and zone not in rule.zones:
        zone = None
    regions = regions_of(
        Place(zone, (heading.side,), False),  # noqa: FBT003 - see Place
        rule=rule,
        hint=hint,
        is_pair=False,
        existence=claim.existence,
    )
    if not regions or any(side_of(region) != heading.side for region in regions):
        return claim
    return replace(claim, regions=tuple(regions), place=place)
