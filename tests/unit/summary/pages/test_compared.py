"""What the page on triplets shows of a second opinion."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from asg_core.checking.compare import compare_triplets
from asg_core.summary.inputs import SummaryInputs
from asg_core.summary.pages.compared import (
    compared_claims,
    compared_sheets,
    parser_names,
)
from asg_core.tables.catalog import SENTENCES, TRIPLET_COMPARISONS
from asg_core.tables.schema import write_table
from support.fake_results import build
from support.marked_sheet import tables

CONFIG = {
    "reports": {"parser": "lexicon"},
    "check_triplets": {"second_opinion": {"parser": "radgraph"}},
}


@pytest.fixture
def compared(tmp_path: Path) -> SummaryInputs:
    """The second finds no effusion and no mass, and an edema on the right side only."""
    own, sentences = tables()["triplets"], tables()["sentences"]
    second = own.filter(pl.col("region") != "left lung", finding="edema")
    denied = own.filter(finding="pleural effusion").with_columns(
        existence=pl.lit("absent", dtype=own.schema["existence"])
    )
    rows = compare_triplets(own, pl.concat([second, denied]), sentences=sentences)
    paths = {}
    for schema, frame in ((SENTENCES, sentences), (TRIPLET_COMPARISONS, rows)):
        path = tmp_path / schema.name / "shard-0000-of-0001.parquet"
        write_table(frame, path, schema=schema)
        paths[schema.name] = [path]
    return SummaryInputs(corpus="small", tables=paths, config=CONFIG)


def test_claims_are_counted_by_finding_and_difference(compared: SummaryInputs) -> None:
    findings, claims = compared_sheets(compared)

    heads = [column.label for column in findings.columns]
    assert heads[:5] == ["Finding", "Claims", "Alike, %", "Alike", "Only the run's"]
    assert {
        row[0].text: [cell.text for cell in row[1:]] for row in findings.all_rows
    } == {
        #                       alike     own  2nd  exist side region context
        "pleural effusion": ["1", "0.0", "0", "0", "0", "1", "0", "0", "0"],
        "edema": ["1", "0.0", "0", "0", "0", "0", "1", "0", "0"],
        "mass": ["1", "0.0", "0", "1", "0", "0", "0", "0", "0"],
        "all": ["3", "0.0", "0", "1", "0", "1", "1", "0", "0"],
    }
    assert [[cell.text for cell in row] for row in claims.rows] == [
        ["existence", "present", "absent", "1"],
        ["side", "right lung, left lung", "right lung", "1"],
    ]
    assert claims.columns[1].label == "lexicon"


def test_what_the_run_does_not_read_is_told_in_a_note(
    compared: SummaryInputs, tmp_path: Path
) -> None:
    own = tables()["triplets"].head(0)
    second = (
        tables()["triplets"]
        .head(1)
        .with_columns(
            finding_start=pl.lit(999, dtype=pl.Int32),
            finding_end=pl.lit(1003, dtype=pl.Int32),
        )
    )
    path = tmp_path / "outside.parquet"
    rows = compare_triplets(own, second, sentences=tables()["sentences"])
    write_table(rows, path, schema=TRIPLET_COMPARISONS)

    (sheet,) = compared_sheets(
        replace(compared, tables={TRIPLET_COMPARISONS.name: [path]})
    )

    assert sheet.rows == ()
    assert sheet.notes[-1].startswith(
        "1 more of radgraph stand in sections that the run"
    )


def test_sentences_show_what_both_claim(compared: SummaryInputs) -> None:
    shown = {
        one.label: one.sentences for one in compared_claims(compared, num_sentences=9)
    }

    assert list(shown) == [
        "Only lexicon claims it",
        "Another existence",
        "Another side",
    ]
    (mass,) = shown["Only lexicon claims it"]
    assert "".join(piece.text for piece in mass.words) == "Possible mass."
    assert [(name, claim and claim.existence) for name, claim in mass.claims] == [
        ("lexicon", "uncertain"),
        ("radgraph", None),
    ]
    (edema,) = shown["Another side"]
    marked = [piece for piece in edema.words if piece.roles]
    assert [(piece.text, piece.claims) for piece in marked] == [("edema", (0, 1))]
    assert [claim and claim.regions for _, claim in edema.claims] == [
        ("right lung", "left lung"),
        ("right lung",),
    ]


def test_no_sentence_is_shown_twice(compared: SummaryInputs, tmp_path: Path) -> None:
    """Reports repeat each other: the same words tell nothing the second time."""
    paths = dict(compared.tables)
    for schema in (SENTENCES, TRIPLET_COMPARISONS):
        (path,) = paths[schema.name]
        again = pl.read_parquet(path).with_columns(
            pl.format("again {}", "study_id").alias("study_id")
        )
        both = [path.with_name("shard-0001-of-0002.parquet"), path]
        write_table(again, both[0], schema=schema)
        paths[schema.name] = both

    shown = compared_claims(replace(compared, tables=paths), num_sentences=9)

    assert [len(one.sentences) for one in shown] == [1, 1, 1]


def test_a_few_sentences_of_a_difference_are_shown(compared: SummaryInputs) -> None:
    assert compared_claims(compared, num_sentences=0) == []
    assert compared_claims(replace(compared, tables={}), num_sentences=9) == []
    assert compared_sheets(replace(compared, tables={})) == []


def test_a_second_opinion_from_files_has_no_name() -> None:
    assert parser_names({}) == ("the run", "the second")
    assert parser_names(CONFIG) == ("lexicon", "radgraph")


def test_the_page_has_a_section_and_texts_only_where_they_may_be_shown(
    compared: SummaryInputs, tmp_path: Path
) -> None:
    open_page = build(compared, tmp_path / "open") / "triplets.html"
    private = build(
        compared, tmp_path / "private", may_export_examples=False, is_synthetic=False
    )

    text, hidden = (
        page.read_text("utf-8") for page in (open_page, private / "triplets.html")
    )

    assert "A second opinion" in text
    assert "Another existence" in text
    assert "no claim" in text
    assert "A second opinion" in hidden
    assert "effusion</mark>" not in hidden
    assert "Another existence" not in hidden
