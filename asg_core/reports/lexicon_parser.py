"""The parser `lexicon`: phrases, cues and clauses, one sentence at a time, no model."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from asg_core.reports.abbreviations import defined_abbreviations
from asg_core.reports.anaphora import chosen, is_anaphoric, resolved
from asg_core.reports.claims import Claim
from asg_core.reports.config import ReportsConfig
from asg_core.reports.lexicon import Entry
from asg_core.reports.lexicon_files import shared_lexicon
from asg_core.reports.parsers import Span
from asg_core.reports.reader import read_claims

# Reports repeat themselves: half of all sentences have been read before. The limits
# keep the memory of a job flat, whatever it reads.
_CACHED_SENTENCES = 32_768
_CACHED_CHARS = 400


class LexiconParser:
    """Reads sentences by the lexicon in `lexicon_data/`."""

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
        reads: list[tuple[Claim, ...]] = []
        for spans in sections:
            previous: tuple[int, tuple[Claim, ...]] | None = None
            for start, end in spans:
                claims = self._read_sentence(text[start:end], defined)
                if previous is not None and is_anaphoric(claims):
                    shift = previous[0] - start
                    claims = resolved(claims, previous[1], shift=shift)
                previous = (start, claims)
                reads.append(claims)
        return reads

    def _read_sentence(
        self, sentence: str, defined: Mapping[str, Entry] | None
    ) -> tuple[Claim, ...]:
        max_scope = self._config.max_scope_tokens
        has_history = self._config.include_history
        if defined is None and len(sentence) <= _CACHED_CHARS:
            return _cached_read(sentence, max_scope, has_history)
        claims = read_claims(
            shared_lexicon(), sentence, max_scope=max_scope, defined=defined
        )
        return chosen(claims, has_history=has_history)


def forget_sentences() -> None:
    """Empty the cache of sentences; for measurements."""
    _cached_read.cache_clear()


@lru_cache(maxsize=_CACHED_SENTENCES)
def _cached_read(
    sentence: str,
    max_scope: int,
    has_history: bool,  # noqa: FBT001 - a cache key
) -> tuple[Claim, ...]:
    claims = read_claims(shared_lexicon(), sentence, max_scope=max_scope)
    return chosen(claims, has_history=has_history)
