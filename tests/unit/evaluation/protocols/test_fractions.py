import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asg_core.evaluation.protocols.fractions import (
    count_positive,
    draw_fraction,
    fitted_columns,
    repetitions,
)
from support.masked_benchmark import make_benchmark

IDS = [f"image-{place:03d}" for place in range(200)]


@given(
    num=st.integers(1, 60),
    small=st.floats(0.001, 1),
    large=st.floats(0.001, 1),
    seed=st.integers(0, 3),
)
def test_a_smaller_fraction_is_part_of_a_greater_one(
    num: int, small: float, large: float, seed: int
) -> None:
    small, large = sorted([small, large])

    few = draw_fraction(IDS[:num], small, seed)
    many = draw_fraction(IDS[:num], large, seed)

    assert set(few) <= set(many) <= set(IDS[:num])
    assert few == sorted(few)
    assert len(few) == max(1, round(num * small))


def test_one_percent_of_two_hundred_images_is_two() -> None:
    assert len(draw_fraction(IDS, 0.01, 0)) == 2
    assert draw_fraction(IDS, 1.0, 5) == IDS


def test_a_draw_depends_on_the_set_of_images_and_the_seed_alone() -> None:
    drawn = draw_fraction(IDS, 0.1, 0)

    assert draw_fraction(IDS[::-1], 0.1, 0) == drawn
    assert draw_fraction(IDS, 0.1, 1) != drawn


def test_the_whole_training_part_is_used_with_the_first_seed_only() -> None:
    assert repetitions([0.1, 1.0], [3, 4]) == [(0.1, 3), (0.1, 4), (1.0, 3)]


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="expected training images, found none"):
        draw_fraction([], 0.1, 0)


def test_positives_are_counted_by_target_and_unlabelled_images_are_none() -> None:
    benchmark = make_benchmark(
        split_of=dict.fromkeys("abc", "train"),
        labels={"a": {"x": 1, "y": 0}, "b": {"x": 1}, "c": {"x": 0, "y": 0}},
    )

    assert count_positive(benchmark, ["a", "b", "c"]) == {"x": 2, "y": 0}
    assert count_positive(benchmark, ["b"]) == {"x": 1, "y": 0}


def test_a_target_is_taught_by_images_of_both_values() -> None:
    nan = float("nan")
    truth_NT = np.array(
        [[1, 1, 0, nan, 1], [0, 1, 0, nan, nan], [1, 1, 0, nan, nan]], np.float32
    )

    assert fitted_columns(truth_NT, is_exclusive=False) == [0]


def test_a_class_is_taught_by_an_image_beside_those_of_another() -> None:
    two_NT = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0]], np.float32)

    assert fitted_columns(two_NT, is_exclusive=True) == [0, 2]
    assert fitted_columns(two_NT[::2], is_exclusive=True) == []
