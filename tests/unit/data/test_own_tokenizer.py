"""The tokenizer that a text encoder brings, and what speaks against it."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer
from transformers import BertTokenizer

from asg_core.data.tokenizer import load_tokenizer, train_tokenizer
from asg_core.data.tokens import UnknownWords, tokenize_reports
from asg_core.models.config import TextEncoderConfig
from asg_core.tables.catalog import SENTENCES

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused1]"]
UNCASED = ["heart", "##s", "no", "pleural", "effusion", "."]
CASED = [*UNCASED, "Heart", "No", "Pleural"]
TEXTS = ["No pleural effusion.", "Heart."]


def _folder(folder: Path, *, words: list[str], vocab_size: int | None = None) -> Path:
    """Write a configuration and a bare vocabulary, as many downloads have them."""
    folder.mkdir(exist_ok=True)
    pieces = [*SPECIAL, *words]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    size = vocab_size or len(pieces)
    (folder / "config.json").write_text(
        json.dumps({"model_type": "bert", "vocab_size": size})
    )
    return folder


def _take(folder: Path, *, texts: list[str] = TEXTS, **changes: Any) -> Tokenizer:  # noqa: ANN401 - a test's shortcut
    path = folder.parent / "tokenizer.json"
    config = TextEncoderConfig(name=str(folder), **changes)
    train_tokenizer(texts, config=config, path=path)
    return load_tokenizer(path)


def test_a_folder_without_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "bert", words=UNCASED, vocab_size=300)
    (folder / "vocab.txt").unlink()

    with pytest.raises(
        ValueError, match=r"text_encoder\.name: .* 5 pieces .* 300, .* vocab\.txt"
    ):
        _take(folder)


def test_a_vocabulary_padded_to_a_round_number_is_taken(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "bert", words=UNCASED, vocab_size=14)

    assert _take(folder).get_vocab_size() == 12


def test_a_cased_vocabulary_without_its_configuration_is_refused(
    tmp_path: Path,
) -> None:
    folder = _folder(tmp_path / "bert", words=CASED)

    with pytest.raises(
        ValueError, match=r"3 of its 15 pieces have capitals.*lower_case.*do_lower_case"
    ):
        _take(folder)


@pytest.mark.parametrize(
    ("lower_case", "pieces"), [(True, ["no", "pleural"]), (False, ["No", "pleural"])]
)
def test_what_the_configuration_says_of_capitals_decides(
    tmp_path: Path, *, lower_case: bool, pieces: list[str]
) -> None:
    tokenizer = _take(_folder(tmp_path / "bert", words=CASED), lower_case=lower_case)

    assert tokenizer.encode("No pleural", add_special_tokens=False).tokens == pieces


def test_a_cased_vocabulary_with_its_configuration_is_taken(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "bert", words=CASED)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')

    assert "No" in _take(folder).encode("No").tokens


def test_a_tokenizer_without_such_a_setting_is_refused(
    tmp_path: Path,
) -> None:
    folder = _folder(tmp_path / "bert", words=UNCASED)
    BertTokenizer(
        vocab={piece: place for place, piece in enumerate([*SPECIAL, *UNCASED])},
        do_lower_case=False,
    ).save_pretrained(folder)
    path = folder / "tokenizer.json"
    assert path.is_file()
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"}'
    )

    with pytest.raises(ValueError, match=r"lower_case: it is true, and the tokenizer"):
        _take(folder, lower_case=True)


def test_unknown_words_are_counted_and_limited(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = _folder(tmp_path / "bert", words=UNCASED)
    spanish = ["No hay derrame pleural.", "Silueta cardiaca normal."]

    with pytest.raises(
        ValueError,
        match=r"max_unknown_share: .* at most 5\.0 %.* found 55\.6 % \(5 of 9\)",
    ):
        _take(folder, texts=spanish)

    with caplog.at_level(logging.INFO):
        tokenizer = _take(folder, texts=spanish, max_unknown_share=0.6)
    assert "5 of 9 words are [UNK] (55.6 %)" in caplog.text

    sentences = SENTENCES.frame(
        {
            "study_id": "a",
            "sentence_index": index,
            "section": "findings",
            "start": 100 * index,
            "end": 100 * index + len(text),
            "text": text,
        }
        for index, text in enumerate(spanish)
    )
    caplog.clear()
    with caplog.at_level(logging.INFO):
        made = tokenize_reports(sentences, tokenizer=tokenizer, max_pieces=64)
    assert made.unknown == UnknownWords(num_words=9, num_unknown=5)
    assert "5 of 9 words are [UNK] (55.6 %)" in caplog.text
    with pytest.raises(ValueError, match=r"max_unknown_share.*55\.6 %"):
        made.unknown.check(max_share=0.5)
    made.unknown.check(max_share=0.56)


def test_the_encoder_of_the_paper_is_read_in_lower_case() -> None:
    assert TextEncoderConfig().is_lower_case is True
    assert TextEncoderConfig(lower_case=False).is_lower_case is False
    assert TextEncoderConfig(name="someone/bert").is_lower_case is None


def test_the_tokenizer_of_the_corpus_has_no_such_setting() -> None:
    with pytest.raises(ValidationError, match="lower_case is false while name is null"):
        TextEncoderConfig(name=None, lower_case=False)


def test_no_words_are_no_share() -> None:
    nothing = UnknownWords(num_words=0, num_unknown=0)

    nothing.check(max_share=0)
    assert nothing.share == 0
