import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from asg_core.regions.backends.boxes import Detections
from asg_core.regions.backends.network import Network
from asg_core.regions.config import (
    ArchitectureConfig,
    Backbone,
    DetectionConfig,
    DetectorTrainingConfig,
)
from asg_core.regions.detect import Detector, detect_regions, load_detector
from asg_core.regions.score import score_boxes
from asg_core.regions.train import train_detector
from asg_core.settings import Precision
from asg_core.tables.catalog import REGION_BOXES, REJECTS
from asg_core.terms.regions import REGIONS, region_index
from support.drawn_regions import DrawnRegions

ARCHITECTURE = ArchitectureConfig(
    backbone=Backbone.RESNET10,
    strides=(8, 16),
    anchor_sizes=((0.3,), (0.4,)),
    anchor_ratios=(1.0, 1.6),
    pyramid_width=32,
    num_candidates=50,
    num_proposals=16,
    proposal_samples=64,
    box_samples=16,
    roi_size=5,
    head_width=64,
)


class Answering(nn.Module):
    """Finds the same boxes in every image."""

    def __init__(self, answers: dict[str, tuple[list[float], float]]) -> None:
        super().__init__()
        self._boxes_R4 = torch.zeros(len(REGIONS), 4)
        self._score_R = torch.zeros(len(REGIONS))
        for region, (box, score) in answers.items():
            self._boxes_R4[region_index(region)] = torch.tensor(box)
            self._score_R[region_index(region)] = score

    def detect(self, image_BHW: Tensor, *, vote_overlap: float) -> Detections:
        assert image_BHW.dtype == torch.uint8
        assert vote_overlap == 0.6
        return Detections(
            boxes_BR4=self._boxes_R4.expand(len(image_BHW), -1, -1),
            score_BR=self._score_R.expand(len(image_BHW), -1),
        )


def _answering(**answers: tuple[list[float], float]) -> Detector:
    named = {name.replace("_", " "): answer for name, answer in answers.items()}
    network = cast("Network", Answering(named))
    return Detector(network=network, backend="torchvision", size=64)


def test_boxes_come_back_to_the_original_frame_and_are_cut_to_it(
    drawn: DrawnRegions,
) -> None:
    detector = _answering(
        right_lung=([10.0, 12.0, 30.0, 40.0], 0.9),
        # Reaches into the 8 rows of padding above, and over the right edge.
        spine=([40.0, 0.0, 70.0, 60.0], 0.05),
        carina=([1.0, 20.0, 3.0, 24.0], 0.049),
    )

    result = detect_regions(
        cache=drawn.cache,
        detector=detector,
        config=DetectionConfig(batch_size=5),
        image_ids=["image-03", "image-01"],
    )

    REGION_BOXES.check(result.region_boxes, where="test")
    assert result.rejects.is_empty()
    rows = result.region_boxes.rows()
    assert [row[:3] for row in rows] == [
        ("image-01", "right lung", [20.0, 8.0, 60.0, 64.0]),
        ("image-01", "spine", [80.0, 0.0, 128.0, 96.0]),
        ("image-03", "right lung", [20.0, 8.0, 60.0, 64.0]),
        ("image-03", "spine", [80.0, 0.0, 128.0, 96.0]),
    ]
    assert rows[0][3:] == (pytest.approx(0.9), "torchvision")
    assert rows[1][3:] == (pytest.approx(0.05), "torchvision")


def test_boxes_outside_and_images_without_boxes_are_rejected(
    drawn: DrawnRegions,
) -> None:
    outside = _answering(
        right_lung=([10.0, 0.0, 30.0, 8.0], 0.9), spine=([40.0, 9.0, 50.0, 60.0], 0.5)
    )
    nothing = _answering(spine=([40.0, 9.0, 50.0, 60.0], 0.01))
    chosen = ["image-00"]

    one = detect_regions(
        cache=drawn.cache, detector=outside, config=DetectionConfig(), image_ids=chosen
    )
    none = detect_regions(
        cache=drawn.cache, detector=nothing, config=DetectionConfig(), image_ids=chosen
    )

    REJECTS.check(one.rejects, where="test")
    assert one.region_boxes["region"].to_list() == ["spine"]
    assert one.rejects.rows() == [
        (
            "detect_regions",
            "image-00/right lung",
            "outside_image",
            "expected a box that covers a part of the 128 x 96 image, found "
            "(20.0, -16.0, 60.0, 0.0)",
        )
    ]
    assert none.region_boxes.is_empty()
    assert none.rejects.rows() == [
        (
            "detect_regions",
            "image-00",
            "no_region_found",
            "expected at least one region, found none",
        )
    ]


