import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from asg_core.models.checkpoint import load_model, save_model
from asg_core.models.config import ModelConfig
from support.small_models import (
    SMALL,
    changed_config,
    moved,
    save_bert,
    small_batch,
    small_model,
)

RUN = {"run": "full", "steps": 3}


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        changed_config(
            tag_decoder={"queries": "trained"}, text_encoder={"num_layers": 1}
        ),
        changed_config(text_encoder={"num_layers": 1}, legacy={"drop_positions": True}),
        changed_config(image_encoder={"channels": 1, "mean": (0.5,)}),
    ],
)
def test_a_loaded_model_answers_as_the_saved_one(
    tmp_path: Path, config: ModelConfig
) -> None:
    model, batch = moved(small_model(config)), small_batch(seed=1)
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
    config = changed_config(
        image_encoder={"weights": weights},
        text_encoder={"name": str(bert), "num_layers": 2, "dropout": 0.2},
    )
    model, batch = moved(small_model(config)), small_batch()
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
    save_model(moved(small_model()), RUN, folder=tmp_path / "a")

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
        (
            "kind",
            "region_detector",
            "'asg_model' format 1, found 'region_detector' format 1",
        ),
        ("format", 2, "format 1, found 'asg_model' format 2.* make it again"),
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
        ('{"kind": "asg_mo', r"run.json: expected JSON, found a damaged"),
        ("[1]", "expected 'asg_model' format 1, found None"),
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
    with pytest.raises(
        ValueError, match=r"4 tensors are missing, as \['image_head.out"
    ):
        load_model(tmp_path)

    save_file(state | {"other": torch.ones(1)}, path)
    with pytest.raises(ValueError, match=r"1 tensors have no place, as \['other'\]"):
        load_model(tmp_path)

    save_file(state | {"image_head.out.bias": torch.ones(3)}, path)
    with pytest.raises(
        ValueError, match=r"'image_head.out.bias' is of shape \(3,\) and not \(8,\)"
    ):
        load_model(tmp_path)

    save_file({"other": torch.ones(1)}, path)
    with pytest.raises(ValueError, match="found no tensor 'piece_FT'"):
        load_model(tmp_path)

    path.write_bytes(path.read_bytes()[:7])
    with pytest.raises(ValueError, match="found a damaged file"):
        load_model(tmp_path)

    path.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"model.safetensors: expected .* found no file"
    ):
        load_model(tmp_path)
