"""Cut a report into its sections, by offsets.

A header is what the official MIMIC-CXR section script takes for one, and what it misses:
headers in any case, with digits, without the leading blank or the blank behind the
colon, on the first line or in the middle of one; behind a bullet, a number or a bracket;
with a dash, or with nothing but the end of its line, for the colon. Other words before a
colon ("NOTE:", "LUNGS:") are text of their section, so nothing behind them is lost.

The less a header looks like one, the less it may do: "findings:" after a word opens what
is read, but only one that starts a line or a sentence ends what is read.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from asg_core.reports.lexicon.text_words import Headers
from asg_core.reports.text.body import (
    BEFORE_BODY,
    PREAMBLE,
    UNLABELLED,
    Section,
    with_body,
    with_last_body,
)

_NEVER_READ = BEFORE_BODY | {"notification"}
_READ_ALONE = frozenset(
    {"findings", "impression", "addendum", "wet_read", PREAMBLE, UNLABELLED}
)
_READ_OR_REQUEST = _READ_ALONE | {"indication", "history"}
# Misspelt headers are looked up only when they are too long to be another word.
_MIN_TYPO_CHARS = 7
_TYPO_CUTOFF = 0.86
_CACHED_HEADERS = 4096
# What stands before a header on its line: bullets, rules, brackets, a number.
_DECORATION = (
    r"[^\S\n]*+(?:[-*#>\u2022\u00b7\u2013\u2014=~+\[({<|\u00ab\u3010\"']"
    r"[-*#>\u2022\u00b7\u2013\u2014=~+\[({<|\u00ab\u3010\"' \t]{0,40}"
    r"|_{1,2}(?=[A-Za-z])|(?:\d{1,2}|[A-Ha-h]|[IVXivx]{1,4})[.)][ \t]*)?"
)
_CLOSERS = r"[\])}>*_#=|~\u00bb\u3011\"']"
_DASH = (
    r"[ \t]+[-\u2013\u2014]+>?|-{2,}>?|[\u2013\u2014]+"
    r"|-(?:>|(?=[ \t])|(?=[A-Z][a-z]))|[ \t]*\|"
)
_ON = (
    r"(?:is|are|was|were|be|been|has|have|had|may|might|could|can|will|of|for|to|with|and"
    r"|or|in|on|as|from|at|by|that|which|remains?|made|taken|consistent|compatible"
    r"|concerning|suspicious|suggest\w*|discussed|above|below|unchanged|pending)\b"
)
# A header alone on its line, in brackets, or set off by a dash, dots or blanks.
_TITLE = (
    rf"(?P<title>TITLES)(?:(?P<alone>[^\S\n]*{_CLOSERS}{{0,40}}[^\S\n]*\r?$)"
    rf"|(?P<closed>[\])}}>|\u00bb\u3011]+)|(?P<dash>{_DASH})"
    r"|(?P<dots>[.;]+(?=\s)|[ \t]?=+>?)|(?P<blanks>(?=[ \t]{2}|\t))"
    # A blank, and no word that goes on from the header as from any noun.
    rf"|(?P<blank>(?=[ \t](?!(?i:{_ON}))[A-Za-z0-9])))"
)
# What starts a line: any words before a colon; a title; or a line of underscores, which
# ends what stands above (three are a removed name). The first branch that fits wins.
_ON_LINE = (
    rf"{_DECORATION}(?:(?P<words>[A-Za-z][A-Za-z0-9 ()/,&.\-]{{1,60}}+)"
    rf"{_CLOSERS}{{0,3}}[^\S\n]*[:\uff1a]|{_TITLE}"
    r"|(?P<rule>_{6,})(?=[^\S\n]*\r?$))"
)
_BEFORE_INLINE = frozenset(".;,>|*)]\"'")
_STOPS = frozenset(".;,:!?)]}>|*_-\"'\u2013\u2014\u2022")
_MAX_INLINE_CHARS = 48
_MAX_INLINE_WORDS = 4
_HEADER_WORD = re.compile(r"[A-Za-z][A-Za-z&/-]*")
# "LEFT LUNG FINDINGS" is the heading of a side.
_OF_SIDE = re.compile(r"(?:left|right)\s+(?:lung|chest|pulmonary)\s+\Z", re.IGNORECASE)
_BRACKETED = re.compile(r"\s*[(\[][^()\[\]]*[)\]]?\s*\Z")


class _Header(NamedTuple):
    """A header that was found."""

    start: int
    end: int
    section: str
    is_lower: bool = False
    is_weak: bool = False
    """It could be a word of the text as well: it never ends what is read."""
    is_wrapped: bool = False
    """It could be the last word of a wrapped line, unless the report has such headers."""


class SectionCutter:
    """Cuts reports into sections by the headers of a lexicon."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._inline = frozenset(headers.inline)
        self._max_typo = max(map(len, headers.whole), default=0)
        titles = {**headers.whole, **headers.titles}
        on_line = _ON_LINE.replace("TITLES", any_title := _any_case(titles))
        self._title = re.compile(
            _DECORATION + _TITLE.replace("TITLES", any_title), re.MULTILINE
        )
        # Two patterns, as one that starts with a line feed is found ten times faster.
        # The first line can start with a byte order mark.
        self._first_line = re.compile(r"\ufeff?" + on_line, re.MULTILINE)
        self._later_line = re.compile(r"\n" + on_line, re.MULTILINE)
        names = [*map(str.upper, headers.inline), *map(_capitalised, headers.inline)]
        self._without_colon = re.compile(
            rf"(?P<title>{_any_of(names)})(?:(?P<dash>{_DASH})"
            r"|(?P<dots>\.(?=\s)|[ \t]?=+>?)"
            rf"|(?P<blank>[ \t]+(?!(?i:{_ON}))(?=[A-Z](?:[a-z]|\s)|\d{{1,2}}[.)])))"
        )
        self.section_of = lru_cache(maxsize=_CACHED_HEADERS)(self._section_of)
        """The section that a header names; None if these words are no header."""
        self._inline_of = lru_cache(maxsize=_CACHED_HEADERS)(self._section_within)

    def cut(self, text: str) -> list[Section]:
        """Return the sections of a report in reading order, those without text left out.

        Names are those of `sections.tsv`, "preamble" (text above the first
        header, or between a line of underscores and the next header) and "unlabelled".
        Several sections can share a name; none is dropped.

        "unlabelled" is a body without a header, which only a report can have in which no
        section is called findings: its preamble, and what follows the first blank line of
        the last section before the impression that says nothing about the images
        (comparison, technique, ...). A report without headers is unlabelled as a whole.
        Where nothing at all would be read, the body follows the line, or the sentence,
        that names the examination, the technique or the lack of a comparison.
        """
        sections = self._headed_sections(text)
        for section in sections:
            if section.name == "findings":
                return sections
        sections = with_body(text, sections)
        for section in sections:
            if section.name in _READ_ALONE:
                return sections
        return with_last_body(text, sections)

    def _section_of(self, header: str) -> str | None:
        header = header.strip(" \t-.")
        if "(" not in header:
            header = header.rstrip(")")
        name = " ".join(header.lower().split())
        section = self._section_named(name)
        if section is not None:
            return section
        if header.isupper():
            for part, section in self._headers.parts:
                if part in name:
                    return None if name.startswith(("left ", "right ")) else section
        elif self._is_exam(name):
            return "findings"
        elif " " in name or not header[:1].isupper():
            return None
        if _MIN_TYPO_CHARS <= len(name) <= self._max_typo + _MIN_TYPO_CHARS:
            whole = self._headers.whole
            for close in get_close_matches(name, whole, n=1, cutoff=_TYPO_CUTOFF):
                return whole[close]
        return None

    def _section_named(self, name: str) -> str | None:
        """Return the section of a whole header, with words before it or a remark."""
        whole = self._headers.whole
        if name in whole:
            return whole[name]
        name = _BRACKETED.sub("", name)
        words = name.split()
        while words:
            section = whole.get(" ".join(words))
            if section is not None:
                return section
            if words[0] not in self._headers.modifiers:
                return None
            del words[0]
        return None

    def _section_within(self, name: str) -> str | None:
        words = name.split()
        while words and " ".join(words) not in self._inline:
            if words[0] not in self._headers.modifiers:
                return None
            del words[0]
        return self._headers.whole.get(" ".join(words)) if words else None

    def _is_exam(self, name: str) -> bool:
        """Whether a header is the title of the examination: "Chest X-ray, 2 views"."""
        words = name.replace(",", " ").replace("(", " ").replace(")", " ").split()
        return (
            len(words) > 1
            and self._headers.exam.issuperset(words)
            and any(part in name for part, _ in self._headers.parts)
        )

    def _headed_sections(self, text: str) -> list[Section]:
        """Return the sections between headers, those without text left out."""
        sections: list[Section] = []
        name, title_start, title_end = PREAMBLE, 0, 0
        has_lower = False
        for header in (*self._found(text), _Header(len(text), len(text), "")):
            start = header.start
            if start < title_end:
                continue
            body = text[title_end:start]
            is_empty = not body or body.isspace()
            if header.is_wrapped and not has_lower:
                continue
            if header.is_weak and not is_empty:
                if header.section in _NEVER_READ and name not in _NEVER_READ:
                    continue
            elif header.section == PREAMBLE and is_empty and text[start] == "_":
                continue  # a line that is drawn under a header
            if not is_empty:
                sections.append(Section(name, title_start, title_end, title_end, start))
            name, title_start, title_end = header.section, start, header.end
            has_lower = has_lower or header.is_lower
        return sections

    def _found(self, text: str) -> list[_Header]:
        """Return all headers in order; they can overlap."""
        first = self._first_line.match(text)
        headers = [] if first is None else self._on_line(text, first, start=0)
        for found in self._later_line.finditer(text):
            headers += self._on_line(text, found, start=found.start() + 1)
        inline = list(self._set_off(text))
        explained = {
            header.end - 1 for header in headers if text[header.end - 1] == ":"
        }
        if text.count(":") > len(explained):
            inline += self._before_colons(text, explained)
        return sorted([*headers, *inline]) if inline else headers

    def _on_line(self, text: str, found: re.Match[str], *, start: int) -> list[_Header]:
        """Return the header that starts a line, if it is one."""
        if found["rule"] is not None:
            return [_Header(start, found.end(), PREAMBLE)]
        if (words := found["words"]) is not None:
            section = self.section_of(words)
            if section is not None:
                is_lower = words[0].islower()
                is_weak = is_lower and not _starts_anew(text, start)
                return [_Header(start, found.end(), section, is_lower, is_weak)]
            again = self._title.match(text, start)  # "FINDINGS - Lungs: clear"
            if again is None:
                return []
            found = again
        title = found["title"]
        section = self._titled(title)
        if section is None or not self._is_title(text, found, start=start):
            return []
        is_lower = title[0].islower()
        is_wrapped = is_lower and not _starts_anew(text, start)
        # "History pneumonia" could go on as a sentence does.
        is_weak = found["blank"] is not None and text[found.end() + 1].islower()
        if is_weak and not title.isupper() and section not in _READ_OR_REQUEST:
            return []
        is_weak = is_weak and not title.isupper()
        return [_Header(start, found.end(), section, is_lower, is_weak, is_wrapped)]

    def _titled(self, title: str) -> str | None:
        name = " ".join(title.lower().split())
        return self._headers.titles.get(name) or self._headers.whole.get(name)

    def _is_title(self, text: str, found: re.Match[str], *, start: int) -> bool:
        """Whether a header without a colon is one, by what stands around it."""
        title = found["title"]
        if title[0].islower():
            return found["alone"] is not None or (
                found["dash"] is not None and _starts_anew(text, start)
            )
        if found["closed"] is not None:
            return bool(text[start : found.start("title")].strip())
        if found["dots"] is found["blank"] is None:
            return True
        return " ".join(title.lower().split()) in self._inline

    def _before_colons(self, text: str, explained: set[int]) -> Iterator[_Header]:
        """Yield the headers within a line that end in a colon."""
        colon = text.find(":")
        while colon >= 0:
            if colon not in explained and colon:
                low = max(0, colon - _MAX_INLINE_CHARS)
                words = [*_HEADER_WORD.finditer(text, low, colon)]
                for word in words[-_MAX_INLINE_WORDS:]:
                    header = self._inline_header(text, word.start(), colon)
                    if header is not None:
                        yield header
                        break
            colon = text.find(":", colon + 1)

    def _inline_header(self, text: str, start: int, colon: int) -> _Header | None:
        words = text[start:colon].rstrip(" \t*_)]\"'")
        section = self._inline_of(" ".join(words.lower().split()))
        if section is None:
            return None
        before = text[start - 1 : start]
        if before and not before.isspace() and before not in _BEFORE_INLINE:
            return None
        name = start + words.rfind(" ") + 1
        if _OF_SIDE.search(text[max(0, name - 20) : name]):
            return None
        is_lower = words[0].islower()
        if words.isupper() or (
            _starts_anew(text, start)
            and text[max(0, start - 80) : start].rstrip()[-1:] != ":"
        ):
            return _Header(start, colon + 1, section, is_lower)
        last = text[max(0, start - 20) : start].split()
        if words.split()[0].lower() in self._headers.modifiers or (
            last and last[-1].lower() in self._headers.modifiers
        ):
            return None  # "prior CT findings: ..."
        is_weak = is_lower or section not in ("history", "indication")
        return _Header(start, colon + 1, section, is_lower, is_weak)

    def _set_off(self, text: str) -> Iterator[_Header]:
        """Yield the headers within a line that have no colon: "clear. IMPRESSION - fine"."""
        for found in self._without_colon.finditer(text):
            start, title = found.start(), found["title"]
            if found["blank"] is not None and not title.isupper():
                continue
            if text[start - 1 : start].isalnum():
                continue
            if (
                text[found.end() - 1] == "|"
                and text[max(0, start - 9) : start].rstrip()[-1:] == "|"
            ):
                continue  # a cell of a table
            is_apart = False
            if start and not _starts_anew(text, start):
                last = text[max(0, start - 20) : start].split()
                is_apart = found["dash"] is not None and title.isupper()
                if found["dots"] is not None or not last:
                    continue
                if not is_apart and (found["dash"] or last[-1].isupper()):
                    continue
            section = self.section_of(title)
            if section is not None:
                after = text[found.end() : found.end() + 2]
                is_weak = is_apart or (found["blank"] is not None and after.isupper())
                yield _Header(start, found.end(), section, is_weak=is_weak)


