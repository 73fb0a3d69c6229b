from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.ops import FrozenBatchNorm2d, box_iou

from asg_core.regions.config import ArchitectureConfig, Backbone
from asg_core.regions.model import (
    LabelledBoxes,
    PyramidBackbone,
    RegionDetector,
    best_boxes,
    load_backbone_weights,
    to_class,
    without_background,
)
from asg_core.terms.regions import REGIONS

SMALL = {
    "pyramid_width": 16,
    "num_candidates": 20,
    "num_proposals": 10,
    "proposal_samples": 8,
    "box_samples": 8,
    "head_width": 16,
}


@pytest.mark.parametrize("backbone", list(Backbone))
def test_every_backbone_has_the_levels_it_promises(backbone: Backbone) -> None:
    architecture = ArchitectureConfig(backbone=backbone, pyramid_width=16)
    pyramid = PyramidBackbone(architecture)

    with torch.no_grad():
        levels = pyramid(torch.zeros(1, 1, 64, 96))

    shapes = {name: tuple(level.shape) for name, level in levels.items()}
    assert shapes == {"0": (1, 16, 8, 12), "1": (1, 16, 4, 6), "2": (1, 16, 2, 3)}


def test_a_training_pass_gives_four_finite_losses_and_gradients_everywhere() -> None:
    torch.manual_seed(0)
    detector = RegionDetector(
        ArchitectureConfig(backbone=Backbone.RESNET10, **SMALL), size=64
    ).train()
    target = LabelledBoxes(
        boxes_L4=torch.tensor([[8.0, 8.0, 40.0, 56.0]]), region_L=torch.tensor([28])
    )

    images = torch.randint(0, 256, (2, 64, 64), dtype=torch.uint8)
    losses = detector.losses(images, [target, target])
    torch.stack(list(losses.values())).sum().backward()

    assert list(losses) == ["box_reg", "classifier", "objectness", "rpn_box_reg"]
    assert all(torch.isfinite(loss) for loss in losses.values())
    without = [
        name for name, weight in detector.named_parameters() if weight.grad is None
    ]
    assert without == []


def test_prediction_gives_every_region_a_box_and_a_score() -> None:
    torch.manual_seed(0)
    detector = RegionDetector(
        ArchitectureConfig(backbone=Backbone.RESNET10, **SMALL), size=64
    ).eval()

    found = detector.detect(torch.zeros(3, 64, 64, dtype=torch.uint8), vote_overlap=0.6)

    assert found.boxes_BR4.shape == (3, 29, 4)
    assert found.score_BR.shape == (3, 29)
    assert ((found.score_BR > 0) & (found.score_BR < 1)).all()


def test_images_of_a_batch_do_not_touch_each_other() -> None:
    torch.manual_seed(0)
    detector = RegionDetector(
        ArchitectureConfig(backbone=Backbone.RESNET10, **SMALL), size=64
    ).eval()
    images = torch.randint(0, 256, (2, 64, 64), dtype=torch.uint8)

    together = detector.detect(images, vote_overlap=0.6)
    alone = detector.detect(images[1:], vote_overlap=0.6)

    torch.testing.assert_close(
        together.boxes_BR4[1], alone.boxes_BR4[0], atol=1e-3, rtol=1e-3
    )
    torch.testing.assert_close(
        together.score_BR[1], alone.score_BR[0], atol=1e-4, rtol=1e-3
    )


def test_class_zero_is_the_background_and_nothing_else_knows() -> None:
    assert to_class(torch.tensor([0, 28])).tolist() == [1, 29]

    prob_PK = torch.zeros(1, len(REGIONS) + 1)
    prob_PK[0, to_class(torch.tensor([5]))] = 1.0

    assert without_background(prob_PK).argmax().item() == 5


def _best_by_the_docstring(
    score_PR: Tensor, boxes_PR4: Tensor, vote_overlap: float
) -> tuple[list[Tensor], list[float]]:
    boxes, scores = [], []
    for region in range(score_PR.shape[1]):
        best = max(range(len(score_PR)), key=lambda p: float(score_PR[p, region]))
        total, weights = torch.zeros(4), 0.0
        for proposal in range(len(score_PR)):
            pair = boxes_PR4[[best, proposal], region]
            if float(box_iou(pair[:1], pair[1:])) >= vote_overlap or proposal == best:
                weight = float(score_PR[proposal, region])
                total += weight * boxes_PR4[proposal, region]
                weights += weight
        boxes.append(total / weights)
        scores.append(float(score_PR[best, region]))
    return boxes, scores


@pytest.mark.parametrize("vote_overlap", [0.2, 0.6, 1.0])
def test_the_best_boxes_are_those_of_the_loop_in_the_docstring(
    vote_overlap: float,
) -> None:
    generator = torch.Generator().manual_seed(3)
    score_PR = torch.rand(7, 5, generator=generator)
    corner_PR2 = torch.rand(7, 5, 2, generator=generator) * 10
    boxes_PR4 = torch.cat([corner_PR2, corner_PR2 + 20], dim=2)

    boxes_R4, score_R = best_boxes(score_PR, boxes_PR4, vote_overlap=vote_overlap)

    boxes, scores = _best_by_the_docstring(score_PR, boxes_PR4, vote_overlap)
    torch.testing.assert_close(boxes_R4, torch.stack(boxes))
    torch.testing.assert_close(score_R, torch.tensor(scores))


def test_votes_are_weighted_by_score_and_far_boxes_have_none() -> None:
    boxes_PR4 = torch.tensor(
        [[[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 12.0]], [[50.0, 50.0, 60.0, 60.0]]]
    )
    score_PR = torch.tensor([[0.6], [0.2], [0.5]])

    boxes_R4, score_R = best_boxes(score_PR, boxes_PR4, vote_overlap=0.5)

    # By hand: the lower edge is at 6.0 + 2.4 over 0.8.
    torch.testing.assert_close(boxes_R4, torch.tensor([[0.0, 0.0, 10.0, 10.5]]))
    torch.testing.assert_close(score_R, torch.tensor([0.6]))


def test_no_proposals_and_no_scores_are_no_detection() -> None:
    boxes_R4, score_R = best_boxes(
        torch.zeros(0, 29), torch.zeros(0, 29, 4), vote_overlap=0.6
    )
    assert score_R.tolist() == [0.0] * 29
    assert boxes_R4.shape == (29, 4)

    boxes_R4, _ = best_boxes(torch.zeros(2, 3), torch.ones(2, 3, 4), vote_overlap=0.6)
    assert torch.isfinite(boxes_R4).all()


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
