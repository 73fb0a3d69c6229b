import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from asg_core.losses.image_report import image_report_loss


def _loss_by_the_docstring(
    image_BD: Tensor, report_BD: Tensor, *, temperature: float
) -> Tensor:
    size = len(image_BD)
    loss = torch.zeros((), dtype=image_BD.dtype)
    for i in range(size):
        row = [image_BD[i] @ report_BD[j] / temperature for j in range(size)]
        column = [image_BD[j] @ report_BD[i] / temperature for j in range(size)]
        loss = loss + torch.stack(row).logsumexp(0) - row[i]
        loss = loss + torch.stack(column).logsumexp(0) - column[i]
    return loss / size


@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_matches_the_loop_in_its_docstring(temperature: float, batch_size: int) -> None:
    image_BD, report_BD = torch.randn(2, batch_size, 16).unbind(0)

    actual = image_report_loss(image_BD, report_BD, temperature=temperature)

    expected = _loss_by_the_docstring(image_BD, report_BD, temperature=temperature)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("batch_size", [2, 72])
def test_equal_logits_give_twice_the_logarithm_of_the_batch(batch_size: int) -> None:
    same_BD = F.normalize(torch.ones(batch_size, 8), dim=-1)

    loss = image_report_loss(same_BD, same_BD, temperature=0.07)

    assert loss.item() == pytest.approx(2 * math.log(batch_size), abs=1e-5)


def test_nothing_is_scaled_to_unit_length() -> None:
    # Logits [[4, 0], [0, 4]]: each of the two directions is log(1 + exp(-4)).
    image_BD = 2 * torch.eye(2)

    loss = image_report_loss(image_BD, image_BD, temperature=1.0)

    assert loss.item() == pytest.approx(2 * math.log1p(math.exp(-4)), rel=1e-5)


def test_halves_and_autocast_are_computed_in_32_bit() -> None:
    image_BD, report_BD = torch.randn(2, 6, 16).bfloat16().unbind(0)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = image_report_loss(image_BD, report_BD, temperature=0.07)

    expected = image_report_loss(image_BD.float(), report_BD.float(), temperature=0.07)
    assert actual.dtype == torch.float32
    torch.testing.assert_close(actual, expected)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"found shapes \(2, 4\) and \(3, 4\)"):
        image_report_loss(torch.ones(2, 4), torch.ones(3, 4), temperature=1.0)
    with pytest.raises(ValueError, match="leave empty batches out"):
        image_report_loss(torch.ones(0, 4), torch.ones(0, 4), temperature=1.0)
