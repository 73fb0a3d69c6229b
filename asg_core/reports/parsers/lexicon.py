"""The parser `lexicon`: phrases, cues and clauses, one sentence at a time, no model."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from asg_core.reports.config import ReportsConfig
from asg_core.reports.grammar.anaphora import chosen, last_findings, linked
from asg_core.reports.grammar.claims import Claim
from asg_core.reports.grammar.headings import headed
from asg_core.reports.grammar.reader import read_open_claims
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.lexicon.phrases import Entry
from asg_core.reports.parsers.parser import Span
from asg_core.reports.text.abbreviations import defined_abbreviations

# Reports repeat themselves: half of all sentences have been read before. The limits
# keep the memory of a job flat, whatever it reads.
_CACHED_SENTENCES = 32_768
_CACHED_CHARS = 400


class LexiconParser:
    """Reads sentences by the files of a lexicon."""

    def __init__(self, lexicon: Lexicon, *, config: ReportsConfig) -> None:
        self._lexicon = lexicon
        self._config = config
        self._read_again = lru_cache(maxsize=_CACHED_SENTENCES)(self._read)

    def read_report(
        self,
        study_id: str,
        text: str,
        sections: Sequence[Sequence[Span]],
    ) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence; see `ReportParser`."""
        defined = None
        if self._config.abbreviations:
            defined = defined_abbreviations(self._lexicon.phrases, text) or None
        claims: list[tuple[Claim, ...]] = []
        for spans in sections:
            read: tuple[Claim, ...] = ()
            for start, end in spans:
                before = read
                sentence = text[start:end]
                read, is_open = (
                    self._read_again(sentence)
                    if defined is None and end - start <= _CACHED_CHARS
                    else self._read(sentence, defined)
                )
                if is_open and before:
                    meant = Entry(findings=last_findings(before))
                    read, _ = self._read(sentence, defined, meant)
                claims.append(read)
        reads = linked(sections, claims, rules=self._lexicon.place_rules)
        return headed(text, sections, reads, lexicon=self._lexicon)

    def _read(
        self,
        sentence: str,
        defined: Mapping[str, Entry] | None = None,
        antecedent: Entry | None = None,
    ) -> tuple[tuple[Claim, ...], bool]:
        claims, is_open = read_open_claims(
            self._lexicon,
            sentence,
            max_scope=self._config.max_scope_tokens,
            defined=defined,
            antecedent=antecedent,
        )
        return chosen(claims, has_history=self._config.include_history), is_open
