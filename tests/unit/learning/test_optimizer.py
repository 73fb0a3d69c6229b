import pytest
import torch
from torch import nn

from asg_core.learning.optimizer import make_optimizer


def _model() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2), nn.Linear(2, 1))
    model[2].weight.requires_grad = False
    return model


def test_everything_that_is_trained_decays_by_default() -> None:
    model = _model()

    (group,) = make_optimizer(model, learning_rate=0.5, weight_decay=0.1).param_groups

    assert (group["lr"], group["weight_decay"]) == (0.5, 0.1)
    learned = [model[0].weight, model[0].bias, model[1].weight, model[1].bias]
    expected = [*learned, model[2].bias]
    assert [id(weight) for weight in group["params"]] == [id(one) for one in expected]


def test_norms_and_biases_can_go_without_decay() -> None:
    model = _model()

    optimizer = make_optimizer(
        model, learning_rate=0.5, weight_decay=0.1, decay_everything=False
    )

    decayed, kept = optimizer.param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert [id(weight) for weight in decayed["params"]] == [id(model[0].weight)]
    assert len(kept["params"]) == 4


@pytest.mark.parametrize("fused", [True, False])
def test_a_step_by_hand(fused: bool) -> None:  # noqa: FBT001
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 2.0)
    optimizer = make_optimizer(model, learning_rate=0.5, weight_decay=0.1, fused=fused)

    model.weight.grad = torch.tensor([[3.0]])
    optimizer.step()

    # Decay 2 * 0.5 * 0.1, then the first step of Adam: the rate against the gradient.
    assert model.weight.item() == pytest.approx(2 - 0.1 - 0.5, rel=1e-6)
    assert optimizer.defaults["fused"] is (True if fused else None)
