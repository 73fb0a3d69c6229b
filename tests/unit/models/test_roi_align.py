import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import roi_align

from asg_core.models.roi_align import roi_weights

SIZE = 224


@st.composite
def _boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Draw a box inside, across the border, outside, or smaller than a pixel."""
    corner = st.floats(-1.5 * SIZE, 2.5 * SIZE)
    side = st.one_of(st.floats(0.001, 2), st.floats(2, 3 * SIZE), st.just(0.0))
    x0, y0 = draw(corner), draw(corner)
    return x0, y0, x0 + draw(side), y0 + draw(side)


def _by_torchvision(
    boxes_U4: Tensor, map_CHW: Tensor, *, grid: tuple[int, int], aligned: bool
) -> Tensor:
    rows, columns = grid
    to_cells = torch.tensor([columns, rows, columns, rows], dtype=boxes_U4.dtype) / SIZE
    pooled_UC11: Tensor = roi_align(
        map_CHW[None],
        [boxes_U4 * to_cells],
        output_size=1,
        spatial_scale=1.0,
        sampling_ratio=-1,
        aligned=aligned,
    )
    return pooled_UC11[..., 0, 0]


@given(
    boxes=st.lists(_boxes(), min_size=1, max_size=4),
    grid=st.sampled_from([(14, 14), (7, 16), (1, 1), (2, 5)]),
    aligned=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_is_what_torchvision_reads_from_the_map(
    *,
    boxes: list[tuple[float, float, float, float]],
    grid: tuple[int, int],
    aligned: bool,
) -> None:
    generator = torch.Generator().manual_seed(0)
    map_CHW = torch.randn(3, *grid, generator=generator, dtype=torch.float64)
    map_CHW.requires_grad_()
    boxes_U4 = torch.tensor(boxes, dtype=torch.float64)
    upstream_UC = torch.randn(len(boxes), 3, generator=generator, dtype=torch.float64)

    weights_BUP = roi_weights(boxes_U4[None], size=SIZE, grid=grid, aligned=aligned)
    actual_UC = weights_BUP[0] @ map_CHW.flatten(1).T

    expected_UC = _by_torchvision(boxes_U4, map_CHW, grid=grid, aligned=aligned)
    torch.testing.assert_close(actual_UC, expected_UC, rtol=1e-9, atol=1e-9)
    (actual,) = torch.autograd.grad(actual_UC, map_CHW, upstream_UC)
    (expected,) = torch.autograd.grad(expected_UC, map_CHW, upstream_UC)
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("aligned", [True, False])
def test_is_the_same_in_32_bit(*, aligned: bool) -> None:
    map_CHW = torch.randn(8, 14, 14)
    start_U2 = torch.rand(50, 2) * 150
    boxes_U4 = torch.cat([start_U2, start_U2 + 3 + torch.rand(50, 2) * 70], dim=1)

    weights_BUP = roi_weights(boxes_U4[None], size=SIZE, grid=(14, 14), aligned=aligned)

    expected_UC = _by_torchvision(boxes_U4, map_CHW, grid=(14, 14), aligned=aligned)
    torch.testing.assert_close(
        weights_BUP[0] @ map_CHW.flatten(1).T, expected_UC, rtol=1e-4, atol=1e-5
    )


def test_the_box_of_one_patch_reads_that_patch() -> None:
    # 16 pixels a patch: row 1, column 2 of 14 x 14 is patch 16.
    boxes_BU4 = torch.tensor([[[32.0, 16.0, 48.0, 32.0]]])

    weights_BUP = roi_weights(boxes_BU4, size=SIZE, grid=(14, 14), aligned=True)

    assert weights_BUP[0, 0, 16] == 1
    assert weights_BUP.sum() == 1


def test_the_legacy_pooling_is_half_a_cell_off() -> None:
    # Without the shift the same box reads the middle between rows 1, 2 and columns 2, 3.
    boxes_BU4 = torch.tensor([[[32.0, 16.0, 48.0, 32.0]]])

    weights_BUP = roi_weights(boxes_BU4, size=SIZE, grid=(14, 14), aligned=False)

    assert weights_BUP[0, 0].nonzero().flatten().tolist() == [16, 17, 30, 31]
    assert weights_BUP[0, 0, 16] == 0.25


def test_without_units_there_are_no_weights() -> None:
    weights_BUP = roi_weights(
        torch.zeros(2, 0, 4), size=SIZE, grid=(14, 14), aligned=True
    )

    assert weights_BUP.shape == (2, 0, 196)
