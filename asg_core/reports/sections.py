"""Cut a report into its sections, by offsets.

Headers are what the official MIMIC-CXR section script takes for one, and what it misses:
headers in lower case, with digits, without the leading blank or the blank behind the
colon, on the first line, or in the middle of one. Unknown words before a colon ("NOTE:",
"LUNGS:") are text of their section, so nothing after them is lost.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

OTHER = "other"
PREAMBLE = "preamble"
UNLABELLED = "unlabelled"

# Canonical section -> the words of headers, as they are written or misspelt.
_HEADERS: dict[str, tuple[str, ...]] = {
    "findings": [
        "findings",
        "finding",
        "chest findings",
        "report",
        "results",
        "radiographic findings",
        "findings/impression",
        "findings and impression",
        "interpretation",
        "body",
    ],
    "impression": [
        "impression",
        "impressions",
        "conclusion",
        "conclusions",
        "opinion",
        "summary",
        "diagnosis",
        "impression/findings",
        "impression and recommendation",
        "imp",
        "final impression",
        "impression and recommendations",
        "assessment",
    ],
    "addendum": ("addendum", "addenda"),
    "wet_read": [
        "wet read",
        "wet reading",
        "preliminary report",
        "preliminary read",
        "preliminary",
        "pfi",
        "preliminary findings",
        "preliminary impression",
    ],
    "recommendation": ["recommendation", "recommendations", "recommendation(s)"],
    "indication": [
        "indication",
        "indications",
        "reason for exam",
        "reason for examination",
        "reason",
        "reason for study",
        "clinical indication",
        "clinical information",
        "clinical data",
        "clinical statement",
        "ndication",
        "indication for study",
        "clinical question",
    ],
    "history": [
        "history",
        "clinical history",
        "medical history",
        "clinical background",
        "patient history",
        "past medical history",
        "presenting history",
        "symptoms",
    ],
    "technique": [
        "technique",
        "techniques",
        "procedure",
        "views",
        "number of views",
        "protocol",
        "technical notes",
        "technical factors",
        "exposure",
        "dose",
        "radiation dose",
        "contrast",
    ],
    "comparison": [
        "comparison",
        "comparisons",
        "compared to",
        "comparison study",
        "comparison studies",
        "comparison exam",
        "prior studies",
        "prior study",
        "prior exam",
        "comparison date",
    ],
    "examination": [
        "examination",
        "exam",
        "study",
        "type of exam",
        "type of examination",
        "exam type",
        "examination type",
        "title",
        "exam date",
        "date",
        "date of exam",
        "date of service",
        "final report",
    ],
    "notification": [
        "notification",
        "notifications",
        "communication",
        "critical results",
        "critical result",
        "provisional findings impression",
        "attestation",
        "signed",
        "dictated by",
        "electronically signed by",
        "discussed with",
    ],
}
_NAMES = {name: section for section, names in _HEADERS.items() for name in names}
# A title of the examination heads the body of the report.
_TITLE = re.compile(
    r"\b(?:chest|portable|radiographs?|x-?ray|frontal|two views|2 views|pa and lateral|"
    r"ap and lateral|single view|one view|cxr)\b"
)
# Misspelt headers are looked up only when they are long enough to be no other word.
_MIN_TYPO = 7
_TYPO_CUTOFF = 0.86

_HEADER = re.compile(
    # At the start of a line: any words before a colon.
    r"(?m)^[^\S\n]*(?P<line>[A-Za-z][A-Za-z0-9 ()/,&.\-]{1,60}?)[^\S\n]*:"
    # In the middle of one: only the plain names, in capitals, behind a sentence.
    r"|(?<=[\s.;,])(?P<inline>FINDINGS?|IMPRESSIONS?|CONCLUSIONS?|INDICATIONS?|"
    r"CLINICAL HISTORY|HISTORY|TECHNIQUE|COMPARISONS?|RECOMMENDATIONS?|ADDENDUM|"
    r"NOTIFICATIONS?):"
    # A bare title line, and a line of underscores (three are a removed name).
    r"|(?m:^[^\S\n]*(?P<bare>FINAL REPORT|FINAL ADDENDUM|WET READ|ADDENDUM)"
    r"(?=[^\S\n]{2}|[^\S\n]*\r?$))"
    r"|(?m:^[^\S\n]*(?P<rule>_{6,})[^\S\n]*(?=\r?$))"
)
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_UNREAD_BEFORE_BODY = frozenset(
    {"indication", "history", "technique", "comparison", "examination"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section: its canonical name, its header and its text, as offsets.

    The header of a section without one is empty (`title_start == title_end`).
    """

    name: str
    title_start: int
    title_end: int
    start: int
    end: int