def test_a_score_of_zero_is_no_detection_at_a_threshold_of_zero(
    drawn: DrawnRegions,
) -> None:
    result = detect_regions(
        cache=drawn.cache,
        detector=_answering(spine=([40.0, 9.0, 50.0, 60.0], 0.01)),
        config=DetectionConfig(score_threshold=0),
    )

    assert result.region_boxes["region"].to_list() == ["spine"] * 12


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_boxes_are_found_in_the_configured_precision(
    drawn: DrawnRegions, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    found = Answering.detect

    def watched(
        self: Answering, image_BHW: Tensor, *, vote_overlap: float
    ) -> Detections:
        seen.append(torch.is_autocast_enabled("cpu"))
        return found(self, image_BHW, vote_overlap=vote_overlap)

    monkeypatch.setattr(Answering, "detect", watched)

    detect_regions(
        cache=drawn.cache,
        detector=_answering(),
        config=DetectionConfig(precision=precision),
        image_ids=["image-03"],
    )

    assert seen == [precision == "bf16"]


def test_a_cache_of_another_size_is_refused(drawn: DrawnRegions) -> None:
    detector = _answering()
    other = Detector(network=detector.network, backend="torchvision", size=160)

    with pytest.raises(ValueError, match=r"expected images of 160 px.*cache of 64 px"):
        detect_regions(cache=drawn.cache, detector=other, config=DetectionConfig())


def test_batches_pass_through_the_progress(drawn: DrawnRegions) -> None:
    seen: list[int] = []

    def progress(batches: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
        for batch in batches:
            seen.append(len(batch))
            yield batch

    detect_regions(
        cache=drawn.cache,
        detector=_answering(),
        config=DetectionConfig(batch_size=5),
        progress=progress,
    )

    assert seen == [5, 5, 2]


@pytest.fixture(scope="module")
def trained(drawn: DrawnRegions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detector")
    train_detector(
        cache=drawn.cache,
        boxes=drawn.boxes,
        out=folder / "out",
        work=folder / "work",
        config=DetectorTrainingConfig(
            architecture=ARCHITECTURE,
            steps=60,
            batch_size=4,
            learning_rate=3e-3,
            warmup=5,
            threads=1,
        ),
    )
    return folder / "out"


def test_a_trained_detector_finds_what_it_was_shown_in_images_it_was_not(
    drawn: DrawnRegions, trained: Path
) -> None:
    truth = drawn.boxes.filter(split="test")

    result = detect_regions(
        cache=drawn.cache,
        detector=load_detector(trained),
        config=DetectionConfig(),
        image_ids=truth["image_id"].unique().to_list(),
    )

    scores = score_boxes(predicted=result.region_boxes, truth=truth)
    mean_iou = scores.filter(metric="mean_iou", target="all")["value"].item()
    assert mean_iou > 0.6


def test_how_images_are_batched_changes_no_box(
    drawn: DrawnRegions, trained: Path
) -> None:
    detector = load_detector(trained)
    alone = DetectionConfig(batch_size=1)
    together = DetectionConfig(batch_size=12)

    one = detect_regions(cache=drawn.cache, detector=detector, config=alone)
    all_ = detect_regions(cache=drawn.cache, detector=detector, config=together)

    keys = ["image_id", "region"]
    assert one.region_boxes.select(keys).equals(all_.region_boxes.select(keys))
    torch.testing.assert_close(
        torch.tensor(one.region_boxes["box_xyxy"].to_numpy()),
        torch.tensor(all_.region_boxes["box_xyxy"].to_numpy()),
        atol=0.05,
        rtol=0,
    )


def _edited(trained: Path, folder: Path, **changes: object) -> Path:
    run = json.loads((trained / "run.json").read_text())
    save_file(load_file(trained / "model.safetensors"), folder / "model.safetensors")
    (folder / "run.json").write_text(json.dumps(run | changes))
    return folder


def test_folders_that_are_no_detector_are_refused(
    trained: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        FileNotFoundError, match="expected the description of a detector, found no"
    ):
        load_detector(tmp_path)
    with pytest.raises(ValueError, match="format 1, found 'region_detector' format 2"):
        load_detector(_edited(trained, tmp_path, format=2))
    with pytest.raises(ValueError, match="found 2 others or another order"):
        load_detector(_edited(trained, tmp_path, regions=["right lung", "left lung"]))


def test_weights_that_do_not_fit_are_refused(trained: Path, tmp_path: Path) -> None:
    _edited(trained, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    name = next(iter(weights))
    save_file({name: weights[name]}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"tensors are missing.* of different runs"):
        load_detector(tmp_path)

    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="weights of a detector, found a damaged"):
        load_detector(tmp_path)

    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="expected the weights of a detector"):
        load_detector(tmp_path)
