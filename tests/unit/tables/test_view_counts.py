"""How many images a choice of views leaves out, by the spelling of their view."""

import logging

import polars as pl
import pytest

from asg_core.tables.catalog import IMAGES, VIEW_COUNTS
from asg_core.tables.view_counts import (
    add_views,
    count_views,
    count_views_of,
    left_out,
    log_left_out,
    share_of,
    spellings_text,
)

COUNTS = count_views(
    {
        ("PA", "PA"): 90,
        ("LATERAL", "LL"): 4,
        ("LATERAL", "Lateral"): 4,
        ("UNKNOWN", None): 1,
        ("UNKNOWN", "Liegend"): 1,
    }
)
FRONTAL = ("PA", "AP", "FRONTAL")


def test_images_are_counted_by_view_and_spelling() -> None:
    row = {"study_id": "s", "path": "p", "view": "PA", "width": 1, "height": 1}
    spellings = ["PA", "pa", "PA", None]
    images = IMAGES.frame(
        row | {"image_id": f"i{number}", "view_as_given": spelling}
        for number, spelling in enumerate(spellings)
    )

    counts = count_views_of(images)

    VIEW_COUNTS.check(counts, where="test")
    assert counts.rows() == [("PA", "", 1), ("PA", "PA", 2), ("PA", "pa", 1)]
    VIEW_COUNTS.check(count_views_of(IMAGES.empty()), where="test")


def test_counts_of_shards_are_added() -> None:
    both = add_views(pl.concat([COUNTS, count_views({("PA", "PA"): 10})]))

    VIEW_COUNTS.check(both, where="test")
    assert both["num_images"].sum() == 110
    assert both.row(0) == ("PA", "PA", 100)


def test_what_is_left_out_comes_with_most_images_first() -> None:
    others = left_out(COUNTS, views=FRONTAL)

    assert others.rows() == [
        ("LATERAL", "LL", 4),
        ("LATERAL", "Lateral", 4),
        ("UNKNOWN", "", 1),
        ("UNKNOWN", "Liegend", 1),
    ]
    assert share_of(others, COUNTS) == pytest.approx(0.1)
    assert share_of(others.clear(), VIEW_COUNTS.empty()) == 0


def test_a_text_names_a_dozen_spellings_and_counts_the_rest() -> None:
    counts = count_views(
        {("UNKNOWN", f"{n:02} " + "x" * 50): 100 - n for n in range(20)}
    )

    text = spellings_text(left_out(counts, views=FRONTAL))

    assert text.startswith(f"UNKNOWN '00 {'x' * 34}...' 100, ")
    assert text.count("UNKNOWN") == 12
    assert text.endswith(", 8 others 676")


@pytest.mark.parametrize(
    ("num_kept", "levels"), [(95, ["INFO"]), (94, ["WARNING"]), (None, [])]
)
def test_more_than_a_twentieth_is_warned_about(
    num_kept: int | None, levels: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    numbers: dict[tuple[str, str | None], int] = {("PA", "PA"): num_kept or 10}
    if num_kept:
        numbers["LATERAL", "LL"] = 5
    counts = count_views(numbers)

    with caplog.at_level(logging.INFO):
        log_left_out(
            counts, views=FRONTAL, key="x.views", logger=logging.getLogger("asg_core")
        )

    assert [record.levelname for record in caplog.records] == levels
