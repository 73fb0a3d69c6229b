from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18
from torchvision.ops import FrozenBatchNorm2d

from asg_core.regions.backends.backbone import PyramidBackbone, load_backbone_weights
from asg_core.regions.config import ArchitectureConfig, Backbone


@pytest.mark.parametrize("backbone", list(Backbone))
def test_every_backbone_has_the_levels_it_promises(backbone: Backbone) -> None:
    architecture = ArchitectureConfig(backbone=backbone, pyramid_width=16)
    pyramid = PyramidBackbone(architecture)

    with torch.no_grad():
        levels = pyramid(torch.zeros(1, 1, 64, 96))

    shapes = {name: tuple(level.shape) for name, level in levels.items()}
    assert shapes == {"0": (1, 16, 8, 12), "1": (1, 16, 4, 6), "2": (1, 16, 2, 3)}


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_colour_weights_see_a_grey_image_as_they_saw_it_in_rgb(
    tmp_path: Path, suffix: str
) -> None:
    torch.manual_seed(1)
    classifier = resnet18(weights=None).eval()
    path = tmp_path / f"resnet18{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save(classifier.state_dict(), path)
    backbone = PyramidBackbone(
        ArchitectureConfig(backbone=Backbone.RESNET18, norm="frozen", pyramid_width=16)
    ).eval()

    load_backbone_weights(backbone, path)

    assert any(isinstance(part, FrozenBatchNorm2d) for part in backbone.modules())
    grey = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        expected = nn.Sequential(*list(classifier.children())[:-2])(
            grey.expand(1, 3, 64, 64)
        )
        found = backbone.body(grey)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.safetensors"
    save_file(resnet18(weights=None).state_dict(), path)
    backbone = PyramidBackbone(
        ArchitectureConfig(backbone=Backbone.RESNET34, norm="batch", pyramid_width=16)
    )

    with pytest.raises(
        ValueError, match=r"expected the weight 'layer1.2.conv1.weight'"
    ):
        load_backbone_weights(backbone, path)
