"""Contractions and answers of forms: the same claims however they are written."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.reports.grammar.claims import Claim
from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.parse import parse_reports

LEXICON = load_lexicon()
VERBS = [
    "is",
    "are",
    "was",
    "were",
    "do",
    "does",
    "did",
    "has",
    "have",
    "had",
    "could",
    "would",
    "should",
    "must",
    "can",
]
BEFORE = ["the heart ", "a small left effusion ", "edema, ", "lungs ", "there ", ""]
BEHIND = [
    *(" enlarged", " a nodule", " be excluded", " resolved", " been seen", " clear"),
    *(" exclude a mass", " show any effusion", " changed", ", right opacity", ""),
]
contracted = st.tuples(
    st.sampled_from(BEFORE), st.sampled_from(VERBS), st.sampled_from(BEHIND)
)


def said(claims: tuple[Claim, ...]) -> list[tuple[object, ...]]:
    return [
        (claim.finding, claim.regions, claim.existence, claim.context)
        for claim in claims
    ]


def read(text: str) -> tuple[Claim, ...]:
    return read_claims(LEXICON, text, max_scope=40)


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(contracted, min_size=1, max_size=3), mark=st.sampled_from("'\u2019`")
)
def test_a_contraction_claims_what_its_two_words_claim(
    parts: list[tuple[str, str, str]], mark: str
) -> None:
    long = "; ".join(f"{a}{'can' if v == 'can' else v} not{b}" for a, v, b in parts)
    short = "; ".join(f"{a}{'ca' if v == 'can' else v}n{mark}t{b}" for a, v, b in parts)
    long = long.replace("can not", "cannot")

    shorter = read(short)

    assert said(shorter) == said(read(long))
    for claim in shorter:
        for start, end in filter(None, [claim.span, claim.place, claim.cue]):
            assert 0 <= start < end <= len(short)
            assert short[start:end] == short[start:end].strip(" ,;")


LABELS = {"Effusion": "pleural effusion", "Edema": "edema", "Rib fracture": "fracture"}
LABELS |= {"Left upper lobe mass": "mass", "PTX": "pneumothorax"}
MARKS = [": {}", " - {}", "? {}.", " | {}", " ({})", " = {}"]
ANSWERS = {"none": "absent", "nil": "absent", "neg": "absent", "No": "absent"}
ANSWERS |= {"yes": "present", "Present": "present", "possible": "uncertain"}
pairs = st.lists(
    st.tuples(st.sampled_from(sorted(LABELS)), st.sampled_from(sorted(ANSWERS))),
    min_size=1,
    max_size=4,
    unique_by=lambda pair: pair[0],
)


@settings(max_examples=100, deadline=None)
@given(pairs=pairs, mark=st.sampled_from(MARKS), is_column=st.booleans())
def test_every_answer_acts_on_its_own_label(
    pairs: list[tuple[str, str]], mark: str, *, is_column: bool
) -> None:
    lines = [f"{label}{mark.format(answer)}" for label, answer in pairs]
    is_line = mark in (": {}", " = {}", " ({})", " - {}") and not is_column
    text = (", " if is_line else "\n").join(lines)

    parsed = parse_reports(pl.DataFrame({"study_id": ["s"], "text": [text]}))

    found = parsed.triplets.select(
        pl.col("finding", "existence").cast(pl.String), "finding_start", "finding_end"
    )
    assert {row[:2] for row in found.iter_rows()} == {
        (LABELS[label], ANSWERS[answer]) for label, answer in pairs
    }
    for _, _, start, end in found.iter_rows():
        assert text[start:end] in {"fracture", "mass", *LABELS}
    if not is_line:
        assert parsed.sentences["text"].to_list() == lines
