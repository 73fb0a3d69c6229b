"""Find the abbreviations that a report defines itself: "air space disease (ASD)".

Known abbreviations are in the lexicon. scispaCy's detector (Schwartz and Hearst, 2003)
finds the others. Loading spaCy costs seconds, so it is loaded only for a report in which
something in brackets could be a definition and is used again.
"""

import re
import warnings
from collections import Counter
from functools import lru_cache
from typing import Any

from asg_core.reports.lexicon.phrases import Entry, Phrases, Words

# A word, and behind it a short form that starts with a capital.
_DEFINITION = re.compile(r"[A-Za-z][ \n]?\(([A-Z][A-Za-z]{1,7})\)")
_WORD = re.compile(r"\w+")
# The detector takes quadratic time in both.
_MAX_CHARS = 20_000
_MAX_BRACKETS = 100


def defined_abbreviations(phrases: Phrases, text: str) -> dict[str, Entry]:
    """Return what the abbreviations defined in `text` mean, keyed in lower case.

    Only those are kept whose long form ends in a finding or a place of the lexicon.
    Texts of more than 20,000 characters or 100 brackets are not searched.
    """
    if not 0 < text.count("(") <= _MAX_BRACKETS or len(text) > _MAX_CHARS:
        return {}
    if not _may_define(text):
        return {}
    meanings: dict[str, Entry] = {}
    for short, long in _detect(text):
        words = Words(long)
        matches = phrases.match(words)
        if not matches or matches[-1].last != len(words):
            continue
        entry = matches[-1].entry
        if entry.findings or entry.zone:
            meanings[short.lower()] = entry
    return meanings


def _may_define(text: str) -> bool:
    """Whether a short form in brackets follows words, and is used again."""
    shorts = _DEFINITION.findall(text)
    if not shorts:
        return False
    counts = Counter(_WORD.findall(text))
    return any(counts[short] > 1 for short in shorts)


def _detect(text: str) -> list[tuple[str, str]]:
    with warnings.catch_warnings():
        # "The matcher has no patterns": nothing was defined.
        warnings.filterwarnings("ignore", message=r"\[W036\]")
        document = _pipeline()(text)
    pairs = {(span.text, span._.long_form.text) for span in document._.abbreviations}
    return sorted(pairs)


@lru_cache(maxsize=1)
def _pipeline() -> Any:  # noqa: ANN401 - spaCy is untyped here
    import scispacy.abbreviation  # noqa: F401, PLC0415 - registers the component
    import spacy  # noqa: PLC0415

    pipeline = spacy.blank("en")
    pipeline.add_pipe("abbreviation_detector")
    return pipeline
