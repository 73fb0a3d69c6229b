"""The tokenizer of the text encoder: trained on the corpus, or the encoder's own."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordPieceTrainer

from asg_core.data.tokens import (
    WORD,
    UnknownWords,
    is_unknown_piece,
    pieces_of_words,
)
from asg_core.files import replacing
from asg_core.models.config import TextEncoderConfig
from asg_core.models.pretrained.folders import check_vocabulary_size
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

PAD, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"

_SPECIAL = (PAD, UNKNOWN, START, END, MASK)
"""In the order of their ids, as in a BERT that is trained from scratch."""

_CONTINUES = "##"
_MAX_LETTERS = 1000
_WHERE = "pretraining.model.text_encoder"

_FEW_CAPITALS = 0.01
"""Share of a vocabulary without capitals that may have some all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialPieces:
    """The ids of the pieces that frame a report."""

    pad: int
    start: int
    end: int


def train_tokenizer(
    texts: Iterable[str], *, config: TextEncoderConfig, path: Path
) -> None:
    """Write the tokenizer of a text encoder to `path`, as one tokenizer.json.

    Where `config.name` names an encoder, its own tokenizer is taken. Otherwise a lower-case WordPiece tokenizer is trained: the same texts give the
    same bytes, whatever their order. A piece is kept for each of the letters, up to the
    1,000 most frequent, so `config.scratch.vocabulary` is no hard limit.

    Args:
        texts: Sentences or reports.
        config: Names the tokenizer, or says how many pieces to learn.
        path: The file to write; it appears when it is complete.

    Raises:
        ValueError: If there is no word to learn from, if the named tokenizer is not there
            or not one of a BERT, if its vocabulary is not that of the encoder, or if more
            words of the texts than `config.max_unknown_share` are unknown to it.
    """
    kept = list(texts)
    if config.name is None:
        tokenizer = _train(kept, vocabulary=config.scratch.vocabulary)
    else:
        tokenizer = take_tokenizer(config.name, lower_case=config.is_lower_case)
    special_pieces(tokenizer, where=config.name or Stage.TRAIN_TOKENIZER)
    unknown = _unknown_words(kept, tokenizer=tokenizer)
    unknown.check(max_share=config.max_unknown_share)
    with replacing(path) as temporary:
        tokenizer.save(str(temporary))
    logger.info(
        "tokenizer of %d pieces, %s; of the corpus %s",
        tokenizer.get_vocab_size(),
        "trained on the corpus" if config.name is None else f"as {config.name} has it",
        unknown,
    )


def load_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json; it neither cuts nor pads.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has no pieces that start, end and pad a report.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected a tokenizer.json, found no file. Run the workflow; it "
            "makes the tokenizer."
        )
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special_pieces(tokenizer, where=str(path))
    return tokenizer


def special_pieces(tokenizer: Tokenizer, *, where: str) -> SpecialPieces:
    """Return the ids of [PAD], [CLS] and [SEP], or of RoBERTa's <pad>, <s> and </s>.

    Raises:
        ValueError: If the tokenizer has neither, naming `where` it is from.
    """
    for names in ((PAD, START, END), ("<pad>", "<s>", "</s>")):
        found = [tokenizer.token_to_id(name) for name in names]
        ids = [number for number in found if number is not None]
        if len(ids) == len(names):
            return SpecialPieces(pad=ids[0], start=ids[1], end=ids[2])
    raise ValueError(
        f"{where}: expected a tokenizer with the pieces {PAD}, {START} and {END} (or "
        "<pad>, <s> and </s>), found one without; name another text encoder"
    )


