"""Hand-written dependency trees, in the place of a model's."""

from collections.abc import Sequence
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import fix_random_seed

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


def save_pipeline(folder: Path, *, component: str = "parser") -> Path:
    """Save a pipeline that gives sentences their trees, under the name `component`."""
    pipeline = spacy.blank("en")
    pipeline.add_pipe("hand_written_trees", name=component)
    pipeline.to_disk(folder)
    return folder


def save_trained(folder: Path, *, lines: Sequence[str]) -> Path:
    """Save a small pipeline of the layout of scispaCy's that has learnt these trees.

    Tagger and parser share their vectors; the configuration names a call-back of
    scispaCy's training code, which is not there when the model is read.
    """
    fix_random_seed(1)
    pipeline = spacy.blank("en")
    size = {"width": 32, "depth": 2, "embed_size": 200}
    pipeline.add_pipe("tok2vec", config={"model": size})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32}
    shared = {"model": {"tok2vec": listener}}
    pipeline.add_pipe("tagger", config=shared)
    pipeline.add_pipe("parser", config={**shared, "min_action_freq": 1})
    examples = []
    for line in lines:
        tree = document(line, vocab=pipeline.vocab)
        for token in tree:
            token.tag_ = token.dep_
        examples.append(Example(pipeline.make_doc(tree.text), tree))
    optimizer = pipeline.initialize(lambda: examples)
    for _ in range(60):
        pipeline.update(examples, sgd=optimizer)
    pipeline.config["initialize"]["before_init"] = {"@callbacks": "replace_tokenizer"}
    pipeline.to_disk(folder)
    return folder