def split_sections(text: str) -> list[Section]:
    """Return the sections of a report in reading order, those without text left out.

    Names are "findings", "impression", "addendum", "wet_read", "recommendation",
    "indication", "history", "technique", "comparison", "examination", "notification",
    "preamble" (before the first header, when others have the findings) and
    "unlabelled". Several sections can share a name; none is dropped.

    "unlabelled" is a body without a header: the whole of a report without headers, and,
    when no section is called findings, what follows the first blank line of the last
    section that says nothing about the images (comparison, technique, ...).
    """
    sections = _headed(text)
    if not any(section.name == "findings" for section in sections):
        sections = _with_body(text, sections)
    return [
        section for section in sections if text[section.start : section.end].strip()
    ]


def _headed(text: str) -> list[Section]:
    """Return the sections between headers, empty ones too."""
    sections: list[Section] = []
    name, title = PREAMBLE, (0, 0)
    for found in _HEADER.finditer(text):
        header = _header_name(found)
        if header is None:
            continue
        sections.append(_section(name, title, end=found.start()))
        name, title = header, (found.start(), found.end())
    sections.append(_section(name, title, end=len(text)))
    return sections


def _section(name: str, title: tuple[int, int], *, end: int) -> Section:
    return Section(
        name=name, title_start=title[0], title_end=title[1], start=title[1], end=end
    )


def _header_name(found: re.Match[str]) -> str | None:
    if found["rule"]:
        return PREAMBLE
    if found["bare"]:
        bare = found["bare"].lower()
        return (
            PREAMBLE
            if bare == "final report"
            else _NAMES[bare.split()[-1]]
            if (bare != "wet read")
            else "wet_read"
        )
    return canonical_section(found["line"] or found["inline"])


@lru_cache(maxsize=4096)
def canonical_section(header: str) -> str | None:
    """Return the section that a header names; None if these words are no header."""
    name = " ".join(header.lower().split()).strip(" .-")
    if name in _NAMES:
        return _NAMES[name]
    if not header.isupper():
        return None
    for part in ("impression", "findings", "addendum", "wet read", "comparison"):
        if part in name:
            return part.replace(" ", "_")
    for part in ("history", "indication", "technique", "recommendation"):
        if part in name:
            return part
    if _TITLE.search(name):
        return "findings"
    if len(name) >= _MIN_TYPO:
        close = get_close_matches(name, _NAMES, n=1, cutoff=_TYPO_CUTOFF)
        if close:
            return _NAMES[close[0]]
    return None


def _with_body(text: str, sections: list[Section]) -> list[Section]:
    """Find the body of a report in which no section is called findings."""
    if len(sections) == 1:
        return [_renamed(sections[0])]
    last = max(
        (
            index
            for index, section in enumerate(sections)
            if section.name in _UNREAD_BEFORE_BODY
        ),
        default=None,
    )
    has_impression = any(section.name == "impression" for section in sections)
    result: list[Section] = []
    for index, section in enumerate(sections):
        blank = (
            _BLANK_LINE.search(text, section.start, section.end)
            if index == last
            else None
        )
        if blank is not None:
            result.append(_cut(section, at=blank.start()))
            result.append(
                _section(UNLABELLED, (blank.end(), blank.end()), end=section.end)
            )
        elif section.name == PREAMBLE and index and not has_impression:
            result.append(_renamed(section))
        else:
            result.append(section)
    return result


def _renamed(section: Section) -> Section:
    return _section(
        UNLABELLED, (section.title_start, section.title_end), end=section.end
    )


def _cut(section: Section, *, at: int) -> Section:
    return _section(section.name, (section.title_start, section.title_end), end=at)