def take_tokenizer(name: str, *, lower_case: bool | None) -> Tokenizer:
    """Return the tokenizer of an encoder: of a local folder, or a name on the model hub.

    Args:
        name: The folder, or the name.
        lower_case: Whether it lower-cases; None leaves that to its own configuration.

    Raises:
        ValueError: If there is none, if it is no fast one, if the encoder has many more
            pieces, or if it lower-cases although its vocabulary has capitals and nobody
            said so.
    """
    from transformers import AutoConfig, AutoTokenizer  # noqa: PLC0415 - seconds, seldom needed

    given: dict[str, Any] = {} if lower_case is None else {"do_lower_case": lower_case}
    try:
        size = getattr(AutoConfig.from_pretrained(name), "vocab_size", None)
        wrapped = AutoTokenizer.from_pretrained(name, **given)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{_WHERE}.name: expected the folder of an encoder with its tokenizer, or a "
            f"name on the model hub, reachable or in its cache, found '{name}': {error}"
        ) from error
    if not wrapped.is_fast:
        raise ValueError(
            f"{_WHERE}.name: expected a tokenizer that can be written as one "
            f"tokenizer.json, found none for '{name}'; name an encoder that has one"
        )
    tokenizer: Tokenizer = wrapped.backend_tokenizer
    check_vocabulary_size(
        tokenizer.get_vocab_size(), of_encoder=size, name=name, where=_WHERE
    )
    _check_case(tokenizer, name=name, lower_case=lower_case)
    if isinstance(tokenizer.pre_tokenizer, pre_tokenizers.ByteLevel):
        # RoBERTa tells a word by the blank before it, and words come one by one here.
        tokenizer.pre_tokenizer.add_prefix_space = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _check_case(tokenizer: Tokenizer, *, name: str, lower_case: bool | None) -> None:
    """Refuse a tokenizer that lower-cases a vocabulary with capitals unasked.

    Raises:
        ValueError: Then, or if it does not do what `lower_case` asks for.
    """
    normalizer = tokenizer.normalizer
    does = normalizer is not None and normalizer.normalize_str("Aa") == "aa"
    if lower_case is not None and does != lower_case:
        raise ValueError(
            f"{_WHERE}.lower_case: it is {str(lower_case).lower()}, and the tokenizer of "
            f"'{name}' has no such setting; set it to null"
        )
    pieces = [piece for piece in tokenizer.get_vocab() if not piece.startswith("[")]
    capital = [piece for piece in pieces if piece != piece.lower()]
    if lower_case is None and does and len(capital) > _FEW_CAPITALS * len(pieces):
        raise ValueError(
            f"{_WHERE}.lower_case: the tokenizer of '{name}' lower-cases, and {len(capital)} "
            f"of its {tokenizer.get_vocab_size()} pieces have capitals, such as "
            f"'{sorted(capital)[0]}', which it then never makes. Set lower_case to false "
            "to keep capitals (or give the folder its tokenizer_config.json with "
            '"do_lower_case": false), or to true if the encoder is meant to read so, as '
            "published code of this field has Bio_ClinicalBERT read"
        )


def _unknown_words(texts: Iterable[str], *, tokenizer: Tokenizer) -> UnknownWords:
    counts = Counter(chain.from_iterable(WORD.findall(text) for text in texts))
    ids, lengths = pieces_of_words(list(counts), tokenizer=tokenizer)
    # Words of a text are as frequent as they are, and each is cut once.
    frequency = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
    number = np.repeat(np.arange(len(counts)), lengths)
    is_unknown = np.zeros(len(counts), dtype=np.bool_)
    is_unknown[number[is_unknown_piece(ids, tokenizer=tokenizer)]] = True
    return UnknownWords(
        num_words=int(frequency[lengths > 0].sum()),
        num_unknown=int(frequency[is_unknown].sum()),
    )


def _train(texts: Iterable[str], *, vocabulary: int) -> Tokenizer:
    """Return a trained tokenizer whose ids do not depend on the order of anything.

    The trainer numbers the letters of word continuations as it meets them, which is in
    the order of a hash table, and breaks ties between pairs by their numbers. Naming
    all letters beforehand, as special pieces, gives each one number. The pieces then
    become a tokenizer in which only the five of `_SPECIAL` are special.
    """
    counts = _count_words(texts)
    if not counts:
        raise ValueError(
            "train_tokenizer: expected texts with words, found none; without reports "
            "there is nothing to pre-train on"
        )
    letters = _frequent_letters(counts)
    named = [*_SPECIAL, *letters, *(_CONTINUES + letter for letter in letters)]
    learner = Tokenizer(WordPiece(unk_token=UNKNOWN))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = WordPieceTrainer(
        vocab_size=max(vocabulary, len(named)),
        special_tokens=named,
        limit_alphabet=len(letters),
        initial_alphabet=letters,
        continuing_subword_prefix=_CONTINUES,
        show_progress=False,
    )
    words = (word for word in sorted(counts) for _ in range(counts[word]))
    learner.train_from_iterator(words, trainer=trainer)

    vocab = {
        piece: number
        for number, (piece, _) in enumerate(
            sorted(learner.get_vocab().items(), key=lambda item: item[1])
        )
    }
    tokenizer = Tokenizer(
        WordPiece(vocab, unk_token=UNKNOWN, continuing_subword_prefix=_CONTINUES)
    )
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = TemplateProcessing(
        single=f"{START} $A {END}",
        pair=f"{START} $A {END} $B:1 {END}:1",
        special_tokens=[(piece, vocab[piece]) for piece in (START, END)],
    )
    return tokenizer


def _normalizer() -> normalizers.Normalizer:
    normalizer: normalizers.Normalizer = normalizers.BertNormalizer(lowercase=True)
    return normalizer


def _count_words(texts: Iterable[str]) -> dict[str, int]:
    normalizer, splitter = _normalizer(), pre_tokenizers.BertPreTokenizer()
    counts: dict[str, int] = {}
    for text in texts:
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)):
            counts[word] = counts.get(word, 0) + 1
    return counts


def _frequent_letters(counts: dict[str, int]) -> list[str]:
    """Return the letters of the words, sorted; only the most frequent of very many."""
    letters: dict[str, int] = {}
    for word, count in counts.items():
        for letter in word:
            letters[letter] = letters.get(letter, 0) + count
    by_count = sorted(letters, key=lambda letter: (-letters[letter], letter))
    return sorted(by_count[:_MAX_LETTERS])
