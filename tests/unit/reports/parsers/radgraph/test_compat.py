"""The radgraph package, built on a tiny random checkpoint that the test makes."""

from pathlib import Path

import pytest

from asg_core.reports.parsers.radgraph.compat import restore_tokenizer_methods
from support.radgraph_model import bert_folder, random_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("quiet_radgraph"),
]


def test_radgraph_runs_from_a_folder_on_the_installed_transformers(
    tmp_path: Path,
) -> None:
    restore_tokenizer_methods()
    from radgraph import RadGraph  # noqa: PLC0415 - needs the restored methods

    encoder = bert_folder(tmp_path / "encoder")
    random_model(tmp_path / "models", encoder=encoder)

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
