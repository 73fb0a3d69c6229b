import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    Dinov2Config,
    Dinov2Model,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)

from asg_core.models.image_encoder import ImageEncoder
from asg_core.models.transformers_images import load_transformers_encoder

SIZE = 32
MEAN, STD = [0.5, 0.4, 0.3], [0.25, 0.2, 0.5]
VISION: dict[str, Any] = {
    "image_size": SIZE,
    "patch_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
SWIN: dict[str, Any] = {
    "image_size": SIZE,
    "patch_size": 4,
    "embed_dim": 12,
    "depths": [1, 1],
    "num_heads": [1, 2],
    "window_size": 2,
}
TEXT: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def _save(folder: Path, model: Any) -> Any:  # noqa: ANN401 - transformers is untyped
    model.save_pretrained(folder)
    statistics = {"image_mean": MEAN, "image_std": STD}
    (folder / "preprocessor_config.json").write_text(json.dumps(statistics))
    return model.eval()


def _model(family: str) -> Any:  # noqa: ANN401 - transformers is untyped
    torch.manual_seed(1)
    models: dict[str, Any] = {
        "vit": lambda: ViTModel(ViTConfig(**VISION)),
        "dinov2": lambda: Dinov2Model(Dinov2Config(**VISION)),
        "clip": lambda: CLIPVisionModel(CLIPVisionConfig(**VISION)),
        "siglip": lambda: SiglipVisionModel(SiglipVisionConfig(**VISION)),
        "swin": lambda: SwinModel(SwinConfig(**SWIN)),
    }
    return models[family]()


def _load(folder: Path, **changes: Any) -> ImageEncoder:  # noqa: ANN401 - a test's shortcut
    return load_transformers_encoder(folder, where="evaluation.encoders.x", **changes)


def _images(size: int = SIZE) -> Tensor:
    torch.manual_seed(2)
    return torch.randint(0, 256, (2, size, size), dtype=torch.uint8)


def _pixels(image_BSS: Tensor) -> Tensor:
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return ((image_BSS / 255)[:, None].expand(-1, 3, -1, -1) - mean) / std


@pytest.mark.parametrize("family", ["vit", "dinov2", "clip", "siglip", "swin"])
def test_a_folder_gives_what_transformers_itself_gives(
    tmp_path: Path, family: str
) -> None:
    published = _save(tmp_path, _model(family))
    image_BSS = _images()

    with torch.no_grad():
        found = _load(tmp_path)(image_BSS)
        expected = published(pixel_values=_pixels(image_BSS))

    hidden_BNE = expected.last_hidden_state
    if family == "clip":
        hidden_BNE = published.post_layernorm(hidden_BNE)
    pooled_BE = expected.pooler_output
    if family == "vit":  # its pooler is often not among the published weights
        pooled_BE = hidden_BNE[:, 0]
    num_patches = found.grid[0] * found.grid[1]
    torch.testing.assert_close(found.pooled_BE, pooled_BE, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        found.patches_BPE, hidden_BNE[:, -num_patches:], rtol=1e-4, atol=1e-5
    )
    assert found.grid == (4, 4)


@pytest.mark.parametrize("family", ["vit", "dinov2", "clip", "siglip", "swin"])
def test_another_size_resamples_the_positions(tmp_path: Path, family: str) -> None:
    _save(tmp_path, _model(family))

    encoder = _load(tmp_path, size=48)

    assert (encoder.size, encoder.grid) == (48, (6, 6))
    assert encoder(_images(48)).patches_BPE.shape == (2, 36, encoder.width)


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_the_image_side_of_a_whole_model_is_taken_and_the_rest_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, family: str
) -> None:
    torch.manual_seed(1)
    whole: Any = (
        CLIPModel(CLIPConfig(vision_config=VISION, text_config=TEXT))
        if family == "clip"
        else SiglipModel(SiglipConfig(vision_config=VISION, text_config=TEXT))
    )
    _save(tmp_path, whole)

    with caplog.at_level(logging.INFO):
        encoder = _load(tmp_path)

    image_BSS = _images()
    with torch.no_grad():
        expected = whole.vision_model(pixel_values=_pixels(image_BSS)).pooler_output
        found = encoder(image_BSS).pooled_BE
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert "others left out: 'text_model.'" in caplog.text


def test_a_classifier_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _save(tmp_path, ViTForImageClassification(ViTConfig(**VISION)))

    with caplog.at_level(logging.INFO):
        _load(tmp_path)

    assert "2 others left out: 'classifier." in caplog.text


def test_a_missing_tensor_is_counted_and_named(tmp_path: Path) -> None:
    _save(tmp_path, _model("dinov2"))
    path = tmp_path / "model.safetensors"
    state = load_file(path)
    del state["layernorm.weight"], state["layernorm.bias"]
    save_file(state, path, metadata={"format": "pt"})

    with pytest.raises(ValueError, match=r"2 are missing \['layernorm.bias'"):
        _load(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    _save(tmp_path, _model("vit"))
    save_file({}, tmp_path / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(ValueError, match=r"of 38 tensors .* 38 are missing"):
        _load(tmp_path)


def test_more_layers_than_the_configuration_says_are_refused(tmp_path: Path) -> None:
    _save(tmp_path, ViTForImageClassification(ViTConfig(**VISION)))
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 1}))

    with pytest.raises(ValueError, match=r"16 are left over \['vit\.layers\.1"):
        _load(tmp_path)


def test_another_shape_is_refused(tmp_path: Path) -> None:
    _save(tmp_path, _model("vit"))
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"patch_size": 16}))

    with pytest.raises(ValueError, match="no weights that ViTModel can read"):
        _load(tmp_path)


def test_statistics_are_asked_for_where_the_folder_has_none(tmp_path: Path) -> None:
    _save(tmp_path, _model("vit"))
    (tmp_path / "preprocessor_config.json").unlink()

    with pytest.raises(ValueError, match=r"encoders\.x\.mean: expected image_mean in"):
        _load(tmp_path)
    assert _load(tmp_path, mean=(0.5,), std=(0.2,)).mean == (0.5,)

    (tmp_path / "processor_config.json").write_text(
        json.dumps({"image_processor": {"image_mean": MEAN, "image_std": STD}})
    )
    assert _load(tmp_path).std == tuple(STD)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"encoders\.x\.path: .* found no .*config"):
        _load(tmp_path)

    BertModel(BertConfig(**TEXT)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"an image encoder of type vit, .*bert"):
        _load(tmp_path)

    _save(tmp_path, _model("vit"))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="no weights that ViTModel can read"):
        _load(tmp_path)

    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        _load(tmp_path)


def test_a_size_that_patches_do_not_divide_is_refused(tmp_path: Path) -> None:
    _save(tmp_path, _model("vit"))

    with pytest.raises(ValueError, match=r"x\.size: expected a multiple .* 8 pixels"):
        _load(tmp_path, size=36)
