from pathlib import Path

from asg_core.summary.pages.timings import read_timings, timings_sheet
from support.sheets import texts


def test_timings_are_added_up_and_those_without_a_number_counted(
    tmp_path: Path,
) -> None:
    heads = "s\th:m:s\tmax_rss"
    for rule, name, line in (
        ("align", "a", "1.5\t0:00:01\t100.0"),
        ("align", "b", "2.5\t0:00:02\t300.0"),
        ("align", "c", "NA\tNA\tNA"),
        ("a_quick", "a", "0.1\t0:00:00\t-"),
        ("build_summary", "all", "9\t0:00:09\t9"),
    ):
        (tmp_path / rule).mkdir(exist_ok=True)
        (tmp_path / rule / f"{name}.tsv").write_text(f"{heads}\n{line}\n")

    sheet = timings_sheet(read_timings(tmp_path))

    assert sheet is not None
    assert texts(sheet) == [
        ["align", "3", "4.0 s", "2.5 s", "300"],
        ["a_quick", "1", "0.1 s", "0.1 s", "\u2013"],
        ["all", "4", "4.1 s", "", ""],
    ]


def test_a_run_without_timings_has_no_table(tmp_path: Path) -> None:
    assert timings_sheet(read_timings(tmp_path / "none")) is None
    assert timings_sheet(read_timings(None)) is None
