from pathlib import Path

import polars as pl
import pytest

from asg_core.checking.sheet import (
    COLUMNS,
    MARKS,
    make_sheet,
    write_new_sheet,
)
from asg_core.checking.spreadsheet import SheetError
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLETS
from support.marked_sheet import drawn, rows_of, save, sheet_content, tables


def test_a_sheet_has_a_row_per_triplet_and_room_for_what_was_missed() -> None:
    shown = [
        (row["kind"], row["study"], row["finding"], row["region"], row["existence"])
        for row in rows_of(sheet_content())
    ]

    nothing = ("", "", "")
    assert shown == [
        ("proposed", "s1", "pleural effusion", "left costophrenic angle", "present"),
        ("proposed", "s1", "edema", "right lung", "absent"),
        ("proposed", "s1", "edema", "left lung", "absent"),
        ("missed", "s1", *nothing),
        ("missed", "s1", *nothing),
        ("report", "s1", *nothing),
        ("proposed", "s2", "mass", "unspecified", "uncertain"),
        ("sentence", "s2", *nothing),
        ("missed", "s2", *nothing),
        ("missed", "s2", *nothing),
        ("report", "s2", *nothing),
        ("sentence", "s3", *nothing),
        ("missed", "s3", *nothing),
        ("missed", "s3", *nothing),
        ("report", "s3", *nothing),
    ]


def test_a_row_shows_sentence_words_and_cue() -> None:
    mass = rows_of(sheet_content())[6]

    assert mass["sentence"] == "Possible >>mass<<."
    assert mass["cue"] == "Possible"
    assert (mass["section"], mass["sentence_number"], mass["start"]) == (
        "findings",
        "1",
        "9",
    )
    assert (mass["stratum"], mass["weight_100"]) == ("mass uncertain", "200")


def test_nothing_is_marked_beforehand() -> None:
    for row in rows_of(sheet_content()):
        assert [row[column] for column in MARKS] == [""] * len(MARKS)


def test_every_row_names_the_draw_and_how_many_rows_it_has() -> None:
    rows = rows_of(sheet_content())
    other = rows_of(make_sheet(drawn().head(2), **tables()))

    (name,) = {row["draw"] for row in rows}
    assert name.endswith("of 15 rows")
    assert name != other[0]["draw"]
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 16)]


def test_the_same_tables_give_the_same_bytes() -> None:
    shuffled = {name: table.reverse() for name, table in tables().items()}

    assert make_sheet(drawn(), **shuffled) == sheet_content()


def test_a_megabyte_without_a_full_stop_fits_a_cell() -> None:
    text = "x " * 300_000 + "edema" + " y" * 300_000
    start = text.index("edema")
    place = {"study_id": "s1", "sentence_index": 0}
    content = make_sheet(
        drawn().head(1),
        reports=REPORTS.frame([{"study_id": "s1", "text": text}]),
        sentences=SENTENCES.frame(
            [
                place
                | {"section": "findings", "start": 0, "end": len(text), "text": text}
            ]
        ),
        triplets=TRIPLETS.frame(
            [
                place
                | {
                    "region": "left lung",
                    "finding": "edema",
                    "existence": "present",
                    "context": "current",
                    "finding_start": start,
                    "finding_end": start + 5,
                    "parser": "fake",
                }
            ]
        ),
    )

    sentence = rows_of(content)[0]["sentence"]
    assert "x x >>edema<< y y" in sentence
    assert len(sentence) < 32_767  # the longest cell of Excel


def test_an_unmarked_sheet_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "check_triplets" / "sheet.xlsx"
    write_new_sheet(make_sheet(drawn().head(1), **tables()), path)

    write_new_sheet(sheet_content(), path)

    assert path.read_bytes() == sheet_content()
    assert [file.name for file in path.parent.iterdir()] == ["sheet.xlsx"]


def test_an_unmarked_sheet_that_a_program_has_saved_is_replaced(tmp_path: Path) -> None:
    path = save(rows_of(sheet_content()), tmp_path / "sheet.xlsx", delimiter=";")

    write_new_sheet(sheet_content(), path)

    assert path.read_bytes() == sheet_content()


@pytest.mark.parametrize("column", MARKS)
def test_a_sheet_with_a_mark_is_never_replaced(tmp_path: Path, column: str) -> None:
    rows = rows_of(sheet_content())
    rows[7][column] = "x"
    path = save(rows, tmp_path / "sheet.xlsx", delimiter=";")
    before = path.read_bytes()

    with pytest.raises(
        SheetError,
        match=r"found marks in 1 rows, the first in row 9\. It is not replac",
    ):
        write_new_sheet(sheet_content(), path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_sheet_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "sheet.xlsx"
    path.write_text("the work of years")

    with pytest.raises(SheetError, match=r"missing \['row'.*It is not replaced"):
        write_new_sheet(sheet_content(), path)

    assert path.read_text() == "the work of years"


def test_columns_that_are_filled_in_stand_beside_what_they_judge() -> None:
    first = COLUMNS.index("verdict")

    assert COLUMNS[first - 3 : first] == ("finding", "region", "existence")
    assert COLUMNS[first : first + len(MARKS)] == MARKS


def test_columns_hold_text_only_where_there_is_some() -> None:
    frame = pl.DataFrame(rows_of(sheet_content()))

    assert frame["sentence"].filter(frame["kind"] == "missed").unique().to_list() == [
        ""
    ]


def one_sentence(text: str, claims: list[dict[str, object]]) -> list[dict[str, str]]:
    """Return the rows of a report of one sentence, which leaves out its first letter."""
    place = {"study_id": "s1", "sentence_index": 0}
    sentence = {"section": "findings", "start": 1, "end": len(text) - 1}
    claim = {
        "region": "left lung",
        "finding": "edema",
        "existence": "present",
        "context": "current",
        "parser": "fake",
    }
    content = make_sheet(
        drawn().head(1),
        reports=REPORTS.frame([{"study_id": "s1", "text": text}]),
        sentences=SENTENCES.frame([place | sentence | {"text": text[1:-1]}]),
        triplets=TRIPLETS.frame(place | claim | one for one in claims),
    )
    return rows_of(content)


def test_words_that_reach_over_the_sentence_are_shown_whole() -> None:
    rows = one_sentence(
        "edema of lungs",
        [
            {"finding_start": 0, "finding_end": 5},
            {"finding_start": 9, "finding_end": 14, "region": "right lung"},
        ],
    )

    assert [row["sentence"] for row in rows[:2]] == [
        ">>edema<< of lung",
        "dema of >>lungs<<",
    ]


def test_triplets_of_a_sentence_stand_in_the_order_of_their_words() -> None:
    rows = one_sentence(
        "mass and edema",
        [
            {"finding_start": 9, "finding_end": 14, "region": "left lung"},
            {
                "finding_start": 0,
                "finding_end": 4,
                "region": "spine",
                "finding": "mass",
            },
        ],
    )

    assert [row["finding"] for row in rows[:2]] == ["mass", "edema"]


def test_a_draw_of_as_many_rows_with_other_words_has_another_name() -> None:
    def name(text: str) -> str:
        return one_sentence(text, [])[0]["draw"]

    assert name("No edema.") != name("No mass.")
    assert name("No edema.") == name("No edema.")
