from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from asg_core.checking.config import TripletCheckConfig
from asg_core.checking.draw import draw_sheet, read_rows_of
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLETS
from asg_core.tables.schema import TableSchema, write_table
from support.marked_sheet import rows_of, tables

SCHEMAS: tuple[TableSchema, ...] = (REPORTS, SENTENCES, TRIPLETS)


def shards(folder: Path, frames: Mapping[str, pl.DataFrame]) -> dict[str, list[Path]]:
    """Write the study s1 into one shard and the others into a second one."""
    paths: dict[str, list[Path]] = {}
    for schema in SCHEMAS:
        is_first = pl.col("study_id") == "s1"
        for number, rows in enumerate((is_first, ~is_first)):
            path = folder / schema.name / f"shard-{number}.parquet"
            write_table(frames[schema.name].filter(rows), path, schema=schema)
            paths.setdefault(schema.name, []).append(path)
    return paths


def test_reports_are_drawn_from_all_shards_with_all_their_rows(tmp_path: Path) -> None:
    paths = shards(tmp_path, tables())

    drawn = draw_sheet(paths, config=TripletCheckConfig(num_reports=9))

    rows = rows_of(drawn.content)
    assert len(rows) == 15
    assert {row["study"] for row in rows} == {"s1", "s2", "s3"}
    assert {row["weight_100"] for row in rows} == {"100"}


def test_strata_say_how_many_of_each_were_drawn(tmp_path: Path) -> None:
    more = tables()
    for name, frame in more.items():
        copies = [
            frame.filter(pl.col("study_id") == "s3").with_columns(study_id=pl.lit(new))
            for new in ("s4", "s5", "s6")
        ]
        more[name] = pl.concat([frame, *copies])

    drawn = draw_sheet(shards(tmp_path, more), config=TripletCheckConfig(num_reports=2))

    # Roots 1, 1 and 2 share two reports: half a report each of the rare ones, a quarter
    # of each of the four others.
    assert drawn.strata.rows() == [
        ("mass uncertain", 1, 0, None),
        ("pleural effusion present", 1, 1, pytest.approx(0.5)),
        ("no claim", 4, 1, pytest.approx(0.25)),
    ]


def test_a_report_without_a_sentence_is_not_drawn(tmp_path: Path) -> None:
    silent = tables()
    silent["sentences"] = silent["sentences"].filter(pl.col("study_id") != "s3")

    drawn = draw_sheet(shards(tmp_path, silent), config=TripletCheckConfig())

    assert {row["study"] for row in rows_of(drawn.content)} == {"s1", "s2"}


def test_nothing_to_draw_from_is_a_sentence(tmp_path: Path) -> None:
    nothing = {schema.name: schema.empty() for schema in SCHEMAS}

    with pytest.raises(
        ValueError, match="expected reports with sentences to draw from"
    ):
        draw_sheet(shards(tmp_path, nothing), config=TripletCheckConfig())


def test_only_rows_of_the_studies_are_read(tmp_path: Path) -> None:
    paths = shards(tmp_path, tables())["sentences"]

    rows = read_rows_of(pl.Series(["s2", "s2", "s9"]), paths, schema=SENTENCES)

    assert rows["study_id"].to_list() == ["s2", "s2"]
    assert rows["sentence_index"].to_list() == [0, 1]
