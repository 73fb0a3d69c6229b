"""The sections of a report, and the body of one in which no header says where it begins."""

import re
from dataclasses import dataclass, replace

PREAMBLE = "preamble"
UNLABELLED = "unlabelled"
# Sections that can run on, without a header, into the body of the report.
BEFORE_BODY = frozenset(
    {"indication", "history", "technique", "comparison", "examination"}
)
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
# The title of an examination ends with its line, or with its first sentence.
_TITLE_END = re.compile(r"\n|(?<=[^\s.])\.(?=\s+[A-Z])")
_NO_COMPARISON = re.compile(r"\s*(?:none|no|not|n/?a|nil)\b[^.\n]{0,60}(?:\.|\n)", re.I)


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


def with_body(text: str, sections: list[Section]) -> list[Section]:
    """Mark the body of a report in which no section is called findings."""
    names = [section.name for section in sections]
    limit = names.index("impression") if "impression" in names else len(names)
    last = max(
        (index for index in range(limit) if names[index] in BEFORE_BODY), default=-1
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


def with_last_body(text: str, sections: list[Section]) -> list[Section]:
    """Cut the last section of a report of which nothing would be read."""
    if not sections:
        return sections
    last = sections[-1]
    if last.name in ("examination", "technique"):
        found = _TITLE_END.search(text, _first_word(text, last), last.end)
    elif last.name == "comparison":
        found = _NO_COMPARISON.match(text, last.start, last.end)
    else:
        found = None
    if found is None or not text[found.end() : last.end].strip():
        return sections
    begin = found.end()
    body = Section(UNLABELLED, begin, begin, begin, last.end)
    return [*sections[:-1], replace(last, end=begin), body]


def _first_word(text: str, section: Section) -> int:
    start = section.start
    while start < section.end and text[start].isspace():
        start += 1
    return start
