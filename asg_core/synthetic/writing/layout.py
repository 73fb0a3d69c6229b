"""Sections and lines: where sentences stand in the text of a report.

The layout "mimic_cxr" is that of the MIMIC-CXR text files: every line starts with one
space and has at most 79 characters, headers are in capitals, "FINAL REPORT" comes first,
or a wet read or an addendum above a line of underscores. "plain" is one unwrapped
paragraph a section, as reports look in most tables.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from asg_core.synthetic.writing.radiologist import Reader
from asg_core.synthetic.writing.sentences import (
    ClaimSpans,
    Span,
    WrittenSentence,
    fill_words,
)
from asg_core.synthetic.writing.words import find_parts
from asg_core.terms.views import View

LINE_WIDTH = 79
_UNDERSCORES = " " + "_" * (LINE_WIDTH - 1)
_FINAL_REPORT = " " * 33 + "FINAL REPORT"
_BLANK = " "
_VIEWS_KEYS = {
    "PA AND LATERAL VIEWS": "two views",
    "PA VIEW": "one view",
    "PORTABLE AP VIEW": "portable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBody:
    """The sentences of a report that are read, by section; either may be missing."""

    findings: Sequence[WrittenSentence]
    impression: Sequence[WrittenSentence]
    has_headers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A sentence in the text; all spans are characters of the whole report."""

    section: str
    span: Span
    claims: tuple[ClaimSpans, ...]
    frame_id: str


