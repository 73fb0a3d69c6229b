"""Two readings of the same reports: which claims are one, and how they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from asg_core.checking.compare import compare_triplets
from asg_core.tables.catalog import SENTENCES, TRIPLET_COMPARISONS, TRIPLETS

# Sentence 0 is 0-20 of the report, sentence 1 is 20-40; the run reads no further.
SECTION = [(0, 20), (20, 40)]
EFFUSION = "pleural effusion"
LEFT = ("left costophrenic angle",)
BOTH = ("right costophrenic angle", *LEFT)


def claim(
    start: int,
    existence: str = "present",
    regions: Sequence[str] = LEFT,
    *,
    finding: str = EFFUSION,
    context: str = "current",
    study: str = "s1",
    length: int = 8,
) -> list[Mapping[str, object]]:
    """Return the rows of one claim; the second's numbers of sentences are nonsense."""
    return [
        {
            "study_id": study,
            "sentence_index": 77,
            "region": region,
            "finding": finding,
            "existence": existence,
            "context": context,
            "finding_start": start,
            "finding_end": start + length,
            "parser": "fake",
        }
        for region in regions
    ]


def compare(
    own: Sequence[Sequence[Mapping[str, object]]],
    second: Sequence[Sequence[Mapping[str, object]]],
) -> list[dict[str, Any]]:
    sentences = [
        {
            "study_id": study,
            "sentence_index": index,
            "section": "findings",
            "start": start,
            "end": end,
            "text": "-" * (end - start),
        }
        for study in ("s1", "s2")
        for index, (start, end) in enumerate(SECTION)
    ]
    frames = [
        TRIPLETS.frame(row for rows in all_ for row in rows) for all_ in (own, second)
    ]
    found = compare_triplets(*frames, sentences=SENTENCES.frame(sentences))
    TRIPLET_COMPARISONS.check(found, where="test")
    return found.to_dicts()


@pytest.mark.parametrize(
    ("own", "second", "difference"),
    [
        (claim(2), claim(2), "none"),
        (claim(2), claim(5), "none"),
        (claim(2), claim(2, "absent"), "existence"),
        (claim(2), claim(2, "absent", BOTH), "existence"),
        (claim(2), claim(2, regions=BOTH), "side"),
        (claim(2), claim(2, regions=["unspecified"]), "side"),
        (claim(2), claim(2, regions=["right costophrenic angle"]), "side"),
        (claim(2), claim(2, regions=["left lung"]), "region"),
        (claim(2), claim(2, regions=["left lung"], context="comparison"), "region"),
        # The right atrium is a chamber of the heart, not the right one of two.
        (
            claim(2, regions=["svc"], finding="line"),
            claim(2, regions=["right atrium"], finding="line"),
            "region",
        ),
        (claim(2), claim(2, context="comparison"), "context"),
        (claim(2), [], "only_own"),
        ([], claim(2), "only_second"),
        ([], claim(44), "outside"),
    ],
)
def test_a_claim_has_the_first_difference_that_applies(
    own: list[Mapping[str, object]],
    second: list[Mapping[str, object]],
    difference: str,
) -> None:
    (row,) = compare([own], [second])

    assert row["difference"] == difference
    assert row["sentence_index"] == (None if difference == "outside" else 0)
    assert (row["own_start"] is None) == (own == [])
    assert (row["second_regions"] is None) == (second == [])


def test_a_row_says_what_both_claim_and_where() -> None:
    (row,) = compare([claim(22, regions=BOTH)], [claim(24, "uncertain", length=3)])

    assert row == {
        "study_id": "s1",
        "finding": EFFUSION,
        "claim_index": 0,
        "sentence_index": 1,
        "difference": "existence",
        "own_existence": "present",
        "own_context": "current",
        "own_regions": list(BOTH),
        "own_start": 22,
        "own_end": 30,
        "second_existence": "uncertain",
        "second_context": "current",
        "second_regions": list(LEFT),
        "second_start": 24,
        "second_end": 27,
    }


def differences(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, Any, str]]:
    return [(r["own_start"], r["second_start"], r["difference"]) for r in rows]


def test_words_that_overlap_are_paired_before_those_that_do_not() -> None:
    rows = compare([claim(0), claim(10)], [claim(11)])

    assert differences(rows) == [(0, None, "only_own"), (10, 11, "none")]
    assert [row["claim_index"] for row in rows] == [0, 1]


def test_of_overlapping_words_those_that_say_the_same_are_paired() -> None:
    rows = compare(
        [claim(2, "absent", BOTH), claim(2, "present")],
        [claim(2, "present"), claim(2, "absent")],
    )

    assert sorted(row["difference"] for row in rows) == ["none", "side"]


def test_words_apart_are_paired_in_turn_within_a_sentence_only() -> None:
    inside = compare(
        [claim(0, length=3), claim(6, length=3)],
        [claim(3, length=3), claim(9, length=3)],
    )
    across = compare([claim(0)], [claim(30)])

    assert differences(inside) == [(0, 3, "none"), (6, 9, "none")]
    assert differences(across) == [(0, None, "only_own"), (None, 30, "only_second")]


def test_studies_and_findings_are_never_mixed() -> None:
    rows = compare(
        [claim(2), claim(2, finding="edema")], [claim(2, study="s2"), claim(2)]
    )

    assert [(r["study_id"], r["finding"], r["difference"]) for r in rows] == [
        ("s1", EFFUSION, "none"),
        ("s1", "edema", "only_own"),
        ("s2", EFFUSION, "only_second"),
    ]


def test_nothing_compared_is_an_empty_table() -> None:
    assert compare([], []) == []


def test_swapped_parsers_differ_in_the_same_claims() -> None:
    left = [claim(2), claim(12, "absent"), claim(22, "uncertain", BOTH)]
    right = [claim(3, "absent"), claim(24), claim(31, finding="edema")]
    turned = {"only_own": "only_second", "only_second": "only_own"}

    there, back = compare(left, right), compare(right, left)

    assert sorted(row["difference"] for row in there) == sorted(
        turned.get(row["difference"], row["difference"]) for row in back
    )


def test_a_sentence_full_of_one_finding_is_compared() -> None:
    many = [claim(start, length=1) for start in range(20)]

    rows = compare(many, many[::-1])

    assert len(rows) == 20
    assert {row["difference"] for row in rows} == {"none"}
