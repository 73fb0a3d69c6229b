"""Hand-written dependency trees, in the place of a model's."""

from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

# A token that stands without a space behind the one before it.
_ATTACHED = (".", ",", ";", "n't")

TREES: dict[str, str] = {}
"""The trees that the saved pipeline knows, by the text of the sentence."""

_VOCAB = spacy.blank("en").vocab


def document(line: str, *, vocab: Vocab = _VOCAB) -> Doc:
    """Return the Doc of a line of WORD/LABEL/HEAD; heads count from 1, 0 is a root."""
    cells = [cell.rsplit("/", maxsplit=2) for cell in line.split()]
    words = [word for word, _, _ in cells]
    followers = [*words[1:], "."]
    return Doc(
        vocab,
        words=words,
        spaces=[follower not in _ATTACHED for follower in followers],
        heads=[
            int(head) - 1 if int(head) else index
            for index, (_, _, head) in enumerate(cells)
        ],
        deps=[label for _, label, _ in cells],
        pos=["X"] * len(words),
    )


@Language.component("hand_written_trees")
def hand_written_trees(plain: Doc) -> Doc:
    """Give a sentence its tree out of `TREES`; others keep none."""
    line = TREES.get(plain.text)
    return plain if line is None else document(line, vocab=plain.vocab)


@Language.component("no_tags")
def no_tags(plain: Doc) -> Doc:
    """Stand where a model has its tagger."""
    return plain


def save_pipeline(folder: Path, *, components: tuple[str, ...]) -> Path:
    """Save a pipeline with these of the components `tagger` and `parser`."""
    pipeline = spacy.blank("en")
    factories = {"tagger": "no_tags", "parser": "hand_written_trees"}
    for name in components:
        pipeline.add_pipe(factories[name], name=name)
    pipeline.to_disk(folder)
    return folder