@dataclass(slots=True)
class ReportPage:
    """A report under construction."""

    width: int
    """Characters of a line, its leading space included; 0: no wrapping, no space."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    placed: list[Placed] = field(default_factory=list)

    def add_line(self, line: str) -> None:
        """Append one line as it is."""
        self.parts.append(line + "\n")
        self.length += len(line) + 1

    def add_text(self, text: str) -> None:
        """Append text that is not read, wrapped."""
        self.add_paragraph((), section="", prefix=text)

    def add_paragraph(
        self,
        sentences: Sequence[WrittenSentence],
        *,
        section: str,
        prefix: str = "",
        gap: str = " ",
    ) -> None:
        """Append sentences as one wrapped paragraph, and remember where they are."""
        logical = prefix + gap.join(sentence.text for sentence in sentences)
        breaks = _find_breaks(logical, width=self.width - 1) if self.width else []
        indent = " " if self.width else ""
        start = len(prefix)
        for sentence in sentences:
            place = _Shift(base=self.length + len(indent), by=start, breaks=breaks)
            self.placed.append(
                Placed(
                    section=section,
                    span=place.move((0, len(sentence.text))),
                    claims=tuple(place.move_claim(claim) for claim in sentence.claims),
                    frame_id=sentence.frame_id,
                )
            )
            start += len(sentence.text) + len(gap)
        edges = [-1, *breaks, len(logical)]
        lines = [
            indent + logical[before + 1 : after] for before, after in pairwise(edges)
        ]
        self.add_line("\n".join(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shift:
    """Moves the spans of a sentence to the report."""

    base: int
    by: int
    breaks: Sequence[int]

    def move(self, span: Span) -> Span:
        start, end = (self._to_report(self.by + offset) for offset in span)
        return start, end

    def move_claim(self, claim: ClaimSpans) -> ClaimSpans:
        return ClaimSpans(
            statement=claim.statement,
            finding=self.move(claim.finding),
            place=self.move(claim.place) if claim.place else None,
            cue=self.move(claim.cue) if claim.cue else None,
        )

    def _to_report(self, offset: int) -> int:
        # Each break before it has put a line end and a space where one space was.
        return self.base + offset + bisect_left(self.breaks, offset)


def _find_breaks(text: str, *, width: int) -> list[int]:
    """Return the spaces at which a paragraph is cut into lines of at most `width`.

    Raises:
        ValueError: If a word is longer than a line.
    """
    breaks: list[int] = []
    start = 0
    while len(text) - start > width:
        at = text.rfind(" ", start, start + width + 1)
        if text[at + 1] == " ":
            # Not between two spaces: the next line would start with one of them.
            at = text.rfind(" ", start, at)
        if at <= start:
            raise ValueError(
                f"report layout: expected words of at most {width} characters, found "
                f"'{text[start : start + width]}...'; shorten it in wording/"
            )
        breaks.append(at)
        start = at + 1
    return breaks


def lay_out_plain(body: ReportBody, *, reader: Reader) -> ReportPage:
    """Return the report as one unwrapped paragraph a section."""
    page = ReportPage(width=0)
    for section, sentences in _sections(body):
        header = _pick_header(section, reader=reader).capitalize()
        prefix = f"{header}: " if body.has_headers else ""
        page.add_paragraph(sentences, section=section, prefix=prefix)
    return page


def lay_out_mimic(body: ReportBody, *, reader: Reader) -> ReportPage:
    """Return the report in the form of the MIMIC-CXR text files."""
    page = ReportPage(width=LINE_WIDTH)
    draws = reader.draws
    _add_preliminary(page, reader=reader)
    page.add_line(_FINAL_REPORT)
    gap = "  " if draws.chance(0.6) else " "
    if not body.has_headers:
        _add_headless(page, body, reader=reader, gap=gap)
        return page
    _add_preamble(page, reader=reader)
    if not body.findings and draws.chance(0.3):
        # An empty header, as when everything was dictated under the impression.
        page.add_line(" FINDINGS: " if draws.chance(0.7) else " FINDINGS:")
        page.add_line(_BLANK)
    for section, sentences in _sections(body):
        _add_section(page, section, sentences, reader=reader, gap=gap)
    if reader.active and draws.chance(0.1):
        text = fill_words(draws.pick(find_parts("notification")), memory=reader.memory)
        page.add_text(f"NOTIFICATION:  {text}")
    return page


def _sections(body: ReportBody) -> list[tuple[str, Sequence[WrittenSentence]]]:
    both = (("findings", body.findings), ("impression", body.impression))
    return [(section, sentences) for section, sentences in both if sentences]


def _add_preliminary(page: ReportPage, *, reader: Reader) -> None:
    """Sometimes put a wet read or an addendum above the report; neither is read."""
    draws = reader.draws
    draw = draws.number()
    if draw > 0.09:
        return
    kind = "wet read" if draw < 0.06 else "addendum"
    text = fill_words(draws.pick(find_parts(kind)), memory=reader.memory)
    hour = f"{draws.integer(1, 12)}:{draws.integer(10, 59)} PM"
    heads = {
        "wet read": f"WET READ: ___ ___ ___ {hour}",
        "addendum": "ADDENDUM",
    }
    page.add_line(f" {heads[kind]}")
    page.add_text(f" {text}")
    page.add_line(_UNDERSCORES)


def _add_headless(
    page: ReportPage, body: ReportBody, *, reader: Reader, gap: str
) -> None:
    """Write a report without headers: a first line on the study, then the text."""
    views = _views_word(reader)
    first = reader.draws.pick(
        (f"{views} OF THE CHEST, ___", f"{views} OF THE CHEST", "CHEST RADIOGRAPH ___")
    )
    page.add_text(first)
    page.add_line(_BLANK)
    for _, sentences in _sections(body):
        page.add_paragraph(sentences, section="findings", gap=gap)
        page.add_line(_BLANK)


def _add_preamble(page: ReportPage, *, reader: Reader) -> None:
    """Write the sections before the findings; a reader skips some of them."""
    draws = reader.draws
    views = _VIEWS_KEYS[_views_word(reader)]
    earlier = "earlier" if reader.study.has_earlier else "none"
    sections = (
        ("examination", f"examination text, {views}", 0.6),
        ("indication", "", 0.9),
        ("technique", f"technique text, {views}", 0.5),
        ("comparison", f"comparison text, {earlier}", 0.85),
    )
    # Older reports run their sections on without empty lines.
    has_blanks = draws.chance(0.8)
    for section, part, share in sections:
        if not draws.chance(share):
            continue
        if part:
            text = fill_words(draws.pick(find_parts(part)), memory=reader.memory)
        else:
            text = _write_indication(reader)
        header = draws.pick(find_parts(section))
        page.add_text(f"{header}:  {text}")
        if has_blanks:
            page.add_line(_BLANK)
    if not has_blanks:
        page.add_line(_BLANK)


def _write_indication(reader: Reader) -> str:
    draws = reader.draws
    patient, symptom, question = (
        fill_words(draws.pick(find_parts(part)), memory=reader.memory)
        for part in ("patient", "symptom", "question")
    )
    if draws.chance(0.45):
        return f"{patient} with {symptom} // {question}"
    if draws.chance(0.5):
        return f"{patient} with {symptom}."
    return f"{symptom[0].upper()}{symptom[1:]}, {question}."


def _add_section(
    page: ReportPage,
    section: str,
    sentences: Sequence[WrittenSentence],
    *,
    reader: Reader,
    gap: str,
) -> None:
    draws = reader.draws
    header = _pick_header(section, reader=reader)
    is_list = section == "impression" and len(sentences) > 1 and draws.chance(0.5)
    is_inline = draws.chance(0.45) and not is_list
    if is_inline:
        page.add_paragraph(sentences, section=section, prefix=f"{header}:  ", gap=gap)
        page.add_line(_BLANK)
        return
    page.add_line(f" {header}: ")
    if draws.chance(0.8):
        page.add_line(_BLANK)
    if is_list:
        for number, sentence in enumerate(sentences, start=1):
            page.add_paragraph([sentence], section=section, prefix=f"{number}. ")
    elif len(sentences) > 4 and draws.chance(0.2):
        half = len(sentences) // 2
        for part in (sentences[:half], sentences[half:]):
            page.add_paragraph(part, section=section, gap=gap)
            page.add_line(_BLANK)
        return
    else:
        page.add_paragraph(sentences, section=section, gap=gap)
    page.add_line(_BLANK)


def _pick_header(section: str, *, reader: Reader) -> str:
    header = reader.draws.pick(find_parts(section))
    return header.replace("{VIEWS}", _views_word(reader))


def _views_word(reader: Reader) -> str:
    if View.LATERAL in reader.study.views:
        return "PA AND LATERAL VIEWS"
    return "PA VIEW" if View.PA in reader.study.views else "PORTABLE AP VIEW"
