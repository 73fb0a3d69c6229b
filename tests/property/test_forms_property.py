"""Contractions and answers of forms: the same claims however they are written."""

from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.reports.grammar.claims import Claim
from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon

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
