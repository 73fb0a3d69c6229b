import pytest
import torch
from torch import nn

from asg_core.models.heads import ProjectionHead


def _plain(head: ProjectionHead) -> nn.Sequential:
    """Return the same layers in torch's own modules, statistics not yet moved."""
    return nn.Sequential(
        head.hidden,
        nn.BatchNorm1d(head.hidden.out_features),
        nn.ReLU(),
        head.out,
        nn.BatchNorm1d(head.out.out_features, affine=False),
    )


def test_is_two_linear_layers_with_batch_norm() -> None:
    head = ProjectionHead(6, 5, 3)
    plain = _plain(head)
    feature_BE = torch.randn(7, 6)

    torch.testing.assert_close(head(feature_BE), plain(feature_BE))
    torch.testing.assert_close(head.eval()(feature_BE), plain.eval()(feature_BE))
    assert not list(head.out_norm.parameters())


def test_rows_of_all_images_share_the_statistics() -> None:
    head = ProjectionHead(6, 5, 3)
    feature_BNE = torch.randn(2, 4, 6)

    projected_BND = head(feature_BNE)

    assert projected_BND.shape == (2, 4, 3)
    torch.testing.assert_close(
        projected_BND.mean((0, 1)), torch.zeros(3), rtol=0, atol=1e-6
    )
    torch.testing.assert_close(
        projected_BND.flatten(0, 1), _plain(head)(feature_BNE.flatten(0, 1))
    )


def test_padding_changes_nothing() -> None:
    feature_BNE = torch.randn(2, 4, 6)
    is_row_BN = torch.tensor([[True, True, True, False], [True, False, False, False]])
    longer_BNE = torch.cat([feature_BNE, torch.full((2, 9, 6), torch.nan)], dim=1)
    is_longer_BN = torch.cat([is_row_BN, torch.zeros(2, 9, dtype=torch.bool)], dim=1)
    head, other = ProjectionHead(6, 5, 3), ProjectionHead(6, 5, 3)
    other.load_state_dict(head.state_dict())

    projected_BND = head(feature_BNE, is_row_BN)
    longer_BND = other(longer_BNE, is_longer_BN)

    assert torch.equal(longer_BND[:, :4], projected_BND)
    assert (projected_BND[~is_row_BN] == 0).all()
    for name, value in head.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    torch.testing.assert_close(
        projected_BND[is_row_BN], _plain(head)(feature_BNE[is_row_BN])
    )


@pytest.mark.parametrize("num_rows", [0, 1])
def test_fewer_than_two_rows_take_the_running_statistics(num_rows: int) -> None:
    head = ProjectionHead(6, 5, 3)
    head(torch.randn(20, 6))
    before = {name: value.clone() for name, value in head.state_dict().items()}
    feature_BE = torch.randn(num_rows, 6, requires_grad=True)

    projected_BD = head(feature_BE)

    projected_BD.sum().backward()
    assert projected_BD.shape == (num_rows, 3)
    assert feature_BE.grad is not None
    assert feature_BE.grad.isfinite().all()
    for name, value in head.state_dict().items():
        assert torch.equal(value, before[name]), name
    torch.testing.assert_close(projected_BD, head.eval()(feature_BE))


def test_two_rows_have_statistics_of_their_own() -> None:
    head = ProjectionHead(6, 40, 3)

    projected_BD = head(torch.randn(2, 6))

    # Two values less their mean, over their deviation, are 1 and -1.
    torch.testing.assert_close(projected_BD.abs(), torch.ones(2, 3), rtol=0, atol=0.01)
    torch.testing.assert_close(projected_BD.sum(0), torch.zeros(3), rtol=0, atol=1e-5)


def test_a_batch_that_is_all_padding_is_zero() -> None:
    head = ProjectionHead(6, 5, 3)

    projected_BND = head(torch.randn(2, 4, 6), torch.zeros(2, 4, dtype=torch.bool))

    assert (projected_BND == 0).all()
    projected_BND.sum().backward()
    assert head.hidden.weight.grad is not None
    assert (head.hidden.weight.grad == 0).all()


def test_the_result_is_32_bit_under_autocast() -> None:
    head = ProjectionHead(6, 5, 3)
    feature_BNE = torch.randn(2, 4, 6)
    is_row_BN = torch.rand(2, 4) > 0.3

    with torch.autocast("cpu", dtype=torch.bfloat16):
        projected_BND = head(feature_BNE, is_row_BN)

    assert projected_BND.dtype == torch.float32
    torch.testing.assert_close(
        projected_BND, head(feature_BNE, is_row_BN), rtol=0.1, atol=0.1
    )
