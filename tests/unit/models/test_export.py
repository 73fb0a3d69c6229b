import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from transformers import AutoModel, AutoTokenizer

from asg_core.models.export import export_image_encoder, export_text_encoder
from support.small_models import (
    SIZE,
    SMALL,
    changed_config,
    moved,
    save_tokenizer,
    small_batch,
    small_model,
)


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        (SMALL.image_encoder.name, SMALL.image_encoder.options, SIZE),
        ("test_resnet", {"output_stride": 16}, 64),
    ],
)
def test_timm_loads_the_exported_image_encoder(
    tmp_path: Path, name: str, options: dict[str, Any], size: int
) -> None:
    changes = {"name": name, "options": options, "size": size}
    model = small_model(changed_config(image_encoder=changes)).eval()
    image_BSS = small_batch(size=size).image_BSS

    export_image_encoder(model, tmp_path)

    description = json.loads((tmp_path / "config.json").read_text())
    by_checkpoint = timm.create_model(
        description["architecture"],
        checkpoint_path=str(tmp_path / "model.safetensors"),
        num_classes=0,
        **description["model_args"],
    )
    by_folder: Any = timm.create_model(f"local-dir:{tmp_path}", pretrained=True)
    pixels = (image_BSS / 255)[:, None].expand(-1, 3, -1, -1)
    known = description["pretrained_cfg"]
    mean = torch.tensor(known["mean"])[:, None, None]
    std = torch.tensor(known["std"])[:, None, None]
    features = model.image_encoder(image_BSS)
    for network in (by_checkpoint, by_folder):
        pooled_BE = network.eval()((pixels - mean) / std)
        torch.testing.assert_close(pooled_BE, features.pooled_BE)
    assert by_folder.pretrained_cfg["mean"] == known["mean"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "model.safetensors",
    ]


def test_an_exported_image_encoder_is_a_start_for_another_run(tmp_path: Path) -> None:
    model = small_model()
    export_image_encoder(model, tmp_path)

    other = small_model(
        changed_config(image_encoder={"weights": tmp_path / "model.safetensors"}),
        seed=1,
    )

    for name, value in other.image_encoder.network.state_dict().items():
        assert torch.equal(value, model.image_encoder.network.state_dict()[name]), name


@pytest.mark.parametrize("is_blind", [False, True])
def test_transformers_loads_the_exported_text_encoder(
    tmp_path: Path, *, is_blind: bool
) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    save_tokenizer(tokenizer)
    config = changed_config(
        legacy={"drop_positions": is_blind}, text_encoder={"num_layers": 1}
    )
    model = moved(small_model(config))
    folder = tmp_path / "text_encoder"

    export_text_encoder(model, folder, tokenizer=tokenizer)
    export_text_encoder(model, folder, tokenizer=tokenizer)  # over the first

    loaded_tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokens = loaded_tokenizer(
        ["ab c", "a"], padding=True, truncation=True, return_tensors="pt"
    )
    expected = model.text_encoder(tokens["input_ids"], tokens["attention_mask"].bool())
    hidden = network(
        input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
    ).last_hidden_state
    is_piece = tokens["attention_mask"].bool()
    torch.testing.assert_close(hidden[is_piece], expected[is_piece])
    assert loaded_tokenizer.pad_token == "[PAD]"
    assert loaded_tokenizer.model_max_length == 12
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []
    # The positions of the model itself are not touched.
    position = model.text_encoder.network.embeddings.position_embeddings.weight
    assert not torch.equal(position[0], position[1])


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no tokenizer '.*none.json'"):
        export_text_encoder(
            small_model(), tmp_path / "text", tokenizer=tmp_path / "none.json"
        )
