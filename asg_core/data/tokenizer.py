"""The tokenizer of the text encoder: trained on the corpus, or the encoder's own."""

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordPieceTrainer

from asg_core.models.config import TextEncoderConfig

logger = logging.getLogger(__name__)

PAD, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"

_SPECIAL = (PAD, UNKNOWN, START, END, MASK)
"""In the order of their ids, as in a BERT that is trained from scratch."""

_CONTINUES = "##"
_MAX_LETTERS = 1000


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

    Where `config.name` names an encoder, its own tokenizer is taken and `texts` are not
    read. Otherwise a lower-case WordPiece tokenizer is trained: the same texts give the
    same bytes, whatever their order. A piece is kept for each of the letters, up to the
    1,000 most frequent, so `config.scratch.vocabulary` is no hard limit.

    Args:
        texts: Sentences or reports.
        config: Names the tokenizer, or says how many pieces to learn.
        path: The file to write; it appears when it is complete.

    Raises:
        ValueError: If there is no word to learn from, or if the named tokenizer is not
            one of a BERT.
        OSError: If the named tokenizer is neither a folder nor on the hub.
    """
    if config.name is None:
        tokenizer = _train(texts, vocabulary=config.scratch.vocabulary)
    else:
        tokenizer = _take(config.name)
    special_pieces(tokenizer, where=config.name or "train_tokenizer")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    tokenizer.save(str(temporary))
    temporary.replace(path)
    logger.info(
        "tokenizer of %d pieces, %s",
        tokenizer.get_vocab_size(),
        "trained on the corpus" if config.name is None else f"as {config.name} has it",
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


def _take(name: str) -> Tokenizer:
    """Return the tokenizer of a local folder or of a name on the model hub."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - seconds, seldom needed

    wrapped = AutoTokenizer.from_pretrained(name)
    if not wrapped.is_fast:
        raise ValueError(
            f"model.text_encoder.name: expected a tokenizer that can be written as one "
            f"tokenizer.json, found none for '{name}'; name an encoder that has one"
        )
    tokenizer: Tokenizer = wrapped.backend_tokenizer
    if isinstance(tokenizer.pre_tokenizer, pre_tokenizers.ByteLevel):
        # RoBERTa tells a word by the blank before it, and words come one by one here.
        tokenizer.pre_tokenizer.add_prefix_space = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


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
