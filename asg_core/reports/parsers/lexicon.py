"""The parser `lexicon`: phrases, cues and clauses, one sentence at a time, no model."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from asg_core.reports.config import ReportsConfig
from asg_core.reports.grammar.anaphora import chosen, is_anaphoric, resolved
from asg_core.reports.grammar.claims import Claim
from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.files import shared_lexicon
from asg_core.reports.lexicon.phrases import Entry
from asg_core.reports.parsers.parser import Span
from asg_core.reports.text.abbreviations import defined_abbreviations

# Reports repeat themselves: half of all sentences have been read before. The limits
# keep the memory of a job flat, whatever it reads.
_CACHED_SENTENCES = 32_768
_CACHED_CHARS = 400


class LexiconParser:
    """Reads sentences by the lexicon in `lexicon/data/`."""

    def __init__(self, *, config: ReportsConfig) -> None:
        self._config = config

    def read_report(
        self,
        study_id: str,
        text: str,
        sections: Sequence[Sequence[Span]],
    ) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence; see `ReportParser`."""
        defined = None
        if self._config.abbreviations:
            defined = defined_abbreviations(shared_lexicon(), text) or None
        max_scope = self._config.max_scope_tokens
        has_history = self._config.include_history
        reads: list[tuple[Claim, ...]] = []
        for spans in sections:
            previous: tuple[int, tuple[Claim, ...]] | None = None
            for start, end in spans:
                if defined is None and end - start <= _CACHED_CHARS:
                    claims = _cached_read(text[start:end], max_scope, has_history)
                else:
                    claims = _read(text[start:end], max_scope, has_history, defined)
                if previous is not None and is_anaphoric(claims):
                    shift = previous[0] - start
                    claims = resolved(claims, previous[1], shift=shift)
                previous = (start, claims)
                reads.append(claims)
        return reads


def forget_sentences() -> None:
    """Empty the cache of sentences; for measurements."""
    _cached_read.cache_clear()


def _read(
    sentence: str,
    max_scope: int,
    has_history: bool,  # noqa: FBT001 - a cache key
    defined: Mapping[str, Entry] | None = None,
) -> tuple[Claim, ...]:
    claims = read_claims(
        shared_lexicon(), sentence, max_scope=max_scope, defined=defined
    )
    return chosen(claims, has_history=has_history)


_cached_read = lru_cache(maxsize=_CACHED_SENTENCES)(_read)
