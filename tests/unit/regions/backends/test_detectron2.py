"""The conversion is tested on a stand-in for detectron2, which is rarely installed."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from asg_core.regions.backends.boxes import LabelledBoxes
from asg_core.regions.backends.detectron2 import (
    Detectron2Detector,
    make_detectron2_config,
)
from asg_core.regions.config import (
    ArchitectureConfig,
    Backbone,
    DetectionConfig,
    DetectorTrainingConfig,
)
from asg_core.regions.detect import detect_regions, load_detector
from asg_core.regions.train import train_detector
from asg_core.terms.regions import region_index
from support.drawn_regions import DrawnRegions

ARCHITECTURE = ArchitectureConfig(
    backbone=Backbone.RESNET18,
    norm="group",
    strides=(8, 16, 32),
    anchor_sizes=((0.1,), (0.25,), (0.5,)),
    anchor_ratios=(0.5, 8.0),
    pyramid_width=32,
    num_proposals=40,
    box_samples=16,
    head_width=64,
)


class Tree(SimpleNamespace):
    """A configuration that takes every key and grows sections as they are named."""

    def __getattr__(self, name: str) -> "Tree":
        child = Tree()
        setattr(self, name, child)
        return child


class Instances:
    """Fields of one image."""

    def __init__(self, image_size: tuple[int, int], **fields: Any) -> None:  # noqa: ANN401
        self.image_size = image_size
        self.__dict__.update(fields)


class Boxes:
    """A tensor in a box."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Storage:
    """What has to be open while a network trains."""

    is_open = False

    def __enter__(self) -> None:
        Storage.is_open = True

    def __exit__(self, *_: object) -> None:
        Storage.is_open = False


