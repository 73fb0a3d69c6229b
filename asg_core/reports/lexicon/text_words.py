"""Read the words by which a text is cut: into sections, sentences, clauses and groups.

They stand in `sections.tsv`, `sentences.tsv`, `glue.tsv`, `scope.tsv` and
`languages.tsv`, and the answers of forms in `answers.tsv`. A line that does not fit
raises ValueError with file and line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from asg_core.reports.config import SectionName
from asg_core.reports.lexicon.files import read_rows
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.lexicon.zones import PAIRED

_UNREAD = ("indication", "history", "technique", "comparison", "examination")
SECTIONS = {*SectionName, *_UNREAD, "notification", "preamble"} - {"unlabelled"}
"""What a header can open; a text without a header is "unlabelled"."""
_MATCHES = ("whole", "part", "title", "inline", "modifier", "exam")
_WORDS = ("modifier", "exam")
"""Matches of single words, which name no section."""
_WORD_KINDS = ("abbreviation", "time", "opener")
_ANSWERS = ("no", "yes", "unsure", "open", "filler")
_OPENER = (r"[A-Z][A-Za-z]*", "a capitalised word")
LOOK_BACK = 12
"""How many characters before a full stop are looked at; no abbreviation is longer."""
_ABBREVIATION = (
    rf"(?=.{{1,{LOOK_BACK}}}\Z)[A-Za-z]+(\.[A-Za-z]+)*",
    f"at most {LOOK_BACK} letters and full stops, without the last full stop",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The headers of reports, in lower case, with the sections that they open."""

    whole: Mapping[str, str]
    parts: tuple[tuple[str, str], ...]
    """Words that make a section of any header in capitals that holds them, in order."""
    titles: Mapping[str, str]
    """Headers that are known by their line alone and never by a colon."""
    inline: tuple[str, ...]
    """Headers that are known within a line."""
    modifiers: frozenset[str] = frozenset()
    """Words that can stand before a whole header."""
    exam: frozenset[str] = frozenset()
    """Words that titles of the examination are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceWords:
    """The words at which a full stop, or its lack, is not what it seems."""

    abbreviations: frozenset[str]
    """They end in a full stop that ends no sentence; here without it, in lower case."""
    times: tuple[str, ...]
    """Those of them behind which an opener begins a sentence."""
    openers: tuple[str, ...]
    """Capitalised words that begin a sentence even where the full stop is missing."""
    answers: tuple[str, ...]
    """What answers a question in the same sentence: "Pneumothorax? No."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the answers of a form say."""

    phrases: Mapping[tuple[str, ...], str]
    """The words of an answer -> "no", "yes", "unsure" or "open"."""
    fillers: frozenset[str]
    """Words that may stand behind an answer and change nothing."""
    longest: int
    """How many words the longest answer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeWords:
    """Words that decide how far a denial reaches; `scope.tsv` says what each set does."""

    known: frozenset[str]
    size: frozenset[str]
    trait: frozenset[str]
    sign: frozenset[str]
    change: frozenset[str]


def read_headers(path: Path) -> Headers:
    """Return the headers that a file lists."""
    rows = read_rows(path, columns=("header", "section", "match", "reason"))
    found: dict[str, list[tuple[str, str]]] = {match: [] for match in _MATCHES}
    for row in rows:
        for match in row["match"].split("+"):
            row.expect(match, _MATCHES, "a match")
            allowed = {"-"} if match in _WORDS else SECTIONS
            row.expect(row["section"], allowed, "a section")
            for header in row.phrases("header") if match in _WORDS else [row["header"]]:
                found[match].append((header.lower(), row["section"]))
    whole = dict(found["whole"])
    return Headers(
        whole=whole,
        parts=tuple(found["part"]),
        titles=dict(found["title"]),
        inline=tuple(header for header, _ in found["inline"]),
        modifiers=frozenset(word for word, _ in found["modifier"]),
        exam=frozenset(word for word, _ in found["exam"]),
    )


def read_answers(path: Path) -> Answers:
    """Return the answers that a file lists."""
    phrases: dict[tuple[str, ...], str] = {}
    fillers: set[str] = set()
    for row in read_rows(path, columns=("phrase", "answer", "reason")):
        row.expect(row["answer"], _ANSWERS, "an answer")
        for spelling in row.phrases("phrase"):
            words = tuple(Words(spelling))
            if not words:
                raise row.error("words", f"none in an alternative of '{row['phrase']}'")
            if row["answer"] == "filler":
                fillers.update(words)
            elif phrases.setdefault(words, row["answer"]) != row["answer"]:
                raise row.error(f"one meaning of '{' '.join(words)}'", "a second one")
    return Answers(
        phrases=phrases,
        fillers=frozenset(fillers),
        longest=max(map(len, phrases), default=0),
    )


def read_sentence_words(path: Path, *, answers: Answers) -> SentenceWords:
    """Return the abbreviations, times and openers that a file lists, and the answers."""
    found: dict[str, list[str]] = {kind: [] for kind in _WORD_KINDS}
    for row in read_rows(path, columns=("word", "kind", "reason")):
        row.expect(row["kind"], _WORD_KINDS, "a kind")
        for word in row.phrases("word"):
            pattern, expected = _OPENER if row["kind"] == "opener" else _ABBREVIATION
            if not re.fullmatch(pattern, word):
                raise row.error(expected, f"'{word}'")
            found[row["kind"]].append(word)
    times = tuple(word.lower() for word in found["time"])
    abbreviations = frozenset(word.lower() for word in found["abbreviation"])
    return SentenceWords(
        abbreviations=abbreviations.union(times),
        times=times,
        openers=tuple(found["opener"]),
        answers=tuple(
            " ".join(words)
            for words in answers.phrases
            if all(word.isalnum() for word in words)
        ),
    )


def read_languages(path: Path) -> dict[str, frozenset[str]]:
    """Return the function words of languages; the first is that of the lexicon."""
    words: dict[str, frozenset[str]] = {}
    for row in read_rows(path, columns=("language", "words", "reason")):
        for word in row.listed("words"):
            if not word.isalpha() or word != word.lower():
                raise row.error("words in lower case", f"'{word}'")
        language = row["language"]
        words[language] = words.get(language, frozenset()).union(row.listed("words"))
    if not words:
        raise ValueError(
            f"{path}: expected the language of the lexicon, found no line. Name it, with "
            "the words that make a text one of it, or take the file away."
        )
    return words


def read_glue(path: Path) -> dict[str, str | None]:
    """Return the words that may stand between place words, each with its zone or None.

    The "upper" of "upper and lower lobes" is a zone whose noun comes later.
    """
    glue: dict[str, str | None] = {}
    for row in read_rows(path, columns=("word", "zone", "reason")):
        row.expect(row["zone"], {*PAIRED, "-"}, "a zone")
        for word in row.phrases("word"):
            if not word.isalpha():
                raise row.error("single words", f"'{word}'")
            glue[word.lower()] = None if row["zone"] == "-" else row["zone"]
    return glue


def read_scope_words(path: Path) -> ScopeWords:
    """Return the words that decide how far a denial reaches."""
    kinds = [field.name for field in fields(ScopeWords)]
    found: dict[str, set[str]] = {kind: set() for kind in kinds}
    for row in read_rows(path, columns=("word", "kind", "reason")):
        row.expect(row["kind"], kinds, "a kind")
        for word in row.phrases("word"):
            if not word.isalpha():
                raise row.error("single words", f"'{word}'")
            found[row["kind"]].add(word.lower())
    return ScopeWords(**{kind: frozenset(words) for kind, words in found.items()})