def _starts_anew(text: str, start: int) -> bool:
    """Whether a line or sentence starts here: behind a stop, a blank line or nothing."""
    before = text[max(0, start - 80) : start]
    rest = before.rstrip()
    return not rest or rest[-1] in _STOPS or before.count("\n", len(rest)) > 1


def _capitalised(header: str) -> str:
    return header[:1].upper() + header[1:]


def _any_case(headers: Iterable[str]) -> str:
    """Return a pattern of these headers in any case, the longest first."""
    by_first: dict[str, list[str]] = {}
    for header in sorted(headers, key=len, reverse=True):
        pattern = re.escape(header[1:]).replace(r"\ ", r"[ \t]+")
        by_first.setdefault(header[0], []).append(pattern)
    return (
        "|".join(
            rf"[{re.escape(first.upper())}{re.escape(first)}](?i:{'|'.join(rest)})"
            for first, rest in by_first.items()
        )
        or "(?!)"
    )


def _any_of(headers: Iterable[str]) -> str:
    """Return a pattern of these headers, the longest first, grouped by how they begin.

    At most places it then fails after one or two letters.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for header in sorted(headers, key=len, reverse=True):
        groups.setdefault((header[:1], header[1:2]), []).append(re.escape(header[2:]))
    seconds: dict[str, list[str]] = {}
    for (first, second), rest in groups.items():
        branch = f"{re.escape(second)}(?:{'|'.join(rest)})"
        seconds.setdefault(re.escape(first), []).append(branch)
    firsts = [f"{first}(?:{'|'.join(rest)})" for first, rest in seconds.items()]
    return "|".join(firsts) or "(?!)"