class FakeNetwork(nn.Module):
    """Remembers what it is given; finds two boxes of region 3 and one of region 28."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.seen: list[dict[str, Any]] = []

    def forward(self, inputs: list[dict[str, Any]]) -> dict[str, Tensor]:
        assert Storage.is_open
        self.seen = inputs
        return {
            "loss_rpn_cls": self.weight.sum(),
            "loss_box_reg": self.weight.sum() * 2,
        }

    def inference(
        self, inputs: list[dict[str, Any]], *, do_postprocess: bool
    ) -> list[Instances]:
        assert not do_postprocess
        self.seen = inputs
        found = Instances(
            (64, 64),
            pred_boxes=Boxes(
                torch.tensor(
                    [
                        [0.0, 0.0, 10.0, 10.0],
                        [0.0, 0.0, 10.0, 12.0],
                        [1.0, 2.0, 3.0, 4.0],
                    ]
                )
            ),
            scores=torch.tensor([0.6, 0.2, 0.9]),
            pred_classes=torch.tensor([3, 3, 28]),
        )
        return [found for _ in inputs]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, dict[str, Any]] = {
        "detectron2": {},
        "detectron2.config": {"get_cfg": Tree},
        "detectron2.modeling": {"build_model": lambda _: FakeNetwork()},
        "detectron2.structures": {"Instances": Instances, "Boxes": Boxes},
        "detectron2.utils": {},
        "detectron2.utils.events": {"EventStorage": Storage},
    }
    for name, attributes in modules.items():
        module = ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("stand_in")
def test_the_configuration_trains_from_scratch_on_unmirrored_grey_images() -> None:
    config = make_detectron2_config(ARCHITECTURE, size=200)

    assert config.INPUT.RANDOM_FLIP == "none"
    assert config.INPUT.MIN_SIZE_TRAIN == (200,)
    assert (config.INPUT.MAX_SIZE_TRAIN, config.INPUT.MAX_SIZE_TEST) == (200, 200)
    assert len(config.MODEL.PIXEL_MEAN) == 1
    assert config.MODEL.BACKBONE.FREEZE_AT == 0
    assert config.MODEL.RESNETS.NORM == "GN"
    assert (config.MODEL.RESNETS.DEPTH, config.MODEL.RESNETS.RES2_OUT_CHANNELS) == (
        18,
        64,
    )
    assert config.MODEL.FPN.IN_FEATURES == ["res3", "res4", "res5"]
    assert config.MODEL.RPN.IN_FEATURES == ["p3", "p4", "p5"]
    assert config.MODEL.ANCHOR_GENERATOR.SIZES == [[20.0], [50.0], [100.0]]
    assert config.MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS == [[0.5, 8.0]]
    assert config.MODEL.ROI_HEADS.NUM_CLASSES == 29
    assert config.TEST.DETECTIONS_PER_IMAGE == 40 * 29


@pytest.mark.usefixtures("stand_in")
def test_regions_keep_their_numbers_on_the_way_in() -> None:
    detector = Detectron2Detector(ARCHITECTURE, size=64)
    boxes_L4 = torch.tensor([[1.0, 2.0, 30.0, 40.0], [5.0, 6.0, 7.0, 8.0]])
    target = LabelledBoxes(boxes_L4=boxes_L4, region_L=torch.tensor([0, 28]))
    image_BHW = torch.randint(0, 256, (1, 64, 48), dtype=torch.uint8)

    losses = detector.losses(image_BHW, [target])

    assert {name: loss.item() for name, loss in losses.items()} == {
        "box_reg": 2.0,
        "rpn_cls": 1.0,
    }
    assert not Storage.is_open
    (seen,) = detector.network.seen  # type: ignore[misc]
    assert torch.equal(seen["image"], image_BHW.float())
    assert seen["instances"].image_size == (64, 48)
    assert seen["instances"].gt_classes.tolist() == [0, 28]
    assert torch.equal(seen["instances"].gt_boxes.tensor, boxes_L4)


@pytest.mark.usefixtures("stand_in")
def test_regions_keep_their_numbers_on_the_way_out_and_duplicates_vote() -> None:
    detector = Detectron2Detector(ARCHITECTURE, size=64)

    found = detector.detect(torch.zeros(2, 64, 64, dtype=torch.uint8), vote_overlap=0.5)

    assert found.score_BR.shape == (2, 29)
    assert found.score_BR[1].nonzero().flatten().tolist() == [3, 28]
    torch.testing.assert_close(found.score_BR[1, [3, 28]], torch.tensor([0.6, 0.9]))
    torch.testing.assert_close(
        found.boxes_BR4[0, [3, 28]],
        torch.tensor([[0.0, 0.0, 10.0, 10.5], [1.0, 2.0, 3.0, 4.0]]),
    )


@pytest.mark.usefixtures("stand_in")
def test_it_trains_and_detects_through_the_same_functions(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    train_detector(
        cache=drawn.cache,
        boxes=drawn.boxes,
        out=tmp_path / "out",
        work=tmp_path / "work",
        config=DetectorTrainingConfig(
            architecture=ARCHITECTURE, steps=2, batch_size=2, warmup=0, threads=1
        ),
        backend="detectron2",
    )

    result = detect_regions(
        cache=drawn.cache,
        detector=load_detector(tmp_path / "out"),
        config=DetectionConfig(vote_overlap=1.0),
        image_ids=["image-00"],
    )

    # Region 28 lies in the padding above the image, region 3 partly.
    assert result.region_boxes["origin"].to_list() == ["detectron2"] * len(
        result.region_boxes
    )
    assert result.region_boxes["region"].to_list() == ["right lower lung zone"]
    assert region_index("right lower lung zone") == 3
    assert result.rejects["item_id"].to_list() == ["image-00/abdomen"]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"backbone": Backbone.RESNET10},
            "backend has .*'resnet50'.* found 'resnet10'",
        ),
        ({"norm": "frozen"}, "backend has .*'batch'.* found 'frozen'"),
        ({"pyramid_width": 40}, "a multiple of 32, found 40"),
    ],
)
def test_what_detectron2_lacks_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Detectron2Detector(ARCHITECTURE.model_copy(update=values), size=64)


@pytest.mark.skipif(find_spec("detectron2") is not None, reason="detectron2 is here")
def test_its_absence_says_how_to_install_it() -> None:
    with pytest.raises(ModuleNotFoundError, match="make detectron2") as caught:
        Detectron2Detector(ARCHITECTURE, size=64)

    assert "set regions.backend to 'torchvision'" in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("detectron2") is None, reason="detectron2 is optional")
def test_the_real_detectron2_learns_and_detects(
    drawn: DrawnRegions, tmp_path: Path
) -> None:
    losses: list[float] = []
    train_detector(
        cache=drawn.cache,
        boxes=drawn.boxes,
        out=tmp_path / "out",
        work=tmp_path / "work",
        config=DetectorTrainingConfig(
            architecture=ARCHITECTURE,
            steps=60,
            batch_size=4,
            learning_rate=1e-3,
            warmup=5,
            threads=1,
        ),
        backend="detectron2",
        log=lambda _, metrics: losses.append(metrics["loss"]),
    )

    result = detect_regions(
        cache=drawn.cache,
        detector=load_detector(tmp_path / "out"),
        config=DetectionConfig(),
    )

    assert losses[-1] < 0.7 * losses[0]
    assert not result.region_boxes.is_empty()
