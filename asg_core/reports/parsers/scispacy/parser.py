"""The parser `scispacy`: the lexicon's phrases, connected by a dependency parser.

Sentences are ours: each one is parsed as a text of its own, and where the model sees
several sentences in it their trees stand side by side. See
`asg_core.reports.parsers.scispacy.claims` for what the tree decides.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from asg_core.reports.config import ReportsConfig
from asg_core.reports.grammar.anaphora import chosen, linked
from asg_core.reports.grammar.claims import Claim
from asg_core.reports.grammar.headings import headed
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.parsers.parser import Span
from asg_core.reports.parsers.scispacy.claims import tree_claims
from asg_core.reports.parsers.scispacy.model import load_model
from asg_core.reports.parsers.scispacy.tree import Token
from asg_core.reports.text.abbreviations import defined_abbreviations


class ScispacyParser:
    """Reads sentences by the lexicon and by the trees of a spaCy model."""

    def __init__(self, lexicon: Lexicon, *, config: ReportsConfig) -> None:
        """Load the model.

        Raises:
            ValueError: If it is not there, cannot be loaded, or has no parser.
        """
        self._lexicon = lexicon
        self._config = config
        self._pipeline = load_model(config.scispacy.model)

    def read_report(
        self, study_id: str, text: str, sections: Sequence[Sequence[Span]]
    ) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence; see `ReportParser`."""
        sentences = [text[start:end] for spans in sections for start, end in spans]
        claims = self._claims(text, sentences)
        reads = linked(sections, claims, rules=self._lexicon.place_rules)
        return headed(text, sections, reads, lexicon=self._lexicon)

    def _claims(
        self, text: str, sentences: Sequence[str]
    ) -> Iterator[tuple[Claim, ...]]:
        """Yield the claims of each sentence, in order."""
        defined = None
        if self._config.abbreviations:
            defined = defined_abbreviations(self._lexicon.phrases, text) or None
        documents = self._pipeline.pipe(sentences)
        for sentence, document in zip(sentences, documents, strict=True):
            claims = tree_claims(
                self._lexicon,
                sentence,
                tokens_of(document),
                max_scope=self._config.max_scope_tokens,
                defined=defined,
            )
            yield chosen(claims, has_history=self._config.include_history)


def tokens_of(document: Any) -> list[Token]:  # noqa: ANN401 - spaCy is untyped here
    """Return the tree of a spaCy `Doc` as plain values; white space is no token."""
    kept = [token for token in document if not token.is_space]
    index_of = {token.i: index for index, token in enumerate(kept)}
    return [
        Token(
            text=token.text,
            start=token.idx,
            end=token.idx + len(token.text),
            # A token that hangs on white space is a root of its own.
            head=index_of.get(token.head.i, index),
            label=token.dep_,
        )
        for index, token in enumerate(kept)
    ]
