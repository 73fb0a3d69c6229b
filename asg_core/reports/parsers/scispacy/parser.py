"""The parser `scispacy`: the lexicon's phrases, connected by a dependency parser.

Sentences are ours: each one is parsed as a text of its own, and where the model sees
several sentences in it their trees stand side by side. See
`asg_core.reports.parsers.scispacy.claims` for what the tree decides.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from asg_core.reports.config import ReportsConfig
from asg_core.reports.grammar.anaphora import chosen, is_anaphoric, resolved
from asg_core.reports.grammar.claims import Claim
from asg_core.reports.lexicon.files import shared_lexicon
from asg_core.reports.parsers.parser import Span
from asg_core.reports.parsers.scispacy.claims import tree_claims
from asg_core.reports.parsers.scispacy.model import load_model
from asg_core.reports.parsers.scispacy.tree import Token
from asg_core.reports.text.abbreviations import defined_abbreviations


class ScispacyParser:
    """Reads sentences by the lexicon and by the trees of a spaCy model."""

    def __init__(self, *, config: ReportsConfig) -> None:
        """Load the model.

        Raises:
            ValueError: If it is not there, cannot be loaded, or has no parser.
        """
        self._config = config
        self._pipeline = load_model(config.scispacy.model)

    def read_report(
        self, study_id: str, text: str, sections: Sequence[Sequence[Span]]
    ) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence; see `ReportParser`."""
        found = self._claims(text, [span for spans in sections for span in spans])
        reads: list[tuple[Claim, ...]] = []
        for spans in sections:
            previous: tuple[int, tuple[Claim, ...]] | None = None
            for start, _ in spans:
                claims = next(found)
                if previous is not None and is_anaphoric(claims):
                    shift = previous[0] - start
                    claims = resolved(claims, previous[1], shift=shift)
                previous = (start, claims)
                reads.append(claims)
        return reads

    def _claims(self, text: str, spans: Sequence[Span]) -> Iterator[tuple[Claim, ...]]:
        """Yield the claims of each sentence, in order."""
        defined = None
        if self._config.abbreviations:
            defined = defined_abbreviations(shared_lexicon(), text) or None
        sentences = [text[start:end] for start, end in spans]
        documents = self._pipeline.pipe(sentences)
        for sentence, document in zip(sentences, documents, strict=True):
            claims = tree_claims(
                shared_lexicon(),
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
