import math

import pytest

from asg_core.summary.sheets.numbers import (
    count_text,
    fraction_text,
    number_text,
    percent_text,
    plural_text,
    seconds_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        (12345.0, "12,345"),
        (0.95349, "0.953"),
        (1234.5678, "1,234.568"),
        (0.001, "0.001"),
        (0.00099, "9.90e-04"),
        (-0.5, "-0.500"),
        (math.nan, "nan"),
        (math.inf, "inf"),
    ],
)
def test_a_number_has_as_many_digits_as_it_has_meaning(value: float, text: str) -> None:
    assert number_text(value) == text


def test_shares_are_percent_with_one_decimal() -> None:
    assert [percent_text(share) for share in (0, 0.8119, 1)] == ["0.0", "81.2", "100.0"]


def test_fractions_of_labels_have_no_needless_digits() -> None:
    assert [fraction_text(one) for one in (0, 0.01, 0.125, 1)] == [
        *("no labels", "1 %", "12.5 %", "100 %")
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (723, "12 min 3 s"),
        (3600, "1 h 0 min"),
        (11_100, "3 h 5 min"),
    ],
)
def test_durations_are_said_in_two_units(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_counts_are_separated_and_one_is_singular() -> None:
    assert count_text(1234567) == "1,234,567"
    assert [plural_text(count, "seed") for count in (0, 1, 1200)] == [
        *("0 seeds", "1 seed", "1,200 seeds")
    ]
