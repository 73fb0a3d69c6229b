"""What a page shows a few of: which are chosen, and where their text is cut."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

ROLES: tuple[str, ...] = ("finding", "place", "cue")
"""What words can be for a triplet; some are several at once."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedWords:
    """A stretch of a sentence whose letters have the same roles for the same claims."""

    text: str
    roles: tuple[str, ...]
    claims: tuple[int, ...]

    @property
    def shown(self) -> str:
        """The text without the line breaks that only keep lines short."""
        return " ".join(self.text.split("\n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceClaim:
    """A finding in a sentence, with all the regions that it is claimed for."""

    finding: str
    regions: tuple[str, ...]
    existence: str
    context: str


def in_order_of_news(
    items: Iterable[Item],
    *,
    kinds: Callable[[Item], set[str]],
    rank: Callable[[Item], tuple[Any, ...]],
    source: Callable[[Item], str],
) -> Iterator[Item]:
    """Yield items of different sources, each time the one that shows most new kinds.

    Args:
        items: What can be shown.
        kinds: What an item shows.
        rank: Among items with equally many new kinds, the lowest rank comes first.
        source: After an item no other one of its source is yielded, such as a patient.
    """
    left, shown = list(items), set[str]()
    while left:
        best = min(left, key=lambda item: (-len(kinds(item) - shown), *rank(item)))
        yield best
        shown |= kinds(best)
        left = [item for item in left if source(item) != source(best)]


def pieces_of(text: str, spans: Iterable[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """Yield start and end of the pieces of a text, which is cut where a span begins or ends.

    The pieces together are the text; an empty one has none. What reaches over an edge of
    the text is cut there.
    """
    edges = {0, len(text)}
    edges |= {min(max(edge, 0), len(text)) for span in spans for edge in span[:2]}
    return pairwise(sorted(edges))


def cut_sentence(
    text: str, *, spans: Sequence[tuple[int, int, str, int]]
) -> list[MarkedWords]:
    """Cut a sentence where the words of a role begin or end; the pieces are the text.

    Args:
        text: The sentence.
        spans: Start and end in it, half-open, role, and the index of the claim. What
            reaches over an edge of the sentence is cut there.
    """
    pieces = []
    for start, end in pieces_of(text, (span[:2] for span in spans)):
        over = [span for span in spans if span[0] <= start and end <= span[1]]
        pieces.append(
            MarkedWords(
                text=text[start:end],
                roles=tuple(role for role in ROLES if role in {s[2] for s in over}),
                claims=tuple(sorted({claim for *_, claim in over})),
            )
        )
    return pieces
