import pytest
import torch
import torch.nn.functional as F

from asg_core.evaluation.decoders import PatchDecoder, SetrPup, UnetDecoder


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
    with pytest.raises(ValueError, match="channels for 3 doublings, found 2"):
        UnetDecoder((3,), (8,), channels=(4, 4), size=32)


def test_a_map_that_is_no_power_of_two_smaller_is_refused() -> None:
    with pytest.raises(ValueError, match="found one that is 14 times smaller"):
        UnetDecoder((3,), (14,), channels=(4, 4, 4, 4), size=28)
