"""Cut a sentence into the clauses of the places it names."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

Span = tuple[int, int]
"""Half-open offsets, characters."""

_BREAK = re.compile(r"[,;]|\b(?:and|while|whereas|but)\b", re.IGNORECASE)


def split_clauses(
    text: str,
    *,
    mentions: Mapping[str, Sequence[Span]],
    cues: Mapping[str, Sequence[Span]],
) -> dict[str, list[Span]]:
    """Return, for each place, the spans of `text` that speak of it.

    The sentence is cut at commas, semicolons and "and", "while", "whereas", "but", but
    never inside a mention, and only where the places of the two sides differ:

        pieces = text between neighbouring breaks
        a piece without a mention belongs to the piece before it, a first one to the next
        neighbouring pieces that mention the same places are one
        clauses of a place = the pieces that mention it; neighbours are one span

    A piece that mentions two places belongs to both. A cue outside of a place's pieces
    ("no" in "no effusion on the left and nodule on the right") is a span of its own, so
    that no clause claims the opposite of its sentence. Blanks and breaks at the ends of a
    span are left out. Spans of one place are ordered and disjoint.

    Args:
        text: The sentence.
        mentions: For each place, where it and what is found there are named, as offsets in
            `text`.
        cues: For each place, what decides whether its findings exist, as offsets in `text`.
    """
    taken = [span for spans in mentions.values() for span in spans]
    pieces = _pieces(text, taken=taken)
    places = [_places_in(piece, mentions=mentions) for piece in pieces]
    clauses = {}
    for place, spans in mentions.items():
        is_own = _owned(places, place=place)
        joined = _join([p for p, own in zip(pieces, is_own, strict=True) if own], text)
        # A place whose mention is empty has no clause: the sentence speaks for it.
        clauses[place] = (
            _disjoint([*joined, *cues.get(place, ())]) if spans else [(0, len(text))]
        )
    return clauses


def _pieces(text: str, *, taken: Sequence[Span]) -> list[Span]:
    """Return the text between breaks, without blanks around it; empty pieces are out."""
    breaks = [
        match.span()
        for match in _BREAK.finditer(text)
        if not any(start < match.end() and match.start() < end for start, end in taken)
    ]
    edges = [(0, 0), *breaks, (len(text), len(text))]
    pieces = [
        _trimmed(text, (left_end, right_start))
        for (_, left_end), (right_start, _) in pairwise(edges)
    ]
    return [(start, end) for start, end in pieces if start < end]


def _places_in(
    piece: Span, *, mentions: Mapping[str, Sequence[Span]]
) -> frozenset[str]:
    start, end = piece
    return frozenset(
        place
        for place, spans in mentions.items()
        if any(start < span_end and span_start < end for span_start, span_end in spans)
    )


def _owned(places: Sequence[frozenset[str]], *, place: str) -> list[bool]:
    """Return which pieces belong to `place`; silent ones go with the piece before."""
    spoken = [index for index, names in enumerate(places) if names]
    if not spoken:
        return [True] * len(places)
    owned = []
    current = places[spoken[0]]
    for names in places:
        current = names or current
        owned.append(place in current)
    return owned


def _join(pieces: Sequence[Span], text: str) -> list[Span]:
    """Make one span of pieces with nothing but a break between them."""
    joined: list[Span] = []
    for start, end in pieces:
        if joined and _is_break(text[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _is_break(gap: str) -> bool:
    return not _BREAK.sub("", gap).strip()


def _disjoint(spans: Sequence[Span]) -> list[Span]:
    """Return the spans in order; those that overlap are one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _trimmed(text: str, span: Span) -> Span:
    start, end = span
    inner = text[start:end]
    start += len(inner) - len(inner.lstrip())
    return start, max(start, start + len(inner.strip()))
