"""Read a folder of lexicon files into one value, which is handed down to the parsers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from asg_core.reports.lexicon.entries import read_entries
from asg_core.reports.lexicon.phrases import Phrases
from asg_core.reports.lexicon.rules import (
    Kinds,
    ObservationRule,
    PlaceRule,
    Statements,
    read_kinds,
    read_observations,
    read_place_rules,
    read_statements,
)
from asg_core.reports.lexicon.spellings import read_spellings
from asg_core.reports.lexicon.text_words import (
    Answers,
    Headers,
    ScopeWords,
    SentenceWords,
    read_answers,
    read_glue,
    read_headers,
    read_languages,
    read_scope_words,
    read_sentence_words,
)

SHIPPED = Path(__file__).parent / "data"
"""The files that ship with the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """All that the files of a lexicon say."""

    phrases: Phrases
    statements: Statements
    place_rules: Mapping[str, PlaceRule]
    kinds: Kinds
    glue: Mapping[str, str | None]
    scope: ScopeWords
    headers: Headers
    sentence_words: SentenceWords
    languages: Mapping[str, frozenset[str]]
    answers: Answers
    observations: tuple[ObservationRule, ...]


def load_lexicon(folder: Path | None = None) -> Lexicon:
    """Return the lexicon of a folder, with the shipped file where it has none.

    Args:
        folder: One's own files, named and laid out as those that ship with the package;
            None: the shipped lexicon, which is read once per process.

    Raises:
        ValueError: If the folder is missing or has no such file, and with file and line,
            where an entry does not fit.
    """
    if folder is None:
        return _shipped()
    known = {path.name for path in SHIPPED.iterdir()}
    found = {path.name for path in folder.glob("*.tsv")}
    if not found or not found <= known:
        odd = ", ".join(sorted(found - known)) or "none"
        raise ValueError(
            f"{folder}: expected a folder with some of {', '.join(sorted(known))}, found "
            f"{odd}. Name the folder of your own files, or null for the shipped ones."
        )
    return _read(folder)


@lru_cache(maxsize=1)
def _shipped() -> Lexicon:
    return _read(SHIPPED)


def _read(folder: Path) -> Lexicon:
    def path_of(name: str) -> Path:
        own = folder / name
        return own if own.exists() else SHIPPED / name

    answers = read_answers(path_of("answers.tsv"))
    return Lexicon(
        phrases=Phrases(
            read_entries(path_of), spellings=read_spellings(path_of("spellings.tsv"))
        ),
        statements=read_statements(path_of("statements.tsv")),
        place_rules=read_place_rules(path_of("finding_places.tsv")),
        kinds=read_kinds(path_of("finding_kinds.tsv")),
        glue=read_glue(path_of("glue.tsv")),
        scope=read_scope_words(path_of("scope.tsv")),
        headers=read_headers(path_of("sections.tsv")),
        sentence_words=read_sentence_words(path_of("sentences.tsv"), answers=answers),
        languages=read_languages(path_of("languages.tsv")),
        answers=answers,
        observations=read_observations(path_of("radgraph_rules.tsv")),
    )
