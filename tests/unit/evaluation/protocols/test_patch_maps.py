import numpy as np
import pytest
import torch

from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols import patch_maps as module
from asg_core.evaluation.protocols.patch_maps import PatchMaps, make_patch_maps


def _maps(patches_NPE: list[list[list[float]]]) -> PatchMaps:
    """Return images of 2 x 2 patches, with empty masks of 2 x 2 cells."""
    values_NPE = np.array(patches_NPE, np.float16)
    num = len(values_NPE)
    features = Features(
        encoder="by hand",
        image_ids=tuple(f"image-{place}" for place in range(num)),
        pooled_NE=np.zeros((num, 1), np.float32),
        patches_NPE=values_NPE,
        grid=(2, 2),
    )
    masks_NGG = np.zeros((num, 2, 2), np.bool_)
    return make_patch_maps(features, masks_NGG, size=2, device="cpu")


ONE = [[0.0, 5.0], [2.0, 5.0], [4.0, 5.0], [6.0, 5.0]]
OTHER = [[8.0, 5.0], [10.0, 5.0], [12.0, 5.0], [14.0, 5.0]]
FAR = [[900.0, 1.0]] * 4


@pytest.mark.parametrize("chunk", [1, 2, 256])
def test_a_channel_is_measured_over_patches_and_the_images_asked_for(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)

    scale = _maps([ONE, FAR, OTHER]).measure(np.array([0, 2]))

    # 0, 2 .. 14: the mean is 7, the variance 4 (8 ** 2 - 1) / 12 = 21.
    assert scale.mean_E.tolist() == [7, 5]
    assert scale.std_E[0] == pytest.approx(np.sqrt(21))


def test_maps_are_standardised_row_by_row_and_a_constant_channel_is_0() -> None:
    maps = _maps([ONE, FAR, OTHER])
    scale = maps.measure(np.array([0, 2]))

    map_BEHW = maps.maps(np.array([2, 0]), scale=scale)

    expected = torch.tensor([[[1.0, 3.0], [5.0, 7.0]], [[-7.0, -5.0], [-3.0, -1.0]]])
    torch.testing.assert_close(map_BEHW[:, 0], expected / 21**0.5)
    assert not map_BEHW[:, 1].any()
    assert not maps.maps(np.array([1]), scale=scale)[:, 1].any()
