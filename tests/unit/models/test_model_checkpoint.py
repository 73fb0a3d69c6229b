import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from asg_core.models.asg import AsgModel
from asg_core.models.checkpoint import (
    export_image_encoder,
    export_text_encoder,
    load_model,
    save_model,
)
from asg_core.models.config import ModelConfig
from support.small_models import (
    SIZE,
    SMALL,
    save_bert,
    save_tokenizer,
    small_batch,
    small_model,
)

RUN = {"run": "full", "steps": 3}


def _config(**changes: dict[str, Any]) -> ModelConfig:
    sections = {
        name: getattr(SMALL, name).model_copy(update=keys)
        for name, keys in changes.items()
    }
    return SMALL.model_copy(update=sections)


def _moved(model: AsgModel) -> AsgModel:
    """Return the model as if it had been trained: other weights, other statistics."""
    model.train()(small_batch())
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.01 * torch.randn_like(weight))
    return model.eval()


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        _config(tag_decoder={"queries": "trained"}, text_encoder={"num_layers": 1}),
        _config(text_encoder={"num_layers": 1}, legacy={"drop_positions": True}),
        _config(image_encoder={"channels": 1, "mean": (0.5,)}),
    ],
)
def test_a_loaded_model_answers_as_the_saved_one(
    tmp_path: Path, config: ModelConfig
) -> None:
    model, batch = _moved(small_model(config)), small_batch(seed=1)
    save_model(model, RUN, folder=tmp_path)

    torch.manual_seed(7)
    loaded = load_model(tmp_path)

    assert not loaded.training
    assert torch.initial_seed() == 7
    assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.manual_seed(7)))
    for name in ("image_BD", "report_BD", "region_BUD", "sentence_BUD", "tag_logit_BF"):
        assert torch.equal(getattr(loaded(batch), name), getattr(model(batch), name))
    arguments = (batch.piece_BT, batch.is_piece_BT)
    assert torch.equal(loaded.text_queries(*arguments), model.text_queries(*arguments))


def test_nothing_that_the_run_started_from_is_needed_to_load(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    save_file(small_model().image_encoder.network.state_dict(), weights)
    bert = tmp_path / "bert"
    save_bert(bert)
    config = _config(
        image_encoder={"weights": weights},
        text_encoder={"name": str(bert), "num_layers": 2, "dropout": 0.2},
    )
    model, batch = _moved(small_model(config)), small_batch()
    save_model(model, RUN, folder=tmp_path / "run")
    weights.unlink()
    for path in bert.iterdir():
        path.unlink()

    loaded = load_model(tmp_path / "run")

    assert loaded.text_encoder.network.config.num_hidden_layers == 2
    assert loaded.query_encoder is not None
    assert loaded.query_encoder.network.config.num_hidden_layers == 3
    assert loaded.train().text_encoder.network.config.hidden_dropout_prob == 0.2
    assert torch.equal(
        loaded.eval().tag_logits(batch.image_BSS), model.tag_logits(batch.image_BSS)
    )


def test_a_loaded_model_can_be_saved_and_gives_the_same_bytes(tmp_path: Path) -> None:
    save_model(_moved(small_model()), RUN, folder=tmp_path / "a")

    save_model(load_model(tmp_path / "a"), RUN, folder=tmp_path / "b")

    for name in ("model.safetensors", "run.json"):
        one = (tmp_path / "a" / name).read_bytes()
        assert one == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "model.safetensors",
        "run.json",
    ]


def test_the_description_says_what_it_is(tmp_path: Path) -> None:
    save_model(small_model(), RUN, folder=tmp_path)

    run = json.loads((tmp_path / "run.json").read_text())

    assert (run["kind"], run["format"], run["vocabulary_size"]) == ("asg_model", 1, 120)
    assert (run["run"], run["steps"]) == ("full", 3)
    # What the name stood for when the model was built.
    assert run["model"]["image_encoder"]["mean"] == [0.485, 0.456, 0.406]
    with pytest.raises(ValueError, match=r"has keys \['kind'\] of its own"):
        save_model(small_model(), {"kind": "other"}, folder=tmp_path)


def test_a_failed_write_leaves_no_folder_that_passes_for_complete(
    tmp_path: Path,
) -> None:
    save_model(small_model(), RUN, folder=tmp_path)

    with pytest.raises(TypeError):
        save_model(small_model(seed=1), {"steps": object()}, folder=tmp_path)

    with pytest.raises(FileNotFoundError, match=r"no run.json"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("kind", "region_detector", "of kind 'asg_model', found 'region_detector'"),
        ("format", 2, "expected format 1, found 2; make the run again"),
    ],
)
def test_another_kind_or_format_is_refused(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    save_model(small_model(), RUN, folder=tmp_path)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))

    with pytest.raises(ValueError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "asg_mo', r"run.json' is damaged"),
        ("[1]", "expected a run of kind .* found None"),
    ],
)
def test_a_damaged_description_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(ValueError, match=message):
        load_model(tmp_path)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    save_model(small_model(), RUN, folder=tmp_path)
    path = tmp_path / "model.safetensors"
    state = load_file(path)

    without = {name: value for name, value in state.items() if "out.bias" not in name}
    save_file(without, path)
    with pytest.raises(ValueError, match=r"4 tensors are missing \['image_head.out"):
        load_model(tmp_path)

    save_file(state | {"other": torch.ones(1)}, path)
    with pytest.raises(ValueError, match=r"1 have no place \['other'\]"):
        load_model(tmp_path)

    save_file(state | {"image_head.out.bias": torch.ones(3)}, path)
    with pytest.raises(ValueError, match=r"of shape \(8,\), found \(3,\)"):
        load_model(tmp_path)

    save_file({"other": torch.ones(1)}, path)
    with pytest.raises(ValueError, match="lacks the tensor 'piece_FT'"):
        load_model(tmp_path)

    path.write_bytes(path.read_bytes()[:7])
    with pytest.raises(ValueError, match="is damaged"):
        load_model(tmp_path)

    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"but no model.safetensors"):
        load_model(tmp_path)


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
    model = small_model(_config(image_encoder=changes)).eval()
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
        _config(image_encoder={"weights": tmp_path / "model.safetensors"}), seed=1
    )

    for name, value in other.image_encoder.network.state_dict().items():
        assert torch.equal(value, model.image_encoder.network.state_dict()[name]), name


@pytest.mark.parametrize("is_blind", [False, True])
def test_transformers_loads_the_exported_text_encoder(
    tmp_path: Path, *, is_blind: bool
) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    save_tokenizer(tokenizer)
    config = _config(
        legacy={"drop_positions": is_blind}, text_encoder={"num_layers": 1}
    )
    model = _moved(small_model(config))
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
