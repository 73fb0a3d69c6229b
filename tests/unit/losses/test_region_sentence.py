import math

import pytest
import torch
from torch import Tensor

from asg_core.losses.region_sentence import region_sentence_loss


def _loss_by_the_docstring(
    region_BUD: Tensor, sentence_BUD: Tensor, is_unit_BU: Tensor, *, temperature: float
) -> float:
    loss, count = 0.0, 0
    for b in range(len(region_BUD)):
        units = [u for u in range(region_BUD.shape[1]) if is_unit_BU[b, u]]
        for u in units:
            row = [region_BUD[b, u] @ sentence_BUD[b, k] / temperature for k in units]
            column = [
                region_BUD[b, k] @ sentence_BUD[b, u] / temperature for k in units
            ]
            own = region_BUD[b, u] @ sentence_BUD[b, u] / temperature
            loss += (torch.stack(row).logsumexp(0) - own).item()
            loss += (torch.stack(column).logsumexp(0) - own).item()
            count += 1
    return loss / count if count else 0.0


def _batch(counts: list[int], *, width: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """Return leaves with NaN in the padding, and their mask."""
    longest = max(counts)
    is_unit_BU = torch.arange(longest)[None] < torch.tensor(counts)[:, None]
    shape = (len(counts), longest, width)
    region_BUD = torch.randn(shape).masked_fill(~is_unit_BU[..., None], math.nan)
    sentence_BUD = torch.randn(shape).masked_fill(~is_unit_BU[..., None], math.nan)
    return region_BUD.requires_grad_(), sentence_BUD.requires_grad_(), is_unit_BU


@pytest.mark.parametrize("counts", [[3, 2, 1], [1], [4, 0], [60, 1, 0, 7]])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_matches_the_loop_in_its_docstring(
    counts: list[int], temperature: float
) -> None:
    region_BUD, sentence_BUD, is_unit_BU = _batch(counts)

    loss = region_sentence_loss(
        region_BUD, sentence_BUD, is_unit_BU, temperature=temperature
    )

    expected = _loss_by_the_docstring(
        region_BUD, sentence_BUD, is_unit_BU, temperature=temperature
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5, abs=1e-6)
    loss.backward()
    for embedding_BUD in (region_BUD, sentence_BUD):
        assert embedding_BUD.grad is not None
        assert embedding_BUD.grad.isfinite().all()
        assert (embedding_BUD.grad[~is_unit_BU] == 0).all()


@pytest.mark.parametrize("num_columns", [0, 3])
def test_a_batch_without_units_has_no_loss_and_no_gradient(num_columns: int) -> None:
    region_BUD = torch.randn(2, num_columns, 4, requires_grad=True)
    sentence_BUD = torch.randn(2, num_columns, 4, requires_grad=True)

    loss = region_sentence_loss(
        region_BUD,
        sentence_BUD,
        torch.zeros(2, num_columns, dtype=torch.bool),
        temperature=0.07,
    )

    loss.backward()
    assert loss.item() == 0
    for embedding_BUD in (region_BUD, sentence_BUD):
        assert embedding_BUD.grad is not None
        assert (embedding_BUD.grad == 0).all()


def test_the_only_unit_of_an_image_counts_and_adds_nothing() -> None:
    # Two equal units: 2 log 2 each. With one lonely unit beside them: 4 log 2 / 3.
    ones_BUD = torch.ones(2, 2, 4)
    is_unit_BU = torch.tensor([[True, True], [True, False]])

    loss = region_sentence_loss(ones_BUD, ones_BUD, is_unit_BU, temperature=0.07)

    assert loss.item() == pytest.approx(4 * math.log(2) / 3)


def test_padding_may_stand_anywhere_and_be_of_any_length() -> None:
    region_BUD, sentence_BUD, is_unit_BU = _batch([3, 2])
    shift = (1, 2, 0)

    moved = region_sentence_loss(
        region_BUD[:, shift],
        sentence_BUD[:, shift],
        is_unit_BU[:, shift],
        temperature=1,
    )
    plain = region_sentence_loss(region_BUD, sentence_BUD, is_unit_BU, temperature=1)

    torch.testing.assert_close(moved, plain)


def test_autocast_is_computed_in_32_bit() -> None:
    region_BUD, sentence_BUD, is_unit_BU = _batch([3, 2])

    plain = region_sentence_loss(region_BUD, sentence_BUD, is_unit_BU, temperature=0.07)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = region_sentence_loss(
            region_BUD, sentence_BUD, is_unit_BU, temperature=0.07
        )

    assert torch.equal(cast, plain)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    one_BUD = torch.ones(2, 3, 4)

    with pytest.raises(
        ValueError, match=r"found \(2, 3, 4\), \(2, 3, 4\) and \(2, 2\)"
    ):
        region_sentence_loss(
            one_BUD, one_BUD, torch.ones(2, 2, dtype=torch.bool), temperature=1
        )
