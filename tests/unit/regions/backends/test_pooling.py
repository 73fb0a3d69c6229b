import pytest
import torch
from torch import Tensor
from torchvision.ops import roi_align

from asg_core.regions.backends.pooling import PatchPooling, pool_patches


def _boxes() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    start_P2 = torch.rand(20, 2, generator=generator) * 14 - 4
    size_P2 = torch.rand(20, 2, generator=generator) * 20
    odd_P4 = torch.tensor(
        [
            [2.0, 3.0, 2.0, 3.0],  # empty: read as one cell
            [5.0, 5.0, 4.0, 4.0],  # reversed
            [0.0, 0.0, 12.0, 9.0],  # the whole map
            [30.0, 30.0, 40.0, 40.0],  # outside
            [-9.0, -9.0, 30.0, 30.0],
        ]
    )
    return torch.cat([torch.cat([start_P2, start_P2 + size_P2], dim=1), odd_P4])


@pytest.mark.parametrize("patch_size", [1, 3, 7])
def test_patches_and_gradients_are_those_of_roi_align(patch_size: int) -> None:
    torch.manual_seed(0)
    boxes_P4 = _boxes()
    map_CHW = torch.randn(5, 9, 12, requires_grad=True)
    upstream = torch.randn(len(boxes_P4), 5, patch_size, patch_size)

    patches = pool_patches(map_CHW, boxes_P4, patch_size=patch_size)
    (gradient,) = torch.autograd.grad((patches * upstream).sum(), map_CHW)

    index_P1 = torch.zeros(len(boxes_P4), 1)
    expected = roi_align(
        map_CHW[None],
        torch.cat([index_P1, boxes_P4], dim=1),
        output_size=patch_size,
        sampling_ratio=2,
    )
    (expected_gradient,) = torch.autograd.grad((expected * upstream).sum(), map_CHW)
    torch.testing.assert_close(patches, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-4, rtol=1e-4)


def test_a_linear_map_is_read_at_the_cell_centres() -> None:
    # Cell c of the map stands at position c and holds 10 * c.
    map_CHW = (10.0 * torch.arange(8.0)).expand(1, 8, 8)

    patch = pool_patches(map_CHW, torch.tensor([[1.0, 0.0, 5.0, 4.0]]), patch_size=2)

    # Two bins from 1 to 3 and 3 to 5; their samples average to their middles.
    torch.testing.assert_close(patch[0, 0], torch.tensor([[20.0, 40.0]] * 2))


def test_boxes_are_read_from_the_level_of_their_size_and_their_image() -> None:
    pooling = PatchPooling(strides=(8, 16, 32), patch_size=2)
    # The value says which level and image it came from.
    levels = {
        str(level): torch.tensor([0.0, 100.0]).view(2, 1, 1, 1).expand(2, 1, side, side)
        + level
        for level, side in enumerate((32, 16, 8))
    }
    # A patch of 2 x 2 leaves stride 8 at 32 pixels and stride 16 at 64.
    first = torch.tensor([[0.0, 0.0, 31.0, 31.0], [0.0, 0.0, 200.0, 200.0]])
    second = torch.tensor([[0.0, 0.0, 32.0, 32.0], [0.0, 0.0, 64.0, 63.0]])

    patches = pooling(levels, [first, second], [(256, 256)] * 2)

    assert patches.shape == (4, 1, 2, 2)
    assert patches[:, 0, 0, 0].tolist() == [0.0, 2.0, 101.0, 101.0]


def test_images_without_boxes_have_no_patches() -> None:
    pooling = PatchPooling(strides=(8,), patch_size=3)

    patches = pooling(
        {"0": torch.ones(2, 4, 5, 5)},
        [torch.zeros(0, 4), torch.zeros(0, 4)],
        [(40, 40)] * 2,
    )

    assert patches.shape == (0, 4, 3, 3)
