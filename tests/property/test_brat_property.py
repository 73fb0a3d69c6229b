"""No line of a BRAT file is dropped without a word, whatever it holds."""

from hypothesis import given
from hypothesis import strategies as st

from asg_core.reports.parsers.brat.standoff import read_standoff

TEXT = "No effusion in the left lung."
PIECES = "entities in pieces, taken as one stretch"

ids = st.sampled_from(
    ["T1", "T2", "T3", "R1", "A1", "M2", "E1", "*", "N1", "#1", "x", ""]
)
bodies = st.one_of(
    st.text(max_size=30),
    st.builds(
        "Problem {} {}\t{}".format,
        st.integers(0, 40),
        st.integers(0, 40),
        st.sampled_from(["effusion", "left lung", "No", ""]),
    ),
    st.sampled_from(
        [
            "Problem 3 11\teffusion",
            "Anatomy 19 23;24 28\tleft lung",
            "located_at Arg1:T1 Arg2:T2",
            "Negated T1",
            "Assertion T2 absent",
        ]
    ),
)
lines = st.builds("{}{}{}".format, ids, st.sampled_from(["\t", " ", ""]), bodies)


@given(st.lists(lines, max_size=12))
def test_every_line_is_read_counted_or_told(written: list[str]) -> None:
    annotations = "\n".join(written)

    read = read_standoff(annotations, text=TEXT)

    entities = read.entities.values()
    num_read = len(entities) + sum(
        len(entity.attributes) + len(entity.relations) for entity in entities
    )
    num_unread = read.unread.total() - read.unread[PIECES]
    num_lines = sum(bool(line.strip()) for line in annotations.split("\n"))
    assert num_read + num_unread + len(read.broken) == num_lines
    assert all(TEXT[slice(*entity.span)].strip() for entity in entities)
