"""Reports as word pieces, with the place of every word in the report."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl
from tokenizers import Tokenizer

from asg_core.tables.catalog import TOKENS

logger = logging.getLogger(__name__)

WORD = re.compile(r"\w+|[^\w\s]")
"""A run of letters, digits and underscores, or one other mark."""

UNKNOWN_PIECES = ("[UNK]", "<unk>")
"""What BERT's and RoBERTa's vocabularies call a word that they cannot cut into pieces."""

NUM_FRAMING = 2
"""[CLS] and [SEP]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownWords:
    """How many words a tokenizer makes [UNK] of, wholly or in part."""

    num_words: int
    num_unknown: int

    @property
    def share(self) -> float:
        """Share of the words that are unknown; 0 where there are no words."""
        return self.num_unknown / max(self.num_words, 1)

    def __str__(self) -> str:
        """Say it for the log."""
        return (
            f"{self.num_unknown:,} of {self.num_words:,} words are [UNK] "
            f"({100 * self.share:.1f} %)"
        )

    def check(self, *, max_share: float) -> None:
        """Refuse more unknown words than the configuration allows.

        Raises:
            ValueError: Then.
        """
        if self.share > max_share:
            raise ValueError(
                "pretraining.model.text_encoder.max_unknown_share: expected at most "
                f"{100 * max_share:.1f} % of the words to be unknown to the tokenizer, "
                f"found {100 * self.share:.1f} % ({self.num_unknown:,} of "
                f"{self.num_words:,}). Is its vocabulary of the language of the reports, "
                "and whole? Name another text_encoder.name, or null for one that is "
                "trained on the corpus"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedReports:
    """The table `tokens`, and what did not fit in."""

    tokens: pl.DataFrame  # in the schema TOKENS
    num_cut: int
    """Reports that lost words at their end, as they have too many pieces."""

    num_empty: int
    """Reports without a single word; they have no row."""

    unknown: UnknownWords
    """Of all words, those that were cut off among them."""


def tokenize_reports(
    sentences: pl.DataFrame, *, tokenizer: Tokenizer, max_pieces: int
) -> TokenizedReports:
    r"""Return the words and pieces of each report, sentence after sentence.

    A word is a run of `\w` or one other mark that is no white space; each is cut into
    pieces for itself. What the tokenizer makes nothing of (a control character) is no
    word. A report has at most `max_pieces` - 2 pieces: the words from the first one on
    that does not fit are cut off. A report without words has no row.

    Args:
        sentences: Rows of the table `sentences`, of whole reports.
        tokenizer: Makes pieces of words.
        max_pieces: What the encoder reads at most, [CLS] and [SEP] included.
    """
    ordered = sentences.sort("study_id", "start", "sentence_index")
    study_rows = ordered.select(pl.col("study_id").rle()).unnest("study_id")
    study_ids: list[str] = study_rows["value"].to_list()
    sentences_of_study = study_rows["len"].to_numpy()

    texts: list[str] = ordered["text"].to_list()
    found = [list(WORD.finditer(text)) for text in texts]
    words_of_sentence = np.array([len(matches) for matches in found], dtype=np.int64)
    matches = list(chain.from_iterable(found))
    base = np.repeat(ordered["start"].to_numpy().astype(np.int64), words_of_sentence)
    starts = base + np.array([match.start() for match in matches], dtype=np.int64)
    ends = base + np.array([match.end() for match in matches], dtype=np.int64)
    study_of_sentence = np.repeat(np.arange(len(study_ids)), sentences_of_study)
    study_of_word = np.repeat(study_of_sentence, words_of_sentence)
    ids, lengths = pieces_of_words([match[0] for match in matches], tokenizer=tokenizer)

    kept = fitting(study_of_word, lengths, limit=max_pieces - NUM_FRAMING)
    num_words = np.bincount(study_of_word[kept], minlength=len(study_ids))
    tokens = _to_table(
        study_ids,
        num_words=num_words,
        pieces=ids[np.repeat(kept, lengths)],
        lengths=lengths[kept],
        starts=starts[kept],
        ends=ends[kept],
    )
    is_lost = (lengths > 0) & ~kept
    num_cut = len(np.unique(study_of_word[is_lost]))
    num_empty = int((num_words == 0).sum())
    unknown = unknown_words(ids, lengths, tokenizer=tokenizer)
    logger.info(
        "%d sentences -> %d reports in pieces; %d were cut to %d pieces, %d have no "
        "word, %s",
        len(sentences),
        len(tokens),
        num_cut,
        max_pieces,
        num_empty,
        unknown,
    )
    return TokenizedReports(
        tokens=tokens, num_cut=num_cut, num_empty=num_empty, unknown=unknown
    )


def counts_to_indices(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return 0 .. count - 1 for each count, one after the other: 2, 3 -> 0 1 0 1 2."""
    firsts = np.cumsum(counts) - counts
    indices: npt.NDArray[np.int64] = np.arange(int(counts.sum()), dtype=np.int64)
    return indices - np.repeat(firsts, counts)


def pieces_of_words(
    words: Sequence[str], *, tokenizer: Tokenizer
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return the pieces of all words, and how many each has.

    The pieces of a word do not depend on its neighbours, and reports use few different
    words, so each of these is asked for once.
    """
    number: dict[str, int] = {}
    numbers = np.array(
        [number.setdefault(word, len(number)) for word in words], dtype=np.int64
    )
    encoded = tokenizer.encode_batch(
        [[word] for word in number], is_pretokenized=True, add_special_tokens=False
    )
    ids_of = [encoding.ids for encoding in encoded]
    sizes = np.array([len(ids) for ids in ids_of], dtype=np.int64)
    flat = np.fromiter(_flat(ids_of), dtype=np.int32, count=int(sizes.sum()))
    lengths = sizes[numbers]
    firsts = (np.cumsum(sizes) - sizes)[numbers]
    return flat[np.repeat(firsts, lengths) + counts_to_indices(lengths)], lengths


def is_unknown_piece(
    ids: npt.NDArray[np.int32], *, tokenizer: Tokenizer
) -> npt.NDArray[np.bool_]:
    """Tell for each piece whether it stands for what the tokenizer does not know."""
    numbers = [tokenizer.token_to_id(name) for name in UNKNOWN_PIECES]
    is_unknown: npt.NDArray[np.bool_] = np.isin(
        ids, [number for number in numbers if number is not None]
    )
    return is_unknown


def unknown_words(
    ids: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int64],
    *,
    tokenizer: Tokenizer,
) -> UnknownWords:
    """Count the words with an unknown piece, of what `pieces_of_words` returned.

    What the tokenizer makes nothing of is no word.
    """
    word_of_piece = np.repeat(np.arange(len(lengths)), lengths)
    unknown = np.unique(word_of_piece[is_unknown_piece(ids, tokenizer=tokenizer)])
    return UnknownWords(
        num_words=int((lengths > 0).sum()), num_unknown=int(unknown.size)
    )


def _flat(lists: Iterable[list[int]]) -> Iterable[int]:
    return chain.from_iterable(lists)


def fitting(
    text_of_word: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    *,
    limit: int,
) -> npt.NDArray[np.bool_]:
    """Tell for each word whether it has pieces that fit into its text's first `limit`."""
    ends = np.cumsum(lengths)
    is_first = np.diff(text_of_word, prepend=-1) != 0
    before = np.maximum.accumulate(np.where(is_first, ends - lengths, 0))
    fits: npt.NDArray[np.bool_] = (ends - before <= limit) & (lengths > 0)
    return fits


def _to_table(
    study_ids: Sequence[str],
    *,
    num_words: npt.NDArray[np.int64],
    pieces: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
) -> pl.DataFrame:
    """Return flat arrays of words and pieces as one row per report that has words."""
    study_of_word = np.repeat(np.arange(len(study_ids)), num_words)
    word_of_piece = np.repeat(counts_to_indices(num_words), lengths)
    words = (
        pl.DataFrame({"study": study_of_word, "start": starts, "end": ends})
        .group_by("study", maintain_order=True)
        .agg(
            word_starts=pl.col("start").cast(pl.Int32),
            word_ends=pl.col("end").cast(pl.Int32),
        )
    )
    by_piece = (
        pl.DataFrame(
            {
                "study": np.repeat(study_of_word, lengths),
                "piece": pieces,
                "word": word_of_piece,
            }
        )
        .group_by("study", maintain_order=True)
        .agg(
            piece_ids=pl.col("piece").cast(pl.Int32),
            word_of_piece=pl.col("word").cast(pl.Int32),
        )
    )
    names = pl.DataFrame(
        {"study": np.arange(len(study_ids)), "study_id": study_ids},
        schema_overrides={"study_id": pl.String},
    )
    return (
        names.join(by_piece, on="study", maintain_order="left")
        .join(words, on="study", maintain_order="left")
        .select(list(TOKENS.columns))
    )
