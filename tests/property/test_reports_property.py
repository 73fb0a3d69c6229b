"""Whatever the text: no exception, offsets into the original, one outcome a report."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from asg_core.reports.config import ReportsConfig, SectionName
from asg_core.reports.cues import existence_of
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.parse import DEFAULT_CONFIG, parse_reports
from asg_core.reports.text.sections import SectionCutter
from asg_core.reports.text.sentences import SentenceCutter
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS

LEXICON = load_lexicon()
SECTION_CUTTER = SectionCutter(LEXICON.headers)
SENTENCE_CUTTER = SentenceCutter(LEXICON.sentence_words)
PHRASES = [
    "FINDINGS: ",
    "IMPRESSION:",
    "WET READ:",
    "\n\n",
    "\n",
    "\r\n",
    ". ",
    ".",
    ", ",
    "; ",
    "no ",
    "left ",
    "right ",
    "both ",
    "base ",
    "lungs ",
    "heart ",
    "is ",
    "are ",
    "enlarged ",
    "normal ",
    "clear ",
    "opacity ",
    "effusion ",
    "pneumothorax ",
    "mass ",
    "and ",
    "or ",
    "with ",
    "but ",
    "may represent ",
    "has resolved ",
    "tip ",
    "catheter ",
    "in the ",
    "SVC ",
    "XXXX ",
    "___ ",
    "1. ",
    "2. ",
    "3.5 cm ",
    "unchanged ",
    "upper ",
    "lower ",
    "lobes ",
    "(",
    ") ",
    "/ ",
    "__________\n",
    "\u0130 ",
    "\xe9 ",
    "\U0001f642 ",
    "\x00 ",
    "this ",
    "ADDENDUM ",
    "calcified ",
    "rib ",
    "zones ",
    "history of ",
    "? ",
    "?",
    "air space disease (ASD) ",
    "ASD ",
    "Bilat. ",
    "at 5 p.m. ",
    "Dr. ",
    "INDICATION: ",
    "COMPARISON:\n",
    "clear of ",
    "pneumonia // ",
    "isn't ",
    "can\u2019t exclude ",
    "hasnt resolved ",
    "effusion: none ",
    "Pneumothorax? No. ",
    "\nHeart | enlarged\n",
    "[x] ",
    "\u2610 ",
    "(-) ",
    "(+), ",
    ": ",
    "|",
    # No text that a person types, but files hold it.
    "\ufeff",
    "\u202e\u05d0\u05d1 ",
    "e\u0301\u0328",
    "\u200b",
    "\u2028",
    "\x0c",
    "\x85",
    "\xa0",
    "\x1b[0m",
    "\ufffd",
    "\u4e0d\u660e\u786e\u3002",
    "Kein Erguss. ",
    "\U0001fac1" * 3,
    "x" * 3000,
    " " * 3000,
]
phrases = st.sampled_from(PHRASES)
texts = st.one_of(
    st.lists(phrases, max_size=40).map("".join),
    st.text(max_size=80),
    st.lists(phrases | st.text(max_size=5), max_size=20).map("".join),
    st.lists(
        phrases | st.characters(categories=["Cc", "Cf", "Mn", "Zs", "Zl", "So"])
    ).map("".join),
    st.binary(max_size=80).map(lambda data: data.decode("latin-1")),
)
SECTIONS = tuple(SectionName)
REASONS = {"empty_report", "no_usable_section", "binary_text", "language"}


def frame_of(texts: Sequence[str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"study_id": [f"s{index}" for index in range(len(texts))], "text": texts},
        schema={"study_id": pl.String, "text": pl.String},
    )


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(texts | st.none(), max_size=3),
    sections=st.sampled_from([DEFAULT_CONFIG.sections, SECTIONS]),
    has_history=st.booleans(),
)
def test_every_report_has_sentences_or_a_reject_and_true_offsets(
    texts: list[str | None], sections: tuple[SectionName, ...], *, has_history: bool
) -> None:
    reports = frame_of(texts)
    config = ReportsConfig(sections=sections, include_history=has_history)

    parsed = parse_reports(reports, config=config)

    SENTENCES.check(parsed.sentences, where="sentences")
    TRIPLETS.check(parsed.triplets, where="triplets")
    REJECTS.check(parsed.rejects, where="rejects")
    with_sentences = set(parsed.sentences["study_id"])
    rejected = set(parsed.rejects["item_id"])
    assert with_sentences | rejected == set(reports["study_id"])
    assert not with_sentences & rejected
    assert set(parsed.rejects["reason"]) <= REASONS
    assert set(parsed.sentences["section"]) <= {section.value for section in sections}
    text_of = dict(reports.iter_rows())
    bounds = {}
    for row in parsed.sentences.iter_rows(named=True):
        text = text_of[row["study_id"]]
        assert text[row["start"] : row["end"]] == row["text"] == row["text"].strip()
        assert any(character.isalnum() for character in row["text"])
        bounds[row["study_id"], row["sentence_index"]] = (row["start"], row["end"])
    for study_id, rows in parsed.sentences.group_by("study_id"):
        assert rows["sentence_index"].to_list() == list(range(len(rows))), study_id
    for row in parsed.triplets.iter_rows(named=True):
        start, end = bounds[row["study_id"], row["sentence_index"]]
        assert start <= row["finding_start"] < row["finding_end"] <= end
        if row["cue_start"] is not None:
            assert start <= row["cue_start"] < row["cue_end"] <= end
        if row["place_start"] is not None:
            assert 0 <= row["place_start"] < row["place_end"] <= end


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(texts | st.none(), min_size=2, max_size=3))
def test_a_report_is_read_as_if_it_were_alone(texts: list[str | None]) -> None:
    reports = frame_of(texts)

    together = parse_reports(reports)

    alone = [parse_reports(reports[index : index + 1]) for index in range(len(texts))]
    for table in ("sentences", "triplets", "rejects"):
        assert_frame_equal(
            getattr(together, table), pl.concat(getattr(one, table) for one in alone)
        )


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters() | st.characters(categories=["Cs"]), max_size=80))
def test_half_a_character_stops_nothing(text: str) -> None:
    # No table can hold a lone surrogate, but the functions below take any string.
    for section in SECTION_CUTTER.cut(text):
        SENTENCE_CUTTER.cut(text, section.start, section.end)
    Words(text)
    if text:
        existence_of(text, 0, len(text))


@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_sections_and_sentences_are_ordered_and_disjoint(text: str) -> None:
    sections = SECTION_CUTTER.cut(text)
    sentences = [
        span
        for section in sections
        for span in SENTENCE_CUTTER.cut(text, section.start, section.end)
    ]

    for spans in (
        [(section.title_start, section.end) for section in sections],
        sentences,
    ):
        edges = [edge for span in spans for edge in span]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(text) for edge in edges)
    assert all(text[start:end].strip() == text[start:end] for start, end in sentences)


@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_words_are_where_they_say(text: str) -> None:
    words = Words(text)

    assert all(a[1] <= b[0] for a, b in pairwise(words.spans))
    assert len(words) == len(words.written)
    for word, (start, end) in zip(words.written, words.spans, strict=True):
        for lowered, character in zip(word, text[start:end], strict=True):
            # A capital that lowers to two characters stays as it is; of several signs
            # for an apostrophe or a minus one is taken.
            assert lowered in (character, character.lower(), "'", "-")


@settings(max_examples=100, deadline=None)
@given(text=texts.filter(bool), data=st.data())
def test_any_span_has_an_existence(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))

    existence = existence_of(text, start, end)

    assert existence in (None, "present", "absent", "uncertain")


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(max_codepoint=127), max_size=80))
def test_words_of_ascii_are_found_as_those_of_any_text(text: str) -> None:
    # A letter beyond ASCII, set off by a mark, leads to the general pattern.
    general = Words(f"{text} ; \xe9")

    assert [*Words(text), ";", "\xe9"] == general
    assert Words(text).spans == general.spans[:-2]
