import logging
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tokenizers import Tokenizer
from transformers import BertTokenizer

from asg_core.data.texts import encode_texts
from asg_core.data.tokenizer import load_tokenizer, special_pieces, train_tokenizer
from asg_core.data.tokens import tokenize_reports
from asg_core.models.config import ScratchTextConfig, TextEncoderConfig
from asg_core.tables.catalog import SENTENCES, TOKENS
from support.small_corpus import SmallCorpus

TEXTS = [
    "No pleural effusion or pneumothorax.",
    "The heart is normal; the lungs are clear.",
    "Pleural thickening of 2.5 cm at the na\u00efve ___ base.",
] * 3
CONFIG = TextEncoderConfig(name=None, scratch=ScratchTextConfig(vocabulary=110))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(TEXTS, config=CONFIG, path=path)
    return load_tokenizer(path)


def _sentences(reports: dict[str, list[tuple[int, str]]]) -> pl.DataFrame:
    return SENTENCES.frame(
        {
            "study_id": study_id,
            "sentence_index": index,
            "section": "findings",
            "start": start,
            "end": start + len(text),
            "text": text,
        }
        for study_id, sentences in reports.items()
        for index, (start, text) in enumerate(sentences)
    )


def test_words_have_their_place_in_the_report_and_pieces_their_word(
    tokenizer: Tokenizer,
) -> None:
    report = "IMPRESSION: No effusion.  The heart is 2.5 cm."
    sentences = _sentences({"s": [(12, report[12:24]), (26, report[26:])]})

    made = tokenize_reports(sentences, tokenizer=tokenizer, max_pieces=64)

    TOKENS.check(made.tokens, where="test")
    row = made.tokens.row(0, named=True)
    words = [
        report[start:end]
        for start, end in zip(row["word_starts"], row["word_ends"], strict=True)
    ]
    assert " ".join(words) == "No effusion . The heart is 2 . 5 cm ."
    for index, word in enumerate(words):
        pieces = [
            piece
            for piece, of in zip(row["piece_ids"], row["word_of_piece"], strict=True)
            if of == index
        ]
        alone = tokenizer.encode(word, add_special_tokens=False).ids
        assert pieces == alone
    assert (made.num_cut, made.num_empty) == (0, 0)


def test_the_pieces_are_those_of_the_whole_text(tokenizer: Tokenizer) -> None:
    text = TEXTS[1]

    row = tokenize_reports(
        _sentences({"s": [(0, text)]}), tokenizer=tokenizer, max_pieces=64
    ).tokens.row(0, named=True)

    assert row["piece_ids"] == tokenizer.encode(text, add_special_tokens=False).ids


def test_a_report_is_cut_before_the_first_word_that_does_not_fit(
    tokenizer: Tokenizer,
) -> None:
    text = "the heart qqqqqqqq the"  # q is unknown: one piece
    long = "the zxzxz heart"
    sentences = _sentences({"a": [(0, text)], "b": [(0, long)], "c": [(0, "the")]})
    num_pieces = len(tokenizer.encode("the heart qqqqqqqq", add_special_tokens=False))

    made = tokenize_reports(sentences, tokenizer=tokenizer, max_pieces=num_pieces + 2)
    tiny = tokenize_reports(sentences, tokenizer=tokenizer, max_pieces=3)

    assert made.tokens["word_starts"][0].to_list() == [0, 4, 10]
    assert made.tokens["piece_ids"].list.len().max() == num_pieces
    assert tiny.tokens["word_starts"].to_list() == [[0], [0], [0]]
    assert tiny.num_cut == 2


def test_sentences_are_read_in_the_order_of_the_report(tokenizer: Tokenizer) -> None:
    sentences = _sentences({"b": [(0, "the heart")], "a": [(0, "the"), (5, "lungs")]})

    shuffled = tokenize_reports(
        sentences.reverse(), tokenizer=tokenizer, max_pieces=64
    ).tokens

    assert shuffled["study_id"].to_list() == ["a", "b"]
    assert shuffled["word_starts"].to_list() == [[0, 5], [0, 4]]


