"""What a page shows a few of: which are chosen, and where their text is cut."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

Item = TypeVar("Item")


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
