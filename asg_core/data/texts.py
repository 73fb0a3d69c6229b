"""Prompts and names of tags as the word pieces that a text encoder reads.

Apart from `tokens`, which needs no torch and runs once per shard of a corpus.
"""

# Shape suffixes:
#   B = texts, T = word pieces with [CLS] and [SEP], padded

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from asg_core.data.tokenizer import special_pieces
from asg_core.data.tokens import (
    NUM_FRAMING,
    WORD,
    counts_to_indices,
    fitting,
    pieces_of_words,
)


class TextPieces(NamedTuple):
    """Texts as an encoder reads them."""

    piece_BT: Tensor
    """int64 ids: [CLS], the pieces, [SEP], then [PAD]."""

    is_piece_BT: Tensor
    """bool; False is padding."""

    word_of_piece_BT: Tensor
    """int64 word slots: 0 is [CLS], 1 .. n the words, n + 1 is [SEP]; 0 in padding."""


def encode_texts(
    texts: Sequence[str], *, tokenizer: Tokenizer, max_pieces: int
) -> TextPieces:
    """Return texts in pieces, padded to the longest: prompts, or names of tags.

    Words and pieces are made and cut as those of reports. A text without words is [CLS]
    and [SEP]. No texts give tensors of shape (0, 2).

    Args:
        texts: Each becomes a row.
        tokenizer: Makes pieces of words.
        max_pieces: What the encoder reads at most, [CLS] and [SEP] included.
    """
    special = special_pieces(tokenizer, where="encode_texts")
    found = [WORD.findall(text) for text in texts]
    text_of_word = np.repeat(np.arange(len(texts)), [len(words) for words in found])
    ids, lengths = pieces_of_words(
        list(chain.from_iterable(found)), tokenizer=tokenizer
    )
    kept = fitting(text_of_word, lengths, limit=max_pieces - NUM_FRAMING)
    ids, lengths, text_of_word = (
        ids[np.repeat(kept, lengths)],
        lengths[kept],
        text_of_word[kept],
    )
    num_words = np.bincount(text_of_word, minlength=len(texts))
    text_of_piece = np.repeat(text_of_word, lengths)
    num_pieces = np.bincount(text_of_piece, minlength=len(texts))

    shape = (len(texts), NUM_FRAMING + max(num_pieces, default=0))
    piece_BT = np.full(shape, special.pad, dtype=np.int64)
    word_of_piece_BT = np.zeros(shape, dtype=np.int64)
    columns = 1 + counts_to_indices(num_pieces)
    piece_BT[:, 0] = special.start
    piece_BT[text_of_piece, columns] = ids
    word_of_piece_BT[text_of_piece, columns] = 1 + np.repeat(
        counts_to_indices(num_words), lengths
    )
    rows = np.arange(len(texts))
    piece_BT[rows, 1 + num_pieces] = special.end
    word_of_piece_BT[rows, 1 + num_pieces] = 1 + num_words
    is_piece_BT = np.arange(shape[1]) < (NUM_FRAMING + num_pieces)[:, None]
    return TextPieces(
        piece_BT=torch.from_numpy(piece_BT),
        is_piece_BT=torch.from_numpy(is_piece_BT),
        word_of_piece_BT=torch.from_numpy(word_of_piece_BT),
    )
