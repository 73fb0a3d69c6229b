"""However a header is written: the claims of the plain report, at true offsets."""

import html
from collections.abc import Callable

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.reports.parse import ParsedReports, parse_reports
from asg_core.reports.text.markup import without_markup

Style = Callable[[str, str], str]
"""Writes one section from its header and its text."""

UNREAD = {
    "Indication": ["Fever, pneumonia.", "Known effusion. Rule out pneumothorax."],
    "Clinical history": ["Lung mass with atelectasis.", "Rib fracture last year."],
    "Comparison": ["Film of May with edema.", "None."],
    "Technique": ["PA and lateral.", "Portable, supine."],
}
READ = {
    "Findings": [
        "Small left effusion. No pneumothorax.",
        "The lungs are clear.\nThe heart is enlarged.",
        "Right basal atelectasis and a rib fracture.",
        "Tip of the left PICC in the SVC. No edema or consolidation.",
    ],
    "Impression": [
        "No pneumonia.",
        "Left effusion, unchanged.",
        "Stable cardiomegaly.",
    ],
}
LINES: list[Style] = [
    lambda header, text: f"{header}: {text}\n",
    lambda header, text: f"{header}:{text}\n",
    lambda header, text: f"{header} : {text}\n",
    lambda header, text: f"{header.upper()}:\n{text}\n\n",
    lambda header, text: f"{header.lower()}: {text}\n",
    lambda header, text: f"{header}\n{text}\n",
    lambda header, text: f"{header.upper()}\r\n{text}\r\n",
    lambda header, text: f"{header.lower()}\n{text}\n\n",
    lambda header, text: f"{header} - {text}\n",
    lambda header, text: f"{header.upper()} \u2013 {text}\n",
    lambda header, text: f"{header.upper()}--{text}\n",
    lambda header, text: f"{header} | {text}\n",
    lambda header, text: f"{header}\t{text}\n",
    lambda header, text: f"{header.upper()} {text}\n",
    lambda header, text: f"- {header}: {text}\n",
    lambda header, text: f"\u2022 {header}\n{text}\n",
    lambda header, text: f"2. {header}: {text}\n",
    lambda header, text: f"[{header}] {text}\n",
    lambda header, text: f"({header.upper()}): {text}\n",
    lambda header, text: f"=== {header} ===\n{text}\n",
    lambda header, text: f"{header.upper()}\n{'_' * 20}\n{text}\n\n",
    lambda header, text: f"# {header}\n{text}\n",
    lambda header, text: f"## {header} ##\n\n{text}\n\n",
    lambda header, text: f"**{header}:** {text}\n\n",
    lambda header, text: f"**{header.upper()}**\n{text}\n",
    lambda header, text: f"__{header}__: {text}\n",
    lambda header, text: f"<b>{header}:</b> {html.escape(text)}<br>",
    lambda header, text: f"<h2>{header}</h2><p>{html.escape(text)}</p>",
    lambda header, text: f"<p><strong>{header.upper()}</strong>&nbsp;: {text}</p>",
]
IN_A_LINE: list[Style] = [
    lambda header, text: f"{header}: {text} ",
    lambda header, text: f"{header.lower()}: {text} ",
    lambda header, text: f"{header.upper()}: {text} ",
    lambda header, text: f"{header} - {text} ",
    lambda header, text: f"{header.upper()} {text} ",
    lambda header, text: f"**{header}:** {text} ",
]


@st.composite
def sections(draw: st.DrawFn) -> list[tuple[str, str]]:
    unread = draw(st.lists(st.sampled_from(sorted(UNREAD)), max_size=3, unique=True))
    read = draw(st.lists(st.sampled_from(sorted(READ)), min_size=1, max_size=3))
    # The history can stand at the end, and findings can come twice.
    names = draw(st.permutations([*unread, *read]))
    texts = UNREAD | READ
    return [(name, draw(st.sampled_from(texts[name]))) for name in names]


def parsed(text: str) -> ParsedReports:
    return parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]}))


def claims(found: ParsedReports, text: str) -> list[tuple[object, ...]]:
    plain = without_markup(text)
    rows = found.triplets.sort("sentence_index", "finding_start", "region")
    names = ("finding", "region", "existence", "context")
    return [
        (
            *(row[name] for name in names),
            plain[row["finding_start"] : row["finding_end"]],
        )
        for row in rows.iter_rows(named=True)
    ]


def check(report: list[tuple[str, str]], style: Style) -> None:
    plain = "".join(f"{name.upper()}: {words}\n" for name, words in report)
    text = "".join(style(name, words) for name, words in report)

    found = parsed(text)

    assert claims(found, text) == claims(parsed(plain), plain)
    assert found.rejects.is_empty()
    for row in found.sentences.iter_rows(named=True):
        assert text[row["start"] : row["end"]] == row["text"]


@settings(max_examples=300, deadline=None)
@given(report=sections(), style=st.sampled_from(LINES))
def test_a_header_on_a_line_claims_what_a_plain_one_does(
    report: list[tuple[str, str]], style: Style
) -> None:
    check(report, style)


@settings(max_examples=150, deadline=None)
@given(report=sections(), style=st.sampled_from(IN_A_LINE))
def test_a_header_within_a_line_claims_what_a_plain_one_does(
    report: list[tuple[str, str]], style: Style
) -> None:
    check([(name, " ".join(words.split())) for name, words in report], style)


@settings(max_examples=100, deadline=None)
@given(report=sections(), styles=st.lists(st.sampled_from(LINES), min_size=6))
def test_the_headers_of_a_report_need_not_be_alike(
    report: list[tuple[str, str]], styles: list[Style]
) -> None:
    written = iter(styles)
    first = next(written)

    def style(header: str, text: str) -> str:
        return next(written, first)(header, text)

    check(report, style)


@settings(max_examples=300, deadline=None)
@given(text=st.text("<>/br p*_#&;nbsp\n aB:", max_size=60))
def test_marks_keep_the_length(text: str) -> None:
    assert len(without_markup(text)) == len(text)
