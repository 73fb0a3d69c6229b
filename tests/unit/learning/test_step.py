import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from asg_core.learning.processes import World
from asg_core.learning.step import total_loss, update_weights


class OtherProcess(World):
    """A world of two, in which the other process always has 3 times our numbers."""

    def mean(self, values: Tensor) -> Tensor:
        return values * 2


def _line() -> tuple[nn.Linear, torch.optim.Optimizer]:
    model = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0, 4.0]]))
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def _losses(model: nn.Linear) -> dict[str, Tensor]:
    """Half the squared norm (gradient: the weight), and the sum (gradient: ones)."""
    return {"norm": (model.weight**2).sum() / 2, "sum": model.weight.sum()}


def _update(
    model: nn.Linear,
    optimizer: torch.optim.Optimizer,
    **changes: Any,  # noqa: ANN401
) -> dict[str, float]:
    named = {"where": "test, step 3", "advice": "lower the rate"}
    return update_weights(model, optimizer, _losses(model), **(named | changes))


def test_a_step_by_hand() -> None:
    model, optimizer = _line()

    found = _update(model, optimizer, watched={"seen": torch.tensor(0.25)})

    # The gradient is (3 + 1, 4 + 1), its norm the root of 41.
    assert list(found) == ["loss", "norm", "sum", "seen", "grad_norm"]
    assert found == pytest.approx(
        {
            "loss": 19.5,
            "norm": 12.5,
            "sum": 7.0,
            "seen": 0.25,
            "grad_norm": math.sqrt(41),
        }
    )
    torch.testing.assert_close(model.weight.data, torch.tensor([[2.6, 3.5]]))


def test_weights_and_the_rate_of_the_step_count() -> None:
    model, optimizer = _line()

    found = _update(model, optimizer, weights={"norm": 2.0, "sum": 0.0}, rate=0.25)

    assert found["loss"] == 25.0
    torch.testing.assert_close(model.weight.data, torch.tensor([[1.5, 2.0]]))


def test_the_rate_of_the_step_is_that_of_every_group() -> None:
    decayed, kept = nn.Parameter(torch.tensor(3.0)), nn.Parameter(torch.tensor(3.0))
    model = nn.ParameterList([decayed, kept])
    optimizer = torch.optim.SGD([{"params": [decayed]}, {"params": [kept]}], lr=0.1)

    update_weights(
        model, optimizer, {"sum": decayed + kept}, where="", advice="", rate=0.5
    )

    assert (decayed.item(), kept.item()) == (2.5, 2.5)


def test_gradients_are_scaled_down_to_the_limit_and_measured_before() -> None:
    model, optimizer = _line()

    found = _update(
        model, optimizer, weights={"norm": 1.0, "sum": 0.0}, max_grad_norm=0.5
    )

    assert found["grad_norm"] == pytest.approx(5.0)
    expected = torch.tensor([[3 - 0.1 * 0.3, 4 - 0.1 * 0.4]])
    torch.testing.assert_close(model.weight.data, expected)


def test_gradients_below_the_limit_stay() -> None:
    model, optimizer = _line()

    _update(model, optimizer, max_grad_norm=100.0)

    torch.testing.assert_close(model.weight.data, torch.tensor([[2.6, 3.5]]))


def test_gradients_of_the_step_before_are_forgotten() -> None:
    model, optimizer = _line()
    model.weight.grad = torch.full((1, 2), 1e3)

    assert _update(model, optimizer)["grad_norm"] == pytest.approx(math.sqrt(41))


@pytest.mark.parametrize(
    ("weight", "names"),
    [(math.nan, "loss, norm, sum, grad_norm"), (1e30, "loss, norm, grad_norm")],
)
def test_what_is_not_finite_is_named_and_nothing_changes(
    weight: float, names: str
) -> None:
    model, optimizer = _line()
    nn.init.constant_(model.weight, weight)
    before = model.weight.detach().clone()

    with pytest.raises(
        FloatingPointError,
        match=rf"^test, step 3: expected finite losses, found {names} not finite in "
        r"\{.*\}; lower the rate$",
    ):
        _update(model, optimizer, rate=7.0)

    assert torch.equal(model.weight.data.nan_to_num(), before.nan_to_num())
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_gradient_that_is_not_finite_stops_a_finite_loss() -> None:
    model, optimizer = _line()
    nn.init.constant_(model.weight, 0.0)

    with pytest.raises(FloatingPointError, match="found grad_norm not finite"):
        update_weights(
            model,
            optimizer,
            {"root": model.weight.sum().sqrt()},
            where="test",
            advice="",
        )


def test_numbers_are_means_over_the_processes() -> None:
    model, optimizer = _line()
    world = OtherProcess(rank=0, size=2, device=torch.device("cpu"))

    found = _update(model, optimizer, world=world)

    assert (found["loss"], found["norm"]) == (39.0, 25.0)


def test_what_has_no_gradient_is_left_alone() -> None:
    line, other = nn.Linear(2, 1, bias=False), nn.Linear(2, 1)
    model = nn.ModuleList([line, other])
    before = other.weight.detach().clone()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)

    update_weights(model, optimizer, {"sum": line.weight.sum()}, where="", advice="")

    assert torch.equal(other.weight, before)


def test_the_total_is_the_weighted_sum_in_32_bit() -> None:
    losses = {
        "tags": torch.tensor(2.0),
        "image_report": torch.tensor(3.0, dtype=torch.bfloat16),
    }

    total = total_loss(losses, {"image_report": 0.5, "tags": 5.0})

    assert total.item() == 0.5 * 3 + 5 * 2
    assert total.dtype == torch.float32


def test_losses_and_weights_must_match() -> None:
    with pytest.raises(ValueError, match="expected a weight for each loss"):
        total_loss({"tags": torch.tensor(2.0)}, {"tags": 1.0, "image_report": 1.0})