def test_a_report_without_words_has_no_row_and_is_counted(
    tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    # A control character is nothing to the tokenizer.
    sentences = _sentences({"a": [(0, "\u0007 ")], "b": [(0, "the \u0007 heart")]})

    with caplog.at_level(logging.INFO):
        made = tokenize_reports(sentences, tokenizer=tokenizer, max_pieces=64)

    assert made.tokens["study_id"].to_list() == ["b"]
    assert made.tokens["word_starts"].to_list() == [[0, 6]]
    assert made.num_empty == 1
    assert "1 have no word" in caplog.text


def test_no_sentences_give_the_empty_table(tokenizer: Tokenizer) -> None:
    made = tokenize_reports(SENTENCES.empty(), tokenizer=tokenizer, max_pieces=64)

    TOKENS.check(made.tokens, where="test")
    assert made.tokens.is_empty()


def test_texts_are_framed_and_padded(tokenizer: Tokenizer) -> None:
    pieces = encode_texts(
        ["heart", "", "the lungs are clear"], tokenizer=tokenizer, max_pieces=5
    )

    special = special_pieces(tokenizer, where="test")
    heart = tokenizer.encode("heart", add_special_tokens=False).ids
    assert pieces.piece_BT[0].tolist()[: len(heart) + 2] == [
        special.start,
        *heart,
        special.end,
    ]
    assert pieces.word_of_piece_BT[0].tolist()[: len(heart) + 2] == [
        0,
        *[1] * len(heart),
        2,
    ]
    assert pieces.piece_BT[1].tolist()[:3] == [special.start, special.end, special.pad]
    assert pieces.is_piece_BT[1].tolist()[:3] == [True, True, False]
    assert pieces.piece_BT.shape[1] <= 5
    empty = encode_texts([], tokenizer=tokenizer, max_pieces=5)
    assert empty.piece_BT.shape == (0, 2)


_TRAIN = """
import sys
from pathlib import Path
from asg_core.data.tokenizer import train_tokenizer
from asg_core.models.config import ScratchTextConfig, TextEncoderConfig
texts = {texts!r}
config = TextEncoderConfig(name=None, scratch=ScratchTextConfig(vocabulary=110))
train_tokenizer(texts[::{step}], config=config, path=Path(sys.argv[1]))
"""


def test_training_gives_the_same_bytes_in_any_process_and_order(tmp_path: Path) -> None:
    paths = []
    for number, step in enumerate((1, -1, -1)):
        paths.append(tmp_path / f"{number}.json")
        script = _TRAIN.format(texts=TEXTS, step=step)
        subprocess.run([sys.executable, "-c", script, paths[-1]], check=True)

    assert len({path.read_bytes() for path in paths}) == 1
    assert len(list(tmp_path.iterdir())) == 3


def test_the_vocabulary_begins_with_the_pieces_of_bert_and_lower_cases(
    tokenizer: Tokenizer,
) -> None:
    vocab = tokenizer.get_vocab()

    first = sorted(vocab, key=lambda piece: vocab[piece])[:5]
    assert first == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert sorted(vocab.values()) == list(range(len(vocab)))
    assert len(vocab) == 110
    assert tokenizer.encode("Heart").ids == tokenizer.encode("heart").ids
    # The text can hold the name of a special piece and does not become one.
    pieces = encode_texts(["[SEP] a"], tokenizer=tokenizer, max_pieces=16).piece_BT
    assert (pieces == vocab["[SEP]"]).sum() == 1


def test_the_tokenizer_of_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "heart", "##s", "."]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    (folder / "config.json").write_text('{"model_type": "bert", "vocab_size": 8}')
    BertTokenizer(
        vocab={word: number for number, word in enumerate(words)}
    ).save_pretrained(folder)
    path = tmp_path / "tokenizer.json"

    train_tokenizer([], config=TextEncoderConfig(name=str(folder)), path=path)

    pieces = encode_texts(
        ["Hearts.", "heart"], tokenizer=load_tokenizer(path), max_pieces=16
    )
    assert pieces.piece_BT.tolist() == [[2, 5, 6, 7, 3], [2, 5, 3, 0, 0]]
    assert pieces.word_of_piece_BT[0].tolist() == [0, 1, 1, 2, 3]


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected texts with words, found none"):
        train_tokenizer(["  "], config=CONFIG, path=tmp_path / "t.json")
    with pytest.raises(FileNotFoundError, match=r"expected a tokenizer.json"):
        load_tokenizer(tmp_path / "t.json")


def test_a_tokenizer_of_another_kind_is_refused(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    path.write_text(tokenizer.to_str().replace("[CLS]", "[START]"))

    with pytest.raises(ValueError, match="found one without"):
        load_tokenizer(path)


def test_the_small_corpus_has_the_words_of_its_reports(small: SmallCorpus) -> None:
    for row in small.tokens.iter_rows(named=True):
        report = small.reports[row["study_id"]]
        words = [
            report[start:end]
            for start, end in zip(row["word_starts"], row["word_ends"], strict=True)
        ]
        assert (
            words
            == re.findall(r"\w+|[^\w\s]", report.removeprefix("FINDINGS:"))[
                : len(words)
            ]
        )


def test_tokens_are_made_without_torch() -> None:
    code = (
        "import sys, asg_core.data.tokens, asg_core.data.tokenizer; "
        "print(sorted({'torch', 'transformers', 'timm'} & set(sys.modules)))"
    )

    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    # The rule runs once per shard, and importing torch takes longer than a shard.
    assert done.stdout.strip() == "[]"
