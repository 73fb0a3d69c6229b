from collections.abc import Mapping
from pathlib import Path

import polars as pl

from asg_core.checking.marks import read_filled_sheet
from asg_core.checking.score import find_confusions, score_current, score_sheet
from asg_core.summary.pages.checked import checked_page, checked_sheets
from asg_core.summary.sheets.sheet import Sheet
from asg_core.tables.catalog import TRIPLET_CONFUSIONS, TRIPLET_SCORES
from support.marked_sheet import MARKS, marked, save, tables
from support.sheets import texts


def scored(
    folder: Path,
    marks: Mapping[int, Mapping[str, str]],
    *,
    triplets: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return scores and confusions of marks; `triplets` are those of the run now."""
    sheet = read_filled_sheet(save(marked(marks), folder / "filled.csv"))
    now = tables()["triplets"] if triplets is None else triplets
    scores = [score_sheet(sheet, seed=0), score_current(sheet, now, seed=0)]
    return pl.concat(scores), find_confusions(sheet)


def named(sheets: list[Sheet]) -> dict[str, Sheet]:
    return {sheet.name: sheet for sheet in sheets}


def test_scores_stand_in_percent_with_their_intervals(tmp_path: Path) -> None:
    better = tables()["triplets"].filter(finding="pleural effusion")

    sheet = checked_sheets(*scored(tmp_path, MARKS, triplets=better))[0]

    rows = texts(sheet)
    assert rows[0][:3] == ["finding", "sample", "75.0 [30.1, 95.4]"]
    assert rows[7][:3] == ["", "corpus", "40.0 [9.5, 80.8]"]
    assert [row[5:] for row in rows[:2]] == [["4", "4"], ["", ""]]
    assert [cell.text for cell in sheet.rows[8]][:4] == [
        "joint, triplets of this run",
        "sample",
        "100.0",
        "25.0",
    ]
    assert len(rows) == 10


def test_triplets_of_the_run_that_score_the_same_are_not_repeated(
    tmp_path: Path,
) -> None:
    (sheet, *_) = checked_sheets(*scored(tmp_path, MARKS))

    assert [row[0] for row in texts(sheet)[::2]] == [
        *("finding", "region", "existence", "joint")
    ]


def test_a_score_over_nothing_is_a_dash_with_its_reason(tmp_path: Path) -> None:
    (sheet, *_) = checked_sheets(*scored(tmp_path, {}))

    assert texts(sheet)[0] == ["finding", "sample", *["\u2013"] * 3, "0", "0"]
    assert sheet.reasons == ("undefined: there is nothing that it is over",)


def test_the_most_frequent_confusion_comes_first(tmp_path: Path) -> None:
    same = {"verdict": "n"}

    sheets = named(checked_sheets(*scored(tmp_path, MARKS | {2: same, 3: same})))

    rows = texts(sheets["checked_confusions"])
    assert rows[0] == ["finding", "edema", "no claim", "2"]
    assert ["finding", "mass", "no claim", "1"] in rows


def test_confusions_that_are_not_shown_are_counted(tmp_path: Path) -> None:
    scores, _ = scored(tmp_path, MARKS)
    many = TRIPLET_CONFUSIONS.frame(
        {"element": "finding", "proposed": "mass", "truth": f"t{n}", "num_items": 1}
        for n in range(15)
    )

    sheet = named(checked_sheets(scores, many))["checked_confusions"]

    assert len(sheet.rows) == 12
    assert sheet.notes == ("And 3 more, in the files.",)
    assert sheet.data is not None
    assert len(sheet.data) == 15


def test_targets_are_existences_then_findings_those_with_most_rows_first(
    tmp_path: Path,
) -> None:
    sheet = named(checked_sheets(*scored(tmp_path, MARKS)))["checked_by_target"]

    rows = texts(sheet)
    assert [row[0] for row in rows] == [
        *("absent", "present", "uncertain"),
        *("edema", "pleural effusion", "cardiomegaly", "mass"),
    ]
    # Two edemas, one of a wrong region; a mass that is none and a heart that was missed.
    assert [rows[3][n] for n in (2, 4)] == ["2", "2"]
    assert rows[3][1].startswith("50.0 [")
    assert rows[3][3].startswith("50.0 [")
    assert rows[6][3:] == ["\u2013", "0"]
    assert rows[5][1:3] == ["\u2013", "0"]


def test_no_sheet_no_tables() -> None:
    nothing = TRIPLET_SCORES.empty(), TRIPLET_CONFUSIONS.empty()

    assert checked_sheets(*nothing) == []


def test_the_page_tells_facts_scores_and_confusions(tmp_path: Path) -> None:
    marks = {number: cells for number, cells in MARKS.items() if number not in (3, 15)}
    current = tables()["triplets"].head(3)

    page = checked_page(
        *scored(tmp_path, marks, triplets=current), facts=["First.", "Second."]
    )

    assert page.startswith("# Triplets checked by a person\n\n- First.\n- Second.\n\n")
    assert "| finding | mass | no claim | 1 |" in page
    # Two of three: Wilson by hand 0.208 to 0.939.
    assert "| finding | sample | 66.7 \\[20.8, 93.9\\] |" in page
    # Of s2 alone every row is judged and the end reached: a heart that nothing proposes.
    assert (
        "| joint, triplets of this run | sample | \u2013 (a) | 0.0 \\[0.0, 79.3\\]"
        in page
    )
    found = [block for block in page.split("\n\n") if block.startswith("|")]
    assert len(found) == 3
    for table in found:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_a_perfect_parser_has_no_confusions(tmp_path: Path) -> None:
    marks = {number: {"verdict": "y"} for number in (1, 2, 3, 6, 7, 11, 15)}

    scores, confusions = scored(tmp_path, marks)
    page = checked_page(scores, confusions, facts=[])

    assert "Every judged triplet is right, and none was missed." in page
    assert "checked_confusions" not in named(checked_sheets(scores, confusions))
    assert "| joint | sample | 100.0 \\[51.0, 100.0\\] |" in page
    assert "of this run" not in page
