from itertools import islice

import pytest

from asg_core.summary.pages.excerpts import in_order_of_news, pieces_of

ITEMS = ["a1:x", "a2:xyz", "b1:xy", "c1:w", "d1:x"]
"""Source, rank, and kinds."""


def ordered(items: list[str]) -> list[str]:
    return list(
        in_order_of_news(
            items,
            kinds=lambda item: set(item.partition(":")[2]),
            rank=lambda item: (item[1], item),
            source=lambda item: item[0],
        )
    )


def test_each_time_the_item_with_most_new_kinds_comes_and_one_of_a_source() -> None:
    # Three kinds first; w is the only other one; then nothing is new.
    assert ordered(ITEMS) == ["a2:xyz", "c1:w", "b1:xy", "d1:x"]
    assert ordered(ITEMS[::-1]) == ordered(ITEMS)


def test_of_equal_news_the_lowest_rank_comes_first() -> None:
    assert ordered(["a3:x", "b2:y", "c1:z"]) == ["c1:z", "b2:y", "a3:x"]


def test_no_item_is_looked_for_before_it_is_asked_for() -> None:
    def kinds(item: str) -> set[str]:
        asked.append(item)
        return {item}

    asked: list[str] = []
    found = in_order_of_news(
        "ab", kinds=kinds, rank=lambda item: (item,), source=lambda item: item
    )

    assert asked == []
    assert list(islice(found, 1)) == ["a"]


@pytest.mark.parametrize(
    ("text", "spans", "pieces"),
    [
        ("abcd", [(1, 3), (2, 4)], [(0, 1), (1, 2), (2, 3), (3, 4)]),
        ("abcd", [(-5, 2), (3, 9)], [(0, 2), (2, 3), (3, 4)]),
        ("abcd", [(2, 2)], [(0, 2), (2, 4)]),
        ("abcd", [], [(0, 4)]),
        ("", [(0, 3)], []),
    ],
)
def test_pieces_begin_and_end_where_spans_do(
    text: str, spans: list[tuple[int, int]], pieces: list[tuple[int, int]]
) -> None:
    assert list(pieces_of(text, spans)) == pieces
