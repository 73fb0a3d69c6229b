from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.checking.elements import ELEMENTS
from asg_core.checking.marks import read_filled_sheet
from asg_core.checking.score import score_sheet, wilson_interval
from asg_core.checking.sheet import printable
from asg_core.checking.spreadsheet import SheetError, read_sheet
from asg_core.checking.workbook import workbook_bytes
from support.marked_sheet import marked, save, sheet_content, worksheet_of

Result = TypeVar("Result")

# What formulas begin with, and what programs turn into numbers and dates.
risky = st.sampled_from(
    ["=", "+", "-", "@", "\t", "\r", "\uff1d", "'", "1", " =", "\n@"]
)
texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
hostile = st.builds(str.__add__, risky, texts) | texts


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries({"a": hostile, "b": hostile, "n": st.integers(0, 10**9)}),
        max_size=5,
    )
)
def test_what_is_written_is_read_back_as_text(rows: list[dict[str, str | int]]) -> None:
    content = workbook_bytes(
        [row | {"kind": "k"} for row in rows],
        widths=dict.fromkeys(("a", "n", "b", "kind"), 9),
        to_fill={"k": ()},
        words={},
    )

    back = read_sheet(content, columns=("a", "b", "n"), where="x")

    assert back["number"].to_list() == list(range(2, len(rows) + 2))
    for column in ("a", "b", "n"):
        assert back[column].to_list() == [as_cell(row[column]) for row in rows]
    for row in worksheet_of(content).iter_rows(min_row=2, max_col=3):
        assert {cell.data_type for cell in row if cell.value is not None} <= {"s", "n"}
        assert isinstance(row[1].value, int)


def as_cell(value: str | int) -> str:
    """Return a value as a cell of XML can hold it."""
    kept = (
        sign
        if sign in "\t\n" or (sign >= " " and sign not in "\ufffe\uffff")
        else "\ufffd"
        for sign in str(value)
    )
    return "".join(kept)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_workbook_is_read_or_named(data: st.DataObject) -> None:
    content = bytearray(sheet_content())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(4, len(content)))]

    rows = outcome(lambda: read_sheet(bytes(content), columns=("row",), where="f.xlsx"))

    if isinstance(rows, str):
        assert rows.startswith("f.xlsx")


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
        assert rows.columns == ["number", "a"]


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
    sheet = read_sheet(sheet_content(), columns=("kind",), where="x")
    kinds = sheet["kind"].to_list()

    assert kinds.count("proposed") + kinds.count("report") == 7
