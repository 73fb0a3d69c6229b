"""Lines of BRAT files: what is read, and what is told of the others."""

import pytest

from asg_core.reports.parsers.brat.standoff import Marked, read_standoff

TEXT = "No effusion\nin the left lung."


def test_entities_have_their_attributes_and_relations() -> None:
    lines = (
        "R1\tlocated_at Arg1:T1 Arg2:T2\r",
        "T1\tProblem 3 11\teffusion\r",
        "T2\tAnatomy 19 28\tleft lung",
        "A1\tNegated T1",
        "A2\tAssertion T1 not present\r",
        "",
    )

    read = read_standoff("\n".join(lines), text=TEXT)

    assert read.entities == {
        "T1": Marked(
            label="Problem",
            span=(3, 11),
            attributes=[("Negated", ""), ("Assertion", "not present")],
            relations=[("located_at", "T2")],
        ),
        "T2": Marked(label="Anatomy", span=(19, 28)),
    }
    assert (read.broken, dict(read.unread)) == ([], {})


def test_words_over_a_line_end_and_in_pieces_are_one_stretch() -> None:
    lines = "T1\tProblem 3 14\teffusion in\nT2\tAnatomy 12 14;19 28\tin left lung"

    read = read_standoff(lines, text=TEXT)

    assert [one.span for one in read.entities.values()] == [(3, 14), (12, 28)]
    assert dict(read.unread) == {"entities in pieces, taken as one stretch": 1}


def test_kinds_of_lines_that_are_not_read_are_counted() -> None:
    lines = "E1\tEvent:T1\n*\tEquiv T1 T2\nN1\tReference T1 X:1\tx\n#1\tNote T1\ty\n#2\tN T1\tz"

    read = read_standoff(lines, text=TEXT)

    assert read.broken == []
    assert dict(read.unread) == {
        "events": 1,
        "equivalences": 1,
        "normalisations": 1,
        "notes": 2,
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("effusion", "an id that begins with T, R, A, M, E, N, * or #"),
        ("T1 Problem 3 11 effusion", "an id, a label with offsets, and words"),
        ("T1\tProblem 3\teffusion", "an id, a label with offsets, and words"),
        ("T1\tProblem 3 11", "an id, a label with offsets, and words"),
        (f"T1\tProblem 3 {'9' * 5000}\teffusion", "an id, a label with offsets"),
        ("T1\tProblem 11 3\teffusion", "rising offsets of at most 29, the length"),
        ("T1\tProblem 3 99\teffusion", "rising offsets of at most 29, the length"),
        ("T1\tProblem 19 28;3 11\tx", "rising offsets of at most 29, the length"),
        ("T1\tProblem 4 12\teffusion", "the words that stand at the offsets"),
        ("T1\tProblem 2 3\t ", "the words that stand at the offsets"),
        ("R1\tlocated_at T1 T2", "an id, and a relation of two entities or"),
        ("R1\tlocated_at Arg1:T1 Arg2:T9", "ids of entities that could be read"),
        ("A1\tNegated", "an id, and a relation of two entities or"),
        ("A1\tNegated T9", "ids of entities that could be read"),
    ],
)
def test_a_broken_line_is_told_with_its_number_and_without_words(
    line: str, expected: str
) -> None:
    read = read_standoff(f"\nT7\tProblem 3 11\teffusion\n{line}\n", text=TEXT)

    assert list(read.entities) == ["T7"]
    (told,) = read.broken
    assert told.startswith(f"line 3: expected {expected}")
    assert told.endswith(("found another.", "found something else."))
    assert "effusion" not in told


def test_a_repeated_id_is_told() -> None:
    line = "T1\tProblem 3 11\teffusion"

    read = read_standoff(f"{line}\n{line}", text=TEXT)

    assert read.broken == ["line 2: expected one entity T1, found something else."]
