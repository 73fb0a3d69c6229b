"""The radgraph package, built on a tiny random checkpoint that the test makes."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from asg_core.reports.radgraph_compat import restore_tokenizer_methods

pytestmark = pytest.mark.slow

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] no pleural effusion in the left lung a b . ##s"


@pytest.fixture(autouse=True)
def _quiet_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    torch.set_num_threads(1)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # radgraph and what it brings warn on import
        yield


def bert_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    vocabulary = [*WORDS.split(), *"cdefghijklmnopqrstuvwxyz", *"ABCDEFGHIJKLMNOPQRST"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    (folder / "config.json").write_text(
        json.dumps(
            {
                "model_type": "bert",
                "vocab_size": len(vocabulary),
                "hidden_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 8,
                "max_position_embeddings": 64,
            }
        )
    )
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    )
    return folder


def radgraph_folder(cache: Path, *, encoder: Path) -> Path:
    """Write DIR/radgraph as the package expects it, the weights left out."""
    from radgraph.allennlp.data import Vocabulary  # noqa: PLC0415

    folder = cache / "radgraph"
    folder.mkdir(parents=True)
    vocabulary = Vocabulary(non_padded_namespaces=["*labels", "*tags"])
    labels = {
        "radgraph__ner_labels": ["", "OBS-DA", "OBS-DP", "OBS-U", "ANAT-DP"],
        "radgraph__relation_labels": ["", "modify", "located_at", "suggestive_of"],
    }
    for namespace, names in labels.items():
        for name in names:
            vocabulary.add_token_to_namespace(name, namespace)
    vocabulary.save_to_files(str(folder / "vocabulary"))
    modules: dict[str, Any] = {
        "ner": {},
        "coref": {"spans_per_word": 0.3, "max_antecedents": 2, "coref_prop": 0},
        "relation": {"spans_per_word": 0.5},
        "events": {
            "trigger_spans_per_word": 0.3,
            "argument_spans_per_word": 0.8,
            "loss_weights": {"trigger": 0.2, "arguments": 1.0},
        },
    }
    bert = {"model_name": str(encoder), "max_length": 32}
    (folder / "config.json").write_text(
        json.dumps(
            {
                "dataset_reader": {
                    "max_span_width": 3,
                    "token_indexers": {"bert": bert},
                },
                "model": {
                    "type": "dygie",
                    "embedder": {"token_embedders": {"bert": bert}},
                    "initializer": {},
                    "module_initializer": {},
                    "modules": modules,
                    "feature_size": 4,
                    "max_span_width": 3,
                    "target_task": "relation",
                    "feedforward_params": {
                        "num_layers": 1,
                        "hidden_dims": 8,
                        "dropout": 0.0,
                    },
                    "loss_weights": {
                        "ner": 1.0,
                        "relation": 1.0,
                        "coref": 0.0,
                        "events": 0.0,
                    },
                },
            }
        )
    )
    return folder


def test_radgraph_runs_from_a_folder_on_the_installed_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore_tokenizer_methods()
    from radgraph import RadGraph  # noqa: PLC0415 - needs the restored methods
    from radgraph.dygie.models import dygie  # noqa: PLC0415

    encoder = bert_folder(tmp_path / "encoder")
    folder = radgraph_folder(tmp_path / "models", encoder=encoder)
    torch.manual_seed(0)
    torch.save({}, folder / "weights.th")
    with monkeypatch.context() as patch:
        patch.setattr(dygie.DyGIE, "load_state_dict", lambda *_, **__: None)
        blank = RadGraph(
            model_type="radgraph", model_cache_dir=str(tmp_path / "models"), cuda=-1
        )
    torch.save(blank.model.state_dict(), folder / "weights.th")

    model = RadGraph(
        model_type="radgraph", model_cache_dir=str(tmp_path / "models"), cuda=-1
    )
    annotations = model(["no pleural effusion .", "left lung " * 60])

    assert list(annotations) == ["0", "1"]
    assert annotations["0"]["text"] == "no pleural effusion ."
    num_words = [len(annotations[key]["text"].split()) for key in ("0", "1")]
    assert num_words == [4, 120]
    for key, total in zip(("0", "1"), num_words, strict=True):
        for entity in annotations[key]["entities"].values():
            assert 0 <= entity["start_ix"] <= entity["end_ix"] < total


def test_restored_methods_do_what_transformers_4_did(tmp_path: Path) -> None:
    from transformers import AutoTokenizer  # noqa: PLC0415 - brings torch

    restore_tokenizer_methods()
    tokenizer = AutoTokenizer.from_pretrained(bert_folder(tmp_path / "encoder"))

    single = tokenizer.encode_plus("no effusion", add_special_tokens=True)
    pair = tokenizer.encode_plus("a", "b", return_token_type_ids=True)

    assert single["input_ids"] == [2, 5, 7, 3]
    assert pair["input_ids"] == [2, 12, 3, 13, 3]
    assert pair["token_type_ids"] == [0, 0, 0, 1, 1]
    assert tokenizer.build_inputs_with_special_tokens([5, 7]) == [2, 5, 7, 3]
    assert tokenizer.build_inputs_with_special_tokens([5], [7]) == [2, 5, 3, 7, 3]


def test_methods_that_are_there_are_kept() -> None:
    from transformers import PreTrainedTokenizerBase  # noqa: PLC0415 - brings torch

    restore_tokenizer_methods()
    before = vars(PreTrainedTokenizerBase)["encode_plus"]

    assert restore_tokenizer_methods() == []
    assert vars(PreTrainedTokenizerBase)["encode_plus"] is before
