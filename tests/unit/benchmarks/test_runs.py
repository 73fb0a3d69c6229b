import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from asg_core.benchmarks.runs import RunsError, parse_runs, runs_to_mask, unite_runs
from asg_core.synthetic.layouts.siim import encode_runs
from support.masked_benchmark import mask_to_runs

Mask = npt.NDArray[np.bool_]

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9))
pairs_of_masks = array_shapes(min_dims=2, max_dims=2, max_side=9).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)

# Down the columns: 0 1 0, 1 1 0, 0 0 1.
BY_HAND = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1]], bool)


def walked(text: str, *, height: int, width: int) -> Mask:
    """Walk along the columns as the benchmark describes its run lengths."""
    flat = [False] * (height * width)
    numbers = [int(number) for number in text.split()]
    position = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        position += gap
        for offset in range(length):
            flat[position + offset] = True
        position += length
    return np.array(flat).reshape(width, height).T


def test_a_mask_worked_by_hand() -> None:
    runs = parse_runs("1 1 1 2 3 1", num_pixels=9)

    assert runs == [(1, 1), (3, 2), (8, 1)]
    assert mask_to_runs(BY_HAND) == runs
    np.testing.assert_array_equal(runs_to_mask(runs, height=3, width=3), BY_HAND)


@given(masks.filter(np.any))
def test_what_the_benchmark_writes_is_read_back(mask: Mask) -> None:
    text = encode_runs(mask)

    runs = parse_runs(text, num_pixels=mask.size)

    height, width = mask.shape
    read = runs_to_mask(runs, height=height, width=width)
    np.testing.assert_array_equal(read, mask)
    np.testing.assert_array_equal(walked(text, height=height, width=width), mask)
    assert runs == mask_to_runs(mask)


@given(pairs_of_masks)
def test_the_union_of_runs_is_the_union_of_masks(pair: tuple[Mask, Mask]) -> None:
    runs = unite_runs(mask_to_runs(mask) for mask in pair)

    height, width = pair[0].shape
    assert runs == mask_to_runs(pair[0] | pair[1])
    np.testing.assert_array_equal(
        runs_to_mask(runs, height=height, width=width), pair[0] | pair[1]
    )


def test_the_union_joins_runs_that_touch_or_overlap() -> None:
    assert unite_runs([[(0, 2), (9, 1)], [(2, 3), (4, 2)], [(1, 1)]]) == [
        (0, 6),
        (9, 1),
    ]
    assert unite_runs([]) == []
    assert not runs_to_mask([], height=2, width=3).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found 0 numbers"),
        ("1 2 3", "found 3 numbers"),
        ("1 two", "found 'two'"),
        ("1 2.0", "found '2.0'"),
        ("-1 3", "found the pair -1 3"),
        ("1 0", "found the pair 1 0"),
        ("4 2 1 3", "one that ends at 10"),
    ],
)
def test_a_text_that_is_no_mask_is_refused(text: str, words: str) -> None:
    with pytest.raises(RunsError, match=words):
        parse_runs(text, num_pixels=9)


def test_runs_beyond_the_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="within 3 x 3 pixels, found pixels 8 to 10"):
        runs_to_mask([(8, 2)], height=3, width=3)
