import pytest
import torch

from asg_core.learning.precision import arithmetic
from asg_core.learning.randomness import own_randomness, seed_of


def test_global_state_is_left_as_it_was_also_after_an_error() -> None:
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)

    with pytest.raises(RuntimeError), own_randomness(torch.device("cpu")):  # noqa: PT012
        assert torch.are_deterministic_algorithms_enabled()
        torch.rand(7)
        raise RuntimeError

    assert torch.equal(torch.rand(2), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_seed_depends_on_every_number_and_on_their_order() -> None:
    seeds = {seed_of(1, 2), seed_of(2, 1), seed_of(1, 3), seed_of(1, 2, 1)}

    assert len(seeds) == 4
    assert seed_of(1, 2) == seed_of(1, 2)


def test_the_precision_is_that_of_products() -> None:
    left = torch.ones(2, 2)

    with arithmetic("cpu", "bf16"):
        assert (left @ left).dtype == torch.bfloat16
    with arithmetic(torch.device("cpu"), "fp32"):
        assert (left @ left).dtype == torch.float32
