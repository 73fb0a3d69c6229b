import pytest

from asg_core.summary.sheets.sheet import Cell, Sheet, cells, number_columns


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Sheet 's': expected 1 cells in every row"):
        Sheet(name="s", caption="c", columns=number_columns("x"), rows=((),))


def test_remarks_have_letters_and_past_the_alphabet_numbers() -> None:
    reasons = [f"reason {number}" for number in range(28)]
    rows = [(Cell(text="x", why=reason),) for reason in [*reasons, reasons[1]]]

    sheet = Sheet(name="s", caption="c", columns=number_columns("x"), rows=tuple(rows))

    marks = [sheet.mark_of(row[0]) for row in rows]
    assert [marks[place] for place in (0, 1, 25, 26, 27, 28)] == [
        *("a", "b", "z", "27", "28", "b")
    ]
    assert sheet.mark_of(Cell(text="y")) == ""


def test_a_missing_value_is_a_muted_dash() -> None:
    assert cells(["x", None]) == (Cell(text="x"), Cell(text="\u2013", is_muted=True))
