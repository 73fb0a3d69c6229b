import csv
import io
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.checking.marks import ELEMENTS, read_filled_sheet
from asg_core.checking.score import score_sheet, wilson_interval
from asg_core.checking.spreadsheet import (
    SheetError,
    guard,
    printable,
    read_sheet,
    sheet_bytes,
    unguard,
)
from support.marked_sheet import marked, save, sheet_content

Result = TypeVar("Result")

# What formulas begin with, and what programs turn into numbers and dates.
risky = st.sampled_from(
    ["=", "+", "-", "@", "\t", "\r", "\uff1d", "'", "1", " =", "\n@"]
)
texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
hostile = st.builds(str.__add__, risky, texts) | texts


@given(text=hostile)
def test_a_guarded_cell_is_no_formula_and_no_number_and_can_be_read_back(
    text: str,
) -> None:
    cell = guard(text)

    assert unguard(cell) == text
    assert cell.lstrip()[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20")
    assert not cell.lstrip()[:1].isdigit()
    assert cell[:1] not in ("\t", "\r", "\n")


@given(
    rows=st.lists(
        st.fixed_dictionaries({"a": hostile, "b": hostile, "n": st.integers(0, 10**9)}),
        max_size=5,
    )
)
def test_what_is_written_is_read_back(rows: list[dict[str, str | int]]) -> None:
    content = sheet_bytes(rows, columns=("a", "n", "b"))

    back = read_sheet(content, columns=("a", "b", "n"), where="x")

    assert [{"a": row["a"], "b": row["b"], "n": int(row["n"])} for row in back] == rows
    assert [row.number for row in back] == list(range(2, len(rows) + 2))


@given(rows=st.lists(st.fixed_dictionaries({"a": hostile, "b": hostile}), max_size=4))
def test_no_cell_of_a_file_begins_like_a_formula(rows: list[dict[str, str]]) -> None:
    text = sheet_bytes(rows, columns=("a", "b")).decode("utf-8-sig")

    for record in csv.reader(io.StringIO(text, newline="")):
        for cell in record:
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@given(text=texts)
def test_a_printable_text_is_one_line(text: str) -> None:
    shown = printable(text)

    assert shown.splitlines() in ([], [shown])
    assert shown == shown.strip()


def outcome(read: Callable[[], Result]) -> Result | str:
    """Return what was read, or the message of the error."""
    try:
        return read()
    except SheetError as error:
        return str(error)


@given(content=st.binary(max_size=300) | texts.map(str.encode))
def test_any_file_is_a_sheet_or_an_error_that_names_it(content: bytes) -> None:
    rows = outcome(lambda: read_sheet(content, columns=("a",), where="file.csv"))

    if isinstance(rows, str):
        assert rows.startswith("file.csv")
    else:
        assert all(set(row.cells) == {"a"} for row in rows)


@given(
    cells=st.dictionaries(
        st.sampled_from(["verdict", "true_finding", "study", "kind", "start"]), hostile
    )
)
def test_any_mark_is_understood_or_named(
    cells: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = save(marked({1: cells}), tmp_path_factory.mktemp("sheet") / "filled.csv")

    sheet = outcome(lambda: read_filled_sheet(path))

    if isinstance(sheet, str):
        assert "row 2" in sheet
    else:
        assert len(sheet.claims) <= 1


verdicts = st.sampled_from(["", "y", "s", "n", "f", "r", "e", "fr", "re", "fre"])


@settings(max_examples=30, deadline=None)
@given(
    proposed=st.tuples(*[verdicts] * 4),
    closed=st.tuples(*[st.sampled_from(["", "y"])] * 3),
    has_miss=st.booleans(),
)
def test_scores_are_shares_inside_their_intervals(
    proposed: tuple[str, ...],
    closed: tuple[str, ...],
    has_miss: bool,  # noqa: FBT001
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    marks = {
        number: {"verdict": verdict}
        for number, verdict in zip(
            (1, 2, 3, 7, 6, 11, 15), proposed + closed, strict=True
        )
    }
    if has_miss:
        marks[8] = dict(
            zip(
                (f"true_{one}" for one in ELEMENTS), ("mass", "spine", "a"), strict=True
            )
        )
    path = tmp_path_factory.mktemp("sheet") / "filled.csv"

    scores = score_sheet(read_filled_sheet(save(marked(marks), path)), seed=0)

    for row in scores.iter_rows(named=True):
        for low, value, high in (
            ("ci_low", "value", "ci_high"),
            ("corpus_low", "corpus_value", "corpus_high"),
        ):
            if row[value] is None:
                assert row[low] is row[high] is None
            elif row[low] is not None and row["metric"] != "f1":
                assert 0 <= row[low] <= row[value] + 1e-12
                assert row[value] <= row[high] + 1e-12 <= 1 + 1e-9
    by_key = {
        (row["element"], row["metric"]): row["value"]
        for row in scores.filter(target="all").iter_rows(named=True)
    }
    for element in ELEMENTS:
        for metric in ("precision", "recall"):
            if by_key[element, metric] is not None:
                assert by_key["joint", metric] <= by_key[element, metric]


@given(items=st.integers(1, 10_000), share=st.floats(0, 1))
def test_an_interval_holds_its_share(items: int, share: float) -> None:
    low, high = wilson_interval(share * items, items)

    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1


def test_the_sheet_of_the_properties_has_seven_rows_to_mark() -> None:
    kinds = [
        row["kind"] for row in read_sheet(sheet_content(), columns=("kind",), where="x")
    ]

    assert kinds.count("proposed") + kinds.count("report") == 7
