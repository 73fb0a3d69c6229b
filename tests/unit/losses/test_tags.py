import math

import pytest
import torch
from torch import Tensor

from asg_core.losses.tags import tag_loss


def _loss_by_the_docstring(
    logit_BF: Tensor, target_BF: Tensor, is_tag_BF: Tensor
) -> float:
    loss, count = 0.0, 0
    for b in range(logit_BF.shape[0]):
        for f in range(logit_BF.shape[1]):
            if is_tag_BF[b, f]:
                p, y = logit_BF[b, f].sigmoid().item(), target_BF[b, f].item()
                loss -= y * math.log(p) + (1 - y) * math.log(1 - p)
                count += 1
    return loss / count if count else 0.0


def test_matches_the_loop_in_its_docstring() -> None:
    logit_BF, target_BF = torch.randn(3, 40), torch.rand(3, 40).round(decimals=1)
    is_tag_BF = torch.rand(3, 40) > 0.4

    masked = tag_loss(logit_BF, target_BF, is_tag_BF=is_tag_BF)
    whole = tag_loss(logit_BF, target_BF)

    expected = _loss_by_the_docstring(logit_BF, target_BF, is_tag_BF)
    assert masked.item() == pytest.approx(expected, rel=1e-5)
    expected = _loss_by_the_docstring(logit_BF, target_BF, torch.ones(3, 40).bool())
    assert whole.item() == pytest.approx(expected, rel=1e-5)


def test_undecided_logits_cost_log_two() -> None:
    # Whatever the target: -y log(1/2) - (1 - y) log(1/2) = log 2.
    loss = tag_loss(torch.zeros(2, 40), torch.zeros(2, 40))

    assert loss.item() == pytest.approx(math.log(2))


def test_without_any_tag_there_is_no_loss_and_no_gradient() -> None:
    logit_BF = torch.randn(2, 5, requires_grad=True)

    loss = tag_loss(
        logit_BF, torch.zeros(2, 5), is_tag_BF=torch.zeros(2, 5, dtype=torch.bool)
    )

    loss.backward()
    assert loss.item() == 0
    assert logit_BF.grad is not None
    assert (logit_BF.grad == 0).all()


def test_what_is_left_out_plays_no_part() -> None:
    logit_BF = torch.tensor([[1.0, math.inf]], requires_grad=True)
    target_BF = torch.tensor([[1.0, math.nan]])

    loss = tag_loss(logit_BF, target_BF, is_tag_BF=torch.tensor([[True, False]]))

    loss.backward()
    assert loss.item() == pytest.approx(math.log1p(math.exp(-1)))
    assert logit_BF.grad is not None
    assert logit_BF.grad[0].tolist() == pytest.approx([-1 / (1 + math.e), 0.0])


def test_halves_are_computed_in_32_bit() -> None:
    logit_BF = torch.randn(3, 40).bfloat16()

    loss = tag_loss(logit_BF, torch.ones(3, 40))

    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, tag_loss(logit_BF.float(), torch.ones(3, 40)))


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"found \(2, 40\), \(2, 39\), \(2, 39\)"):
        tag_loss(torch.ones(2, 40), torch.ones(2, 39))
