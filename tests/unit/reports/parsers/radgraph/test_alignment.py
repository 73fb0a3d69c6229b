"""Tokens of a graph find their place in the original report."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asg_core.reports.parsers.parser import UnreadableReportError
from asg_core.reports.parsers.radgraph.graph import align

REPORT = (
    " FINAL REPORT\n INDICATION: cough.\n\n FINDINGS:  The left-sided effusion, 1.5 cm.\n"
    " No change.\n\n IMPRESSION: No change.  Clear.\n"
)
STARTS = [
    REPORT.index(words) for words in ("The left", "No change", "No change.  ", "Clear")
]
SENTENCES = [(start, REPORT.index(".", start) + 1) for start in STARTS]
SENTENCES[0] = (STARTS[0], REPORT.index("cm.") + 3)
SECTIONS = [SENTENCES[:2], SENTENCES[2:]]


def tokens_of(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]+", text)


def test_whole_report_and_sections_align() -> None:
    findings = REPORT[REPORT.index("The left") : REPORT.index("IMPRESSION")]
    impression = REPORT[REPORT.index("No change.  ") :]
    for graph in (REPORT, findings, impression, f"{findings} {impression}"):
        tokens = tokens_of(graph)
        spans = align(tokens, text=REPORT, sections=SECTIONS)
        assert [REPORT[start:end] for start, end in spans] == tokens


def test_fewest_gaps_win_over_the_first_place() -> None:
    tokens = tokens_of("No change. Clear.")

    spans = align(tokens, text=REPORT, sections=SECTIONS)

    assert spans[0][0] == REPORT.index("No change.  ")


def test_the_sections_that_are_read_win_over_other_ways() -> None:
    text = "FINDINGS: Clear.\nTECHNIQUE: No change.\nIMPRESSION: No change."
    spans = [
        (text.index("Clear"), text.index("Clear") + 6),
        (len(text) - 10, len(text)),
    ]

    found = align(
        ["Clear", ".", "No", "change", "."], text=text, sections=[[s] for s in spans]
    )

    assert [found[0][0], found[2][0]] == [start for start, _ in spans]


def test_texts_that_repeat_themselves_take_linear_time() -> None:
    line = "No change.\n"
    text = line * 20_000
    start = time.perf_counter()

    found = align(tokens_of(text), text=text, sections=[])
    with pytest.raises(UnreadableReportError):
        align(tokens_of(line * 10_000), text=text, sections=[])

    assert found[-1] == (len(text) - 2, len(text) - 1)
    assert time.perf_counter() - start < 10


def test_case_is_ignored() -> None:
    assert align(["clear", "."], text=REPORT, sections=SECTIONS)[0] == (
        REPORT.index("Clear"),
        REPORT.index("Clear") + 5,
    )


@pytest.mark.parametrize(
    "graph", ["edema .", "sided effusion", "Clear . No change .", "The"]
)
def test_other_words_do_not_align(graph: str) -> None:
    with pytest.raises(UnreadableReportError) as error:
        align(graph.split(), text=REPORT, sections=SECTIONS)

    assert error.value.reason == "graph_not_aligned"


@given(
    text=st.text(alphabet="aB\u0130.,:- \n\t\u00a0", min_size=1, max_size=80),
    data=st.data(),
)
def test_any_respacing_comes_back(text: str, data: st.DataObject) -> None:
    dense = "".join(text.split())
    cuts = data.draw(st.sets(st.integers(1, max(1, len(dense) - 1)), max_size=20))
    bounds = [0, *sorted(cut for cut in cuts if cut < len(dense)), len(dense)]
    tokens = [dense[a:b] for a, b in pairwise(bounds) if b > a]

    spans = align(tokens, text=text, sections=[])

    assert ["".join(text[start:end].split()) for start, end in spans] == tokens
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
