"""A RadGraph model of random weights, tiny, in the layout of the package."""

import json
from pathlib import Path
from typing import Any

import pytest

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] no pleural effusion in the left lung a b . ##s"
LABELS = {
    "radgraph": ["OBS-DA", "OBS-DP", "OBS-U", "ANAT-DP"],
    "radgraph-xl": [
        f"{kind}::{state}"
        for kind in ("Observation", "Anatomy", "Observation::measurement")
        for state in ("definitely absent", "definitely present", "uncertain")
    ],
}


def bert_folder(folder: Path) -> Path:
    """Write configuration and tokenizer of a small BERT."""
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


def radgraph_folder(cache: Path, *, encoder: Path, name: str) -> Path:
    """Write CACHE/NAME as the package expects it, the weights left out."""
    from radgraph.allennlp.data import Vocabulary  # noqa: PLC0415

    folder = cache / name
    folder.mkdir(parents=True)
    vocabulary = Vocabulary(non_padded_namespaces=["*labels", "*tags"])
    labels = {
        f"{name}__ner_labels": ["", *LABELS[name]],
        # No "" here: the null relation is no label of the vocabulary.
        f"{name}__relation_labels": ["modify", "located_at", "suggestive_of"],
    }
    for namespace, names in labels.items():
        for label in names:
            vocabulary.add_token_to_namespace(label, namespace)
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


def random_model(cache: Path, *, encoder: Path, name: str = "radgraph") -> Path:
    """Write CACHE/NAME with weights; return CACHE.

    Call `restore_tokenizer_methods` before.
    """
    import torch  # noqa: PLC0415 - slow
    from radgraph import RadGraph  # noqa: PLC0415 - needs the restored methods
    from radgraph.dygie.models import dygie  # noqa: PLC0415

    folder = radgraph_folder(cache, encoder=encoder, name=name)
    torch.manual_seed(0)
    torch.save({}, folder / "weights.th")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dygie.DyGIE, "load_state_dict", lambda *_, **__: None)
        blank = RadGraph(model_type=name, model_cache_dir=str(cache), cuda=-1)
    torch.save(blank.model.state_dict(), folder / "weights.th")
    return cache
