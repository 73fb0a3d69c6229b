"""The view of an image, from what a source says."""

import pytest

from asg_core.sources.views import GivenView, ViewLog
from asg_core.terms.views import View


@pytest.mark.parametrize(
    ("spellings", "view", "spelling"),
    [
        (("PA",), View.PA, "PA"),
        ((" ap ",), View.AP, "ap"),
        (("", "Left lateral"), View.LATERAL, "Left lateral"),
        (("as ordered", "AP"), View.AP, "AP"),
        (("as ordered", "somehow"), View.UNKNOWN, "as ordered"),
        (("PA", "AP"), View.PA, "PA"),
        (("", " "), View.UNKNOWN, None),
        ((), View.UNKNOWN, None),
    ],
)
def test_the_first_spelling_that_says_a_view_counts(
    spellings: tuple[str, ...], view: View, spelling: str | None
) -> None:
    assert GivenView.of(*spellings) == GivenView(view, spelling)


def test_views_are_counted_whether_they_are_kept_or_not() -> None:
    log = ViewLog([View.PA])

    kept = [log.keeps(GivenView.of(text)) for text in ("PA", "LL", "pa", "")]

    assert kept == [True, False, True, False]
    assert log.frame().rows() == [
        ("PA", "PA", 1),
        ("PA", "pa", 1),
        ("LATERAL", "LL", 1),
        ("UNKNOWN", "", 1),
    ]
