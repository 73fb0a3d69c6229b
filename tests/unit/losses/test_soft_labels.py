import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from asg_core.losses.soft_labels import diagonal_share, soft_label_loss, soft_targets


def _targets_by_the_docstring(
    tag_BF: Tensor, *, hard_weight: float, epsilon: float
) -> Tensor:
    rows = []
    for i in range(len(tag_BF)):
        row = []
        for j in range(len(tag_BF)):
            similar = 0.0
            if tag_BF[i].any() and tag_BF[j].any():
                similar = F.cosine_similarity(tag_BF[i], tag_BF[j], dim=0).item()
            same = 1.0 if i == j else 0.0
            row.append(hard_weight * same + (1 - hard_weight) * similar + epsilon)
        rows.append([value / sum(row) for value in row])
    return torch.tensor(rows)


def _loss_by_the_docstring(
    image_BD: Tensor, report_BD: Tensor, target_BB: Tensor, *, temperature: float
) -> float:
    size = len(image_BD)
    logit_BB = image_BD @ report_BD.T / temperature
    loss = 0.0
    for direction_BB in (logit_BB, logit_BB.T):
        for i in range(size):
            p, q = direction_BB[i].softmax(0).tolist(), target_BB[i].tolist()
            forward = sum(q[j] * (math.log(q[j]) - math.log(p[j])) for j in range(size))
            backward = sum(
                p[j] * (math.log(p[j]) - math.log(q[j])) for j in range(size)
            )
            loss += (forward + backward) / 2
    return loss / size / 2


@pytest.mark.parametrize("hard_weight", [0.0, 0.8, 1.0])
@pytest.mark.parametrize("batch_size", [1, 6])
def test_matches_the_loop_in_its_docstring(hard_weight: float, batch_size: int) -> None:
    image_BD, report_BD = torch.randn(2, batch_size, 8).unbind(0)
    tag_BF = (torch.rand(batch_size, 40) > 0.8).float()
    tag_BF[0] = 0

    loss = soft_label_loss(
        image_BD, report_BD, tag_BF, temperature=1.0, hard_weight=hard_weight
    )

    target_BB = _targets_by_the_docstring(tag_BF, hard_weight=hard_weight, epsilon=1e-6)
    expected = _loss_by_the_docstring(image_BD, report_BD, target_BB, temperature=1.0)
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    torch.testing.assert_close(
        soft_targets(tag_BF, hard_weight=hard_weight), target_BB, rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize(("batch_size", "expected"), [(2, 3.398084), (72, 6.701189)])
def test_equal_logits_without_tags_have_a_closed_form(
    batch_size: int, expected: float
) -> None:
    same_BD = F.normalize(torch.ones(batch_size, 8), dim=-1)

    loss = soft_label_loss(
        same_BD,
        same_BD,
        torch.zeros(batch_size, 40),
        temperature=0.07,
        hard_weight=0.8,
    )

    assert loss.item() == pytest.approx(expected, abs=1e-5)


def test_without_tags_the_target_is_the_own_report() -> None:
    share = diagonal_share(torch.zeros(4, 40), hard_weight=0.8)

    assert share.item() == pytest.approx((0.8 + 1e-6) / (0.8 + 4e-6), abs=1e-7)


def test_the_share_of_the_own_report_falls_with_the_batch() -> None:
    # One tag in common for all: 1 / (1 + 0.2 (B - 1)), so 1 / 1.2 and 1 / 15.2.
    for batch_size, expected in ((2, 1 / 1.2), (72, 1 / 15.2)):
        tag_BF = torch.zeros(batch_size, 40)
        tag_BF[:, 3] = 1

        share = diagonal_share(tag_BF, hard_weight=0.8)

        assert share.item() == pytest.approx(expected, abs=1e-4)


def test_one_pair_costs_nothing() -> None:
    embedding_BD = torch.randn(1, 8, requires_grad=True)

    loss = soft_label_loss(
        embedding_BD,
        embedding_BD,
        torch.ones(1, 40),
        temperature=0.07,
        hard_weight=0.8,
    )

    loss.backward()
    assert loss.item() == 0
    assert embedding_BD.grad is not None
    assert embedding_BD.grad.isfinite().all()


def test_gradients_stay_finite_where_a_probability_is_zero() -> None:
    image_BD = (100 * torch.eye(3)).requires_grad_()

    loss = soft_label_loss(
        image_BD, torch.eye(3), torch.zeros(3, 40), temperature=0.07, hard_weight=0.8
    )

    loss.backward()
    assert loss.isfinite()
    assert image_BD.grad is not None
    assert image_BD.grad.isfinite().all()


def test_autocast_is_computed_in_32_bit() -> None:
    image_BD, report_BD = torch.randn(2, 6, 8).unbind(0)
    tag_BF = (torch.rand(6, 40) > 0.8).float()

    plain = soft_label_loss(
        image_BD, report_BD, tag_BF, temperature=0.07, hard_weight=0.8
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = soft_label_loss(
            image_BD, report_BD, tag_BF, temperature=0.07, hard_weight=0.8
        )

    assert torch.equal(cast, plain)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    one_BD = torch.ones(2, 4)

    with pytest.raises(ValueError, match=r"\(2, 4\), \(2, 4\) and \(3, 40\)"):
        soft_label_loss(
            one_BD, one_BD, torch.ones(3, 40), temperature=1.0, hard_weight=0.8
        )
