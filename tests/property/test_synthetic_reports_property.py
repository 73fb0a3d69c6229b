from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.synthetic.world.world import StudyPlan, plan_patient
from asg_core.synthetic.writing.report import WrittenReport, write_report

seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(["mimic_cxr", "plain"])


@st.composite
def studies(draw: st.DrawFn) -> StudyPlan:
    patient = plan_patient(
        draw(st.integers(0, 5000)),
        seed=draw(seeds),
        stream=draw(st.integers(0, 5)),
        lateral_share=0.5,
    )
    return draw(st.sampled_from(patient.studies))


@settings(max_examples=150, deadline=None)
@given(study=studies(), seed=seeds, layout=layouts)
def test_sentences_are_ordered_disjoint_and_quoted_from_the_text(
    study: StudyPlan, seed: int, layout: str
) -> None:
    report = write_report(study, layout=layout, rng=np.random.default_rng(seed))

    sentences: list[dict[str, Any]] = report.sentences
    spans = [(row["start"], row["end"]) for row in sentences]
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(start < end for start, end in spans)
    assert [row["sentence_index"] for row in sentences] == list(range(len(spans)))
    for row, (start, end) in zip(sentences, spans, strict=True):
        assert report.text[start:end] == row["text"]
        assert row["text"]


@settings(max_examples=150, deadline=None)
@given(study=studies(), seed=seeds, layout=layouts)
def test_every_span_of_a_claim_lies_in_its_sentence(
    study: StudyPlan, seed: int, layout: str
) -> None:
    report = write_report(study, layout=layout, rng=np.random.default_rng(seed))

    triplets: list[dict[str, Any]] = report.triplets
    sentences: list[dict[str, Any]] = report.sentences
    for row in triplets:
        sentence = sentences[row["sentence_index"]]
        low, high = sentence["start"], sentence["end"]
        for role in ("finding", "place", "cue"):
            start, end = row[f"{role}_start"], row[f"{role}_end"]
            assert (start is None) == (end is None)
            if start is None:
                assert role != "finding"
                continue
            assert low <= start < end <= high


@settings(max_examples=60, deadline=None)
@given(study=studies(), seed=seeds)
def test_a_claim_is_made_once_in_a_sentence(study: StudyPlan, seed: int) -> None:
    report = write_report(study, rng=np.random.default_rng(seed))

    keys = [
        (row["sentence_index"], row["region"], row["finding"], row["finding_start"])
        for row in report.triplets
    ]
    assert len(set(keys)) == len(keys)


@settings(max_examples=60, deadline=None)
@given(study=studies(), seed=seeds)
def test_the_layout_changes_lines_and_not_claims_in_kind(
    study: StudyPlan, seed: int
) -> None:
    first = write_report(study, rng=np.random.default_rng(seed))
    again = write_report(study, rng=np.random.default_rng(seed))

    plain = write_report(study, layout="plain", rng=np.random.default_rng(seed))

    def claims(report: WrittenReport) -> list[tuple[object, ...]]:
        return [
            (row["sentence_index"], row["finding"], row["region"], row["existence"])
            for row in report.triplets
        ]

    assert first == again
    assert claims(plain) == claims(first)
