import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from asg_core.evaluation.config import (
    EncoderConfig,
    EvaluationConfig,
    PromptsConfig,
)

IMAGE = {"name": "resnet18", "size": 224}


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "run", "run": "full"},
        {"kind": "checkpoint", "path": "somewhere"},
        {"kind": "timm", "image_encoder": IMAGE | {"pretrained": True}},
        {"kind": "timm", "image_encoder": IMAGE | {"weights": "resnet.pth"}},
        {"kind": "transformers", "path": "somewhere", "size": 224, "mean": [0.5]},
        {"kind": "random", "run": "full"},
        {"kind": "random", "image_encoder": IMAGE},
        {"kind": "pixels"},
    ],
)
def test_every_kind_has_what_it_needs(values: dict[str, Any]) -> None:
    assert EncoderConfig.model_validate(values).kind == values["kind"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"kind": "run"},
            "expected of run, path and image_encoder only run, found none",
        ),
        ({"kind": "pixels", "run": "full"}, "only none, found run"),
        ({"kind": "random"}, "only run or image_encoder, found none"),
        (
            {"kind": "random", "run": "full", "image_encoder": IMAGE},
            "only run or image_encoder, found image_encoder, run",
        ),
        (
            {
                "kind": "timm",
                "image_encoder": IMAGE | {"pretrained": True},
                "resize": 200,
            },
            r"resize \(200\) is less than image_encoder.size \(224\)",
        ),
        (
            {"kind": "transformers", "path": "somewhere", "size": 224, "resize": 200},
            r"resize \(200\) is less than size \(224\)",
        ),
        ({"kind": "transformers"}, "only path, found none"),
        (
            {"kind": "timm", "image_encoder": IMAGE},
            r"random ones would be scored: .*pretrained.*weights.*kind: random",
        ),
        (
            {"kind": "random", "image_encoder": IMAGE | {"pretrained": True}},
            "image_encoder names weights, which would not be read: say kind: timm",
        ),
        (
            {"kind": "checkpoint", "path": "somewhere", "std": [0.2]},
            "std belong to kind transformers",
        ),
        (
            {"kind": "transformers", "path": "somewhere", "std": [0.2, 0.2]},
            "expected 1 or 3 numbers",
        ),
        (
            {"kind": "transformers", "path": "somewhere", "std": [0.0]},
            "greater than 0",
        ),
    ],
)
def test_an_encoder_that_cannot_be_is_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        EncoderConfig.model_validate(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fractions": (0.1, 0.01)}, "fractions: expected ascending"),
        ({"fractions": (0.0, 1.0)}, "fractions: expected ascending"),
        ({"fractions": ()}, "fractions: expected ascending"),
        ({"encoders": {"Full Model": {"kind": "pixels"}}}, "found 'Full Model'"),
        (
            {"protocols": ("mgca-linear", "mgca-linear")},
            "protocols: expected each once",
        ),
        ({"protocols": ("full-finetune",)}, "protocols"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        EvaluationConfig.model_validate(values)


@pytest.mark.parametrize(
    ("protocols", "expected"),
    [
        (("linear-cached", "mgca-segmentation"), False),
        (("segmentation-cached",), True),
        (("linear-cached", "segmentation-cached-quick"), True),
    ],
)
def test_patches_are_needed_by_the_cached_decoders(
    protocols: tuple[str, ...], *, expected: bool
) -> None:
    config = EvaluationConfig.model_validate({"protocols": protocols})

    assert config.needs_patches == expected


def test_what_a_name_fixes_is_no_key() -> None:
    for key in ("linear", "segmentation", "mgca_linear", "mgca_segmentation"):
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            EvaluationConfig.model_validate({key: {"learning_rate": 0.1}})


def test_a_template_has_one_slot() -> None:
    with pytest.raises(ValidationError, match=r"prompts\.negative: expected templates"):
        PromptsConfig(negative=("no finding",))
    with pytest.raises(ValidationError, match=r"prompts\.positive: .* none at all"):
        PromptsConfig(positive=())


def test_settings_are_read_without_a_training_stack() -> None:
    code = (
        "import sys, asg_core.evaluation.config; "
        "print(sorted({'torch', 'timm', 'sklearn', 'numpy'} & set(sys.modules)))"
    )

    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
