import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asg_core.evaluation.protocols.decoders import PatchDecoder, SetrPup, UnetDecoder

GOLDEN_FIRST = [0.007326058, -0.010486876, -0.011169417]
GOLDEN_LAST = [-0.13536033, -0.184975326, -0.037087448]


def test_a_patch_opens_into_its_own_square() -> None:
    decoder = PatchDecoder(3, hidden_width=4, factor=2, size=6)
    map_BEHW = torch.randn(1, 3, 3, 3)

    logit_BSS = decoder(map_BEHW)

    assert logit_BSS.shape == (1, 6, 6)
    cells = decoder.draw(F.relu(decoder.spread(map_BEHW)))[0]
    # Channel 2 * row + column of cell (1, 2) is pixel (row, column) of its square.
    torch.testing.assert_close(
        logit_BSS[0, 2:4, 4:6].flatten(), cells[:, 1, 2], rtol=0, atol=0
    )


def test_a_grid_that_does_not_divide_the_output_is_interpolated() -> None:
    decoder = PatchDecoder(3, hidden_width=4, factor=3, size=8)

    assert decoder(torch.randn(2, 3, 3, 3)).shape == (2, 8, 8)


@pytest.mark.parametrize("size", [16, 24])
def test_setr_doubles_the_map_once_per_stage(size: int) -> None:
    decoder = SetrPup(6, channels=(5, 4), size=size)

    logit_BSS = decoder(torch.randn(2, 16, 6), (4, 4))

    assert logit_BSS.shape == (2, size, size)
    assert logit_BSS.requires_grad


def test_setr_keeps_tokens_in_rows_and_columns() -> None:
    decoder = SetrPup(2, channels=(2,), size=8).eval()
    token_BPE = torch.randn(1, 16, 2)
    moved_BPE = token_BPE.clone()
    moved_BPE[0, 4 * 3 + 0] += 5  # row 3, column 0

    changed = (decoder(token_BPE, (4, 4)) - decoder(moved_BPE, (4, 4))).abs()[0] > 1e-6

    # One cell, spread by two 3 x 3 convolutions and the interpolation: never to the
    # opposite corner.
    assert changed[6:, :2].all()
    assert not changed[:2, 6:].any()


def _doubled(map_BEHW: Tensor) -> Tensor:
    """Double a map so that its corners stay where they are, pixel by pixel."""
    rows, columns = map_BEHW.shape[-2:]
    doubled = torch.empty(*map_BEHW.shape[:2], 2 * rows, 2 * columns)
    for y in range(2 * rows):
        for x in range(2 * columns):
            from_y, from_x = (
                y * (rows - 1) / (2 * rows - 1),
                x * (columns - 1) / (2 * columns - 1),
            )
            top, left = int(from_y), int(from_x)
            below, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
            down, across = from_y - top, from_x - left
            doubled[..., y, x] = (
                (1 - down) * (1 - across) * map_BEHW[..., top, left]
                + (1 - down) * across * map_BEHW[..., top, right]
                + down * (1 - across) * map_BEHW[..., below, left]
                + down * across * map_BEHW[..., below, right]
            )
    return doubled


def test_setr_is_what_its_docstring_says() -> None:
    """The same, run with MGCA's decoder on the same weights, gave equal logits."""
    torch.manual_seed(0)
    decoder = SetrPup(6, channels=(5, 4), size=12).eval()
    token_BPE = torch.randn(2, 9, 6)

    logit_BSS = decoder(token_BPE, (3, 3))

    map_BEHW = decoder.embed(token_BPE).transpose(1, 2).unflatten(2, (3, 3))
    for stage in decoder.stages:
        convolution, norm, *_ = stage.children()
        map_BEHW = _doubled(norm(convolution(map_BEHW)).relu())
    expected = decoder.head(map_BEHW).squeeze(1)
    torch.testing.assert_close(logit_BSS, expected, rtol=1e-5, atol=1e-6)


def test_a_doubling_leaves_the_corners_where_they_are() -> None:
    *_, double = SetrPup(1, channels=(1,), size=4).stages[0].children()
    row_BEHW = torch.tensor([[0.0, 3.0]]).expand(1, 1, 2, 2)

    doubled = double(row_BEHW)

    torch.testing.assert_close(doubled[0, 0, 0], torch.tensor([0.0, 1.0, 2.0, 3.0]))


def test_the_unet_starts_as_the_published_one() -> None:
    """Convolutions fit for ReLU, a head fit for both directions, biases of 0.

    segmentation_models_pytorch 0.2.0, run with the same seed where its decoder is built,
    gave equal weights in every tensor; the numbers below are of that run.
    """
    torch.manual_seed(7)

    unet = UnetDecoder(
        (64, 256, 512, 1024, 2048),
        (2, 4, 8, 16, 32),
        channels=(256, 128, 64, 32, 16),
        size=64,
    )

    for module in unet.blocks.modules():
        if isinstance(module, nn.Conv2d):
            bound = math.sqrt(6 / (module.in_channels * 9))
            assert module.bias is None
            assert 0.99 * bound < module.weight.abs().max().item() < 1.00001 * bound
            assert module.weight.std().item() == pytest.approx(
                bound / math.sqrt(3), rel=0.05
            )
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
    bound = math.sqrt(6 / ((16 + 1) * 9))
    assert 0.9 * bound < unet.head.weight.abs().max().item() < 1.00001 * bound
    assert unet.head.bias is not None
    assert unet.head.bias.tolist() == [0]
    first, last = next(unet.blocks.parameters()), unet.head.weight
    assert first.flatten()[:3].tolist() == pytest.approx(GOLDEN_FIRST, abs=1e-7)
    assert last.flatten()[:3].tolist() == pytest.approx(GOLDEN_LAST, abs=1e-7)


def test_the_number_of_weights_is_that_of_the_published_decoders() -> None:
    # ResNet-50: the published U-Net has 32,521,105 numbers, 23,508,032 of them are of
    # the encoder.
    unet = UnetDecoder(
        (64, 256, 512, 1024, 2048),
        (2, 4, 8, 16, 32),
        channels=(256, 128, 64, 32, 16),
        size=64,
    )
    blocks = [(2048 + 1024, 256), (256 + 512, 128), (128 + 256, 64), (64 + 64, 32)]
    blocks.append((32, 16))
    expected = sum(9 * (a + b) * b + 4 * b for a, b in blocks) + 9 * 16 + 1

    assert sum(weight.numel() for weight in unet.parameters()) == expected == 9_013_073


def test_the_unet_takes_each_map_where_it_fits() -> None:
    # As in ConvNeXt, there is no map at half the size.
    decoder = UnetDecoder((3, 5), (4, 8), channels=(6, 4, 2), size=32).eval()
    maps = [
        torch.randn(1, 3, 8, 8, requires_grad=True),
        torch.randn(1, 5, 4, 4, requires_grad=True),
    ]

    logit_BSS = decoder(maps)
    logit_BSS.sum().backward()

    assert logit_BSS.shape == (1, 32, 32)
    assert all(map_BEHW.grad is not None for map_BEHW in maps)


def test_a_unet_without_channels_for_a_doubling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 2 doublings, .* needs 3"):
        UnetDecoder((3,), (8,), channels=(4, 4), size=32)


def test_a_map_that_is_no_power_of_two_smaller_is_refused() -> None:
    with pytest.raises(ValueError, match="found one that is 14 times smaller"):
        UnetDecoder((3,), (14,), channels=(4, 4, 4, 4), size=28)
