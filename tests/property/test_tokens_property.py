"""Reports as words and pieces, against a loop over their words."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from asg_core.data.texts import encode_texts
from asg_core.data.tokenizer import load_tokenizer, train_tokenizer
from asg_core.data.tokens import tokenize_reports
from asg_core.models.config import ScratchTextConfig, TextEncoderConfig
from asg_core.tables.catalog import SENTENCES

CONFIG = TextEncoderConfig(name=None, scratch=ScratchTextConfig(vocabulary=100))

words = st.sampled_from(
    ["no", "effusion", "Heart,", "2.5", "___", "\u0301", "x-ray", "\n"]
)
sentences = st.lists(words | st.text(max_size=6), max_size=6).map(" ".join)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(["no effusion", "heart x ray 2.5"], config=CONFIG, path=path)
    return load_tokenizer(path)


def _by_loop(
    report: list[str], *, tokenizer: Tokenizer, limit: int
) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    pieces: list[int] = []
    word_of_piece: list[int] = []
    places: list[tuple[int, int]] = []
    start = 0
    for sentence in report:
        for match in re.finditer(r"\w+|[^\w\s]", sentence):
            own = tokenizer.encode(match[0], add_special_tokens=False).ids
            if not own:
                continue
            if len(pieces) + len(own) > limit:
                return pieces, word_of_piece, places
            word_of_piece += [len(places)] * len(own)
            pieces += own
            places.append((start + match.start(), start + match.end()))
        start += len(sentence) + 1
    return pieces, word_of_piece, places


@given(
    reports=st.lists(st.lists(sentences, max_size=3), max_size=4),
    limit=st.integers(1, 12),
)
def test_words_and_pieces_are_those_of_the_loop(
    tokenizer: Tokenizer, reports: list[list[str]], limit: int
) -> None:
    rows = []
    for study, report in enumerate(reports):
        start = 0
        for index, text in enumerate(report):
            rows.append(
                {
                    "study_id": f"s{study}",
                    "sentence_index": index,
                    "section": "findings",
                    "start": start,
                    "end": start + len(text),
                    "text": text,
                }
            )
            start += len(text) + 1

    made = tokenize_reports(
        SENTENCES.frame(rows), tokenizer=tokenizer, max_pieces=limit + 2
    ).tokens

    found = {row["study_id"]: row for row in made.iter_rows(named=True)}
    for study, report in enumerate(reports):
        pieces, word_of_piece, places = _by_loop(
            report, tokenizer=tokenizer, limit=limit
        )
        row = found.pop(f"s{study}", None)
        if not places:
            assert row is None
            continue
        assert row is not None
        assert row["piece_ids"] == pieces
        assert row["word_of_piece"] == word_of_piece
        assert list(zip(row["word_starts"], row["word_ends"], strict=True)) == places
    assert not found


@given(texts=st.lists(sentences, max_size=4), limit=st.integers(1, 12))
def test_texts_are_framed_rows_of_the_same_pieces(
    tokenizer: Tokenizer, texts: list[str], limit: int
) -> None:
    encoded = encode_texts(texts, tokenizer=tokenizer, max_pieces=limit + 2)

    for row, text in enumerate(texts):
        pieces, word_of_piece, places = _by_loop(
            [text], tokenizer=tokenizer, limit=limit
        )
        is_piece = encoded.is_piece_BT[row]
        assert encoded.piece_BT[row][is_piece].tolist() == [2, *pieces, 3]
        slots = [0, *(word + 1 for word in word_of_piece), len(places) + 1]
        assert encoded.word_of_piece_BT[row][is_piece].tolist() == slots
