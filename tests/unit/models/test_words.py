import torch
from torch import Tensor

from asg_core.models.words import pool_words


def _by_the_docstring(
    hidden_BTE: Tensor, word_of_piece_BT: Tensor, is_piece_BT: Tensor, *, num_slots: int
) -> Tensor:
    batch_size, num_pieces, width = hidden_BTE.shape
    word_BKE = torch.zeros(batch_size, num_slots, width)
    for b in range(batch_size):
        for t in range(num_pieces):
            if is_piece_BT[b, t]:
                word_BKE[b, word_of_piece_BT[b, t]] += hidden_BTE[b, t]
    return word_BKE


def test_matches_the_loop_in_its_docstring() -> None:
    hidden_BTE = torch.randn(3, 7, 4, requires_grad=True)
    word_of_piece_BT = torch.tensor(
        [[0, 1, 1, 2, 3, 4, 5], [0, 1, 1, 1, 1, 2, 0], [0, 1, 0, 0, 0, 0, 0]]
    )
    is_piece_BT = torch.arange(7) < torch.tensor([[7], [6], [2]])
    arguments = (hidden_BTE, word_of_piece_BT, is_piece_BT)

    actual_BKE = pool_words(*arguments, num_slots=6)

    expected_BKE = _by_the_docstring(*arguments, num_slots=6)
    torch.testing.assert_close(actual_BKE, expected_BKE)
    upstream_BKE = torch.randn(3, 6, 4)
    (actual,) = torch.autograd.grad(actual_BKE, hidden_BTE, upstream_BKE)
    (expected,) = torch.autograd.grad(expected_BKE, hidden_BTE, upstream_BKE)
    torch.testing.assert_close(actual, expected)


def test_slots_without_a_piece_are_zero() -> None:
    word_BKE = pool_words(
        torch.ones(1, 2, 3),
        torch.tensor([[0, 2]]),
        torch.tensor([[True, True]]),
        num_slots=4,
    )

    assert word_BKE[0].sum(1).tolist() == [3, 0, 3, 0]


def test_works_in_halves() -> None:
    word_BKE = pool_words(
        torch.ones(1, 2, 3).bfloat16(),
        torch.tensor([[0, 0]]),
        torch.tensor([[True, True]]),
        num_slots=1,
    )

    assert word_BKE.dtype == torch.bfloat16
    assert word_BKE.tolist() == [[[2, 2, 2]]]
