import torch

from asg_core.regions.backends.boxes import LabelledBoxes
from asg_core.regions.backends.torchvision import (
    TorchvisionDetector,
    to_class,
    without_background,
)
from asg_core.regions.config import ArchitectureConfig, Backbone
from asg_core.terms.regions import REGIONS

SMALL = {
    "pyramid_width": 16,
    "num_candidates": 20,
    "num_proposals": 10,
    "proposal_samples": 8,
    "box_samples": 8,
    "head_width": 16,
}


def test_a_training_pass_gives_four_finite_losses_and_gradients_everywhere() -> None:
    torch.manual_seed(0)
    detector = TorchvisionDetector(
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


def test_the_network_is_the_configured_one() -> None:
    detector = TorchvisionDetector(
        ArchitectureConfig(
            backbone=Backbone.RESNET10,
            strides=(8, 16),
            anchor_sizes=((0.25,), (0.5,)),
            anchor_ratios=(0.25, 4.0),
            proposal_overlap=0.6,
            positive_share=0.4,
            **SMALL,
        ),
        size=64,
    )

    rpn, heads = detector.network.rpn, detector.network.roi_heads
    flat, tall = rpn.anchor_generator.cell_anchors[0].tolist()
    # Squares of 16 pixels, a quarter of 64, as wide by two as they are less high.
    assert flat == [-16.0, -4.0, 16.0, 4.0]
    assert tall == [-4.0, -16.0, 4.0, 16.0]
    assert rpn.anchor_generator.cell_anchors[1][0].tolist() == [-32.0, -8.0, 32.0, 8.0]
    assert rpn.nms_thresh == 0.6
    assert rpn.pre_nms_top_n() == 20
    assert rpn.post_nms_top_n() == 10
    assert rpn.fg_bg_sampler.batch_size_per_image == 8
    assert heads.fg_bg_sampler.batch_size_per_image == 8
    assert heads.fg_bg_sampler.positive_fraction == 0.4


def test_prediction_gives_every_region_a_box_and_a_score() -> None:
    torch.manual_seed(0)
    detector = TorchvisionDetector(
        ArchitectureConfig(backbone=Backbone.RESNET10, **SMALL), size=64
    ).eval()

    found = detector.detect(torch.zeros(3, 64, 64, dtype=torch.uint8), vote_overlap=0.6)

    assert found.boxes_BR4.shape == (3, 29, 4)
    assert found.score_BR.shape == (3, 29)
    assert ((found.score_BR > 0) & (found.score_BR < 1)).all()


def test_grey_values_reach_the_backbone_as_shares_of_white() -> None:
    detector = TorchvisionDetector(
        ArchitectureConfig(backbone=Backbone.RESNET10, **SMALL), size=64
    ).eval()
    seen: list[torch.Tensor] = []
    detector.network.backbone.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0])
    )
    images = torch.zeros(1, 64, 64, dtype=torch.uint8)
    images[0, 0, 0] = 255

    detector.detect(images, vote_overlap=0.6)

    # (share of white - 0.5) / 0.25
    assert seen[0][0, 0, 0, :2].tolist() == [2.0, -2.0]


def test_images_of_a_batch_do_not_touch_each_other() -> None:
    torch.manual_seed(0)
    detector = TorchvisionDetector(
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
