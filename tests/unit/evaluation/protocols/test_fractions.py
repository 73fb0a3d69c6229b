import pytest
from hypothesis import given
from hypothesis import strategies as st

from asg_core.evaluation.protocols.fractions import draw_fraction, repetitions

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

    few = draw_fraction(IDS[:num], fraction=small, seed=seed)
    many = draw_fraction(IDS[:num], fraction=large, seed=seed)

    assert set(few) <= set(many) <= set(IDS[:num])
    assert few == sorted(few)
    assert len(few) == max(1, round(num * small))


def test_one_percent_of_two_hundred_images_is_two() -> None:
    assert len(draw_fraction(IDS, fraction=0.01, seed=0)) == 2
    assert draw_fraction(IDS, fraction=1.0, seed=5) == IDS


def test_a_draw_depends_on_the_set_of_images_and_the_seed_alone() -> None:
    drawn = draw_fraction(IDS, fraction=0.1, seed=0)

    assert draw_fraction(IDS[::-1], fraction=0.1, seed=0) == drawn
    assert draw_fraction(IDS, fraction=0.1, seed=1) != drawn


def test_the_whole_training_part_is_used_with_the_first_seed_only() -> None:
    assert repetitions([0.1, 1.0], [3, 4]) == [(0.1, 3), (0.1, 4), (1.0, 3)]


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="expected training images, found none"):
        draw_fraction([], fraction=0.1, seed=0)
