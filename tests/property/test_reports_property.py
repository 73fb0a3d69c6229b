"""Whatever the text: no exception, offsets into the original, one outcome a report."""

import time

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.reports.cues import existence_of
from asg_core.reports.lexicon import split_words
from asg_core.reports.parse import parse_reports
from asg_core.reports.sections import split_sections
from asg_core.reports.sentences import split_sentences
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS

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
]
texts = st.one_of(
    st.lists(st.sampled_from(PHRASES), max_size=40).map("".join),
    st.text(max_size=80),
    st.lists(st.sampled_from(PHRASES) | st.text(max_size=5), max_size=20).map("".join),
)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(texts, max_size=3))
def test_every_report_has_sentences_or_a_reject_and_true_offsets(
    texts: list[str],
) -> None:
    ids = [f"s{index}" for index in range(len(texts))]
    frame = pl.DataFrame({"study_id": ids, "text": texts}, schema=["study_id", "text"])

    parsed = parse_reports(frame.cast(pl.String))

    SENTENCES.check(parsed.sentences, where="sentences")
    TRIPLETS.check(parsed.triplets, where="triplets")
    REJECTS.check(parsed.rejects, where="rejects")
    with_sentences = set(parsed.sentences["study_id"])
    rejected = set(parsed.rejects["item_id"])
    assert with_sentences | rejected == set(ids)
    assert not with_sentences & rejected
    text_of = dict(zip(ids, texts, strict=True))
    for row in parsed.sentences.iter_rows(named=True):
        assert text_of[row["study_id"]][row["start"] : row["end"]] == row["text"]
    bounds = {
        (row["study_id"], row["sentence_index"]): (row["start"], row["end"])
        for row in parsed.sentences.iter_rows(named=True)
    }
    for row in parsed.triplets.iter_rows(named=True):
        start, end = bounds[row["study_id"], row["sentence_index"]]
        assert start <= row["finding_start"] < row["finding_end"] <= end
        if row["cue_start"] is not None:
            assert start <= row["cue_start"] < row["cue_end"] <= end
        if row["place_start"] is not None:
            assert 0 <= row["place_start"] < row["place_end"] <= end


@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_sections_and_sentences_are_ordered_and_disjoint(text: str) -> None:
    sections = split_sections(text)
    sentences = [
        span
        for section in sections
        for span in split_sentences(text, section.start, section.end)
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
    words = split_words(text)

    for word in words:
        original = text[word.start : word.end]
        assert len(original) == len(word.text)
        assert word.text in (original, original.lower())


@settings(max_examples=100, deadline=None)
@given(text=texts.filter(bool), data=st.data())
def test_any_span_has_an_existence(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))

    existence = existence_of(text, start, end)

    assert existence in (None, "present", "absent", "uncertain")


def test_time_grows_no_faster_than_the_text() -> None:
    pieces = (
        "no effusion and left opacity in the ",
        "heart ",
        ", ",
        "\n",
        " \n",
        "A:",
        "_",
        ".",
        " ",
        "1. ",
        "(a (ASD) ",
        "x",
        "\u0130",
    )

    for piece in pieces:
        seconds = [seconds_for(piece * (size // len(piece))) for size in (2**12, 2**15)]
        # Eight times the text; quadratic time would take sixty-four times as long.
        assert seconds[1] < 24 * max(seconds[0], 0.02), piece


def seconds_for(text: str) -> float:
    frame = pl.DataFrame({"study_id": ["s"], "text": ["FINDINGS: " + text]})
    start = time.process_time()
    parse_reports(frame)
    return time.process_time() - start
