"""Cut a report into its sections, by offsets.

A header is what the official MIMIC-CXR section script takes for one, and what it misses:
headers in lower case, with digits, without the leading blank or the blank behind the
colon, on the first line, or in the middle of one. Other words before a colon ("NOTE:",
"LUNGS:") are text of their section, so nothing behind them is lost.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

from asg_core.reports.lexicon.text_words import Headers

PREAMBLE = "preamble"
UNLABELLED = "unlabelled"
# Sections that can run on, without a header, into the body of the report.
_BEFORE_BODY = frozenset(
    {"indication", "history", "technique", "comparison", "examination"}
)
# Misspelt headers are looked up only when they are too long to be another word.
_MIN_TYPO_CHARS = 7
_TYPO_CUTOFF = 0.86
_CACHED_HEADERS = 4096
# What starts a line. The first branch that fits wins.
_ON_LINE = (
    # Any words before a colon.
    r"[^\S\n]*(?:(?P<words>[A-Za-z][A-Za-z0-9 ()/,&.\-]{1,60}?)[^\S\n]*:"
    # Titles without a colon, alone on their line or set off by blanks.
    r"|(?P<title>TITLES)(?=[^\S\n]{2}|[^\S\n]*\r?$)"
    # A line of underscores ends what stands above; three are a removed name.
    r"|(?P<rule>_{6,})(?=[^\S\n]*\r?$))"
)
_BEFORE_INLINE = frozenset(".;,")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


@dataclass(slots=True)  # frozen, or made by keywords, it would cost twice as much
class Section:
    """One section: its canonical name, its header and its text, as offsets.

    The header of a section without one is empty (`title_start == title_end`).
    """

    name: str
    title_start: int
    title_end: int
    start: int
    end: int


class SectionCutter:
    """Cuts reports into sections by the headers of a lexicon."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._titles = {
            title.upper(): section for title, section in headers.titles.items()
        }
        on_line = _ON_LINE.replace("TITLES", _any_of(headers.titles))
        # Two patterns, as one that starts with a line feed is found ten times faster.
        # The first line can start with a byte order mark.
        self._first_line = re.compile(r"\ufeff?" + on_line, re.MULTILINE)
        self._later_line = re.compile(r"\n" + on_line, re.MULTILINE)
        self._inline = re.compile(rf"(?P<words>{_any_of(headers.inline)}):")
        self.section_of = lru_cache(maxsize=_CACHED_HEADERS)(self._section_of)
        """The section that a header names; None if these words are no header."""

    def cut(self, text: str) -> list[Section]:
        """Return the sections of a report in reading order, those without text left out.

        Names are those of `sections.tsv`, "preamble" (text above the first
        header, or between a line of underscores and the next header) and "unlabelled".
        Several sections can share a name; none is dropped.

        "unlabelled" is a body without a header, which only a report can have in which no
        section is called findings: its preamble, and what follows the first blank line of
        the last section before the impression that says nothing about the images
        (comparison, technique, ...). A report without headers is unlabelled as a whole.
        """
        sections = self._headed_sections(text)
        for section in sections:
            if section.name == "findings":
                return sections
        return _with_body(text, sections)

    def _section_of(self, header: str) -> str | None:
        whole = self._headers.whole
        name = " ".join(header.lower().split())
        if header[:1].isupper() and name in whole:
            return whole[name]
        if not header.isupper():
            return None
        for part, section in self._headers.parts:
            if part in name:
                return section
        close: list[str] = []
        if len(name) >= _MIN_TYPO_CHARS:
            close = get_close_matches(name, whole, n=1, cutoff=_TYPO_CUTOFF)
        return whole[close[0]] if close else None

    def _headed_sections(self, text: str) -> list[Section]:
        """Return the sections between headers, those without text left out."""
        sections: list[Section] = []
        name, title_start, title_end = PREAMBLE, 0, 0
        for start, end, header in (*self._found(text), (len(text), len(text), "")):
            if start < title_end:
                continue
            body = text[title_end:start]
            if body and not body.isspace():
                sections.append(Section(name, title_start, title_end, title_end, start))
            name, title_start, title_end = header, start, end
        return sections

    def _found(self, text: str) -> list[tuple[int, int, str]]:
        """Return start, end and section of all headers, in order; they can overlap."""
        first = self._first_line.match(text)
        starting = [] if first is None else [(0, first.end(), self._name_of(first))]
        starting += [
            (found.start() + 1, found.end(), self._name_of(found))
            for found in self._later_line.finditer(text)
        ]
        headers = [
            (start, end, name) for start, end, name in starting if name is not None
        ]
        if text.count(":") == sum(text[end - 1] == ":" for _, end, _ in headers):
            return headers  # no colon is left that could end another one
        for found in self._inline.finditer(text):
            before = text[found.start() - 1 : found.start()]
            if before.isspace() or before in _BEFORE_INLINE:
                name = self.section_of(found["words"])
                if name is not None:
                    headers.append((*found.span(), name))
        return sorted(headers)

    def _name_of(self, found: re.Match[str]) -> str | None:
        if found["words"] is not None:
            return self.section_of(found["words"])
        if found["rule"] is not None:
            return PREAMBLE
        return self._titles[found["title"]]


def _any_of(headers: Iterable[str]) -> str:
    """Return a pattern of these headers in capitals, which never fits if there are none."""
    return "|".join(re.escape(header.upper()) for header in headers) or "(?!)"


def _with_body(text: str, sections: list[Section]) -> list[Section]:
    """Mark the body of a report in which no section is called findings."""
    names = [section.name for section in sections]
    limit = names.index("impression") if "impression" in names else len(names)
    last = max(
        (index for index in range(limit) if names[index] in _BEFORE_BODY), default=-1
    )
    result: list[Section] = []
    for index, section in enumerate(sections):
        if section.name == PREAMBLE:
            result.append(replace(section, name=UNLABELLED))
        elif index == last:
            result.extend(_cut_at_blank_line(text, section))
        else:
            result.append(section)
    return result


def _cut_at_blank_line(text: str, section: Section) -> list[Section]:
    blank = None
    for blank in _BLANK_LINE.finditer(text, section.start, section.end):
        if text[section.start : blank.start()].strip():
            break
    if blank is None or not text[blank.end() : section.end].strip():
        return [section]
    begin = blank.end()
    body = Section(UNLABELLED, begin, begin, begin, section.end)
    return [replace(section, end=blank.start()), body]
