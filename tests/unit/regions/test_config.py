from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from asg_core.regions.config import (
    ArchitectureConfig,
    DetectorTrainingConfig,
    RegionsConfig,
)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"strides": ()}, "at least one stride"),
        ({"strides": (8, 32)}, "each twice the one before"),
        ({"strides": (16, 8)}, "each twice the one before"),
        ({"anchor_sizes": ((0.1,),)}, "one group of sizes for each of the strides"),
        ({"anchor_sizes": ((0.1,), (0.1,), ())}, "equally many sizes for every level"),
        ({"anchor_sizes": ((), (), ())}, "equally many sizes for every level"),
        ({"anchor_sizes": ((0.1,), (0.0,), (0.2,))}, "numbers greater than 0"),
        ({"anchor_ratios": ()}, "numbers greater than 0"),
        ({"pyramid_width": 100}, "multiple of 8"),
    ],
)
def test_an_impossible_architecture_is_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ArchitectureConfig(**values)


def test_warmup_must_end_before_training_does() -> None:
    with pytest.raises(ValidationError, match="warmup=10 and steps=10"):
        DetectorTrainingConfig(steps=10, warmup=10)


def test_frozen_norms_need_weights_and_weights_need_batch_statistics() -> None:
    with pytest.raises(ValidationError, match="'frozen' needs backbone_weights"):
        DetectorTrainingConfig(architecture=ArchitectureConfig(norm="frozen"))
    with pytest.raises(ValidationError, match="'frozen' or 'batch'"):
        DetectorTrainingConfig(
            architecture=ArchitectureConfig(norm="group"),
            backbone_weights=Path("resnet50.safetensors"),
        )


def test_batch_statistics_need_a_batch() -> None:
    with pytest.raises(ValidationError, match="at least 2 images a step, found 1"):
        DetectorTrainingConfig(batch_size=1)
    DetectorTrainingConfig(batch_size=1, architecture=ArchitectureConfig(norm="group"))


@pytest.mark.parametrize("backend", ["import", "none"])
def test_without_detection_there_is_no_use_for_a_detector(backend: str) -> None:
    with pytest.raises(ValidationError, match="checkpoint is 'detector' while backend"):
        RegionsConfig.model_validate({"backend": backend, "checkpoint": "detector"})
