import pytest

from asg_core.summary.sheets.sheet import Sheet, number_columns


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Sheet 's': expected 1 cells in every row"):
        Sheet(name="s", caption="c", columns=number_columns("x"), rows=((),))
