from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from asg_core.tables.catalog import ALIGNMENTS, STUDIES, TABLES, TRIPLETS
from asg_core.tables.schema import (
    METADATA_TABLE,
    METADATA_VERSION,
    TableError,
    TableSchema,
    read_table,
    read_tables,
    write_table,
)
from support.damage import damaged_copies, end_of_pages

ROWS = [
    {"study_id": "s2", "patient_id": "p1", "split": "train"},
    {"study_id": "s1", "patient_id": "p1", "split": "train"},
]


def test_rows_come_back_sorted_by_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "studies.parquet"

    write_table(STUDIES.frame(ROWS), path, schema=STUDIES)

    expected = STUDIES.frame([ROWS[1], ROWS[0]])
    assert_frame_equal(read_table(path, schema=STUDIES), expected)


def test_the_order_of_rows_does_not_change_the_bytes(tmp_path: Path) -> None:
    write_table(STUDIES.frame(ROWS), tmp_path / "a", schema=STUDIES)
    write_table(STUDIES.frame(ROWS[::-1]), tmp_path / "b", schema=STUDIES)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_nested_columns_survive(tmp_path: Path) -> None:
    row = {
        "image_id": "i1",
        "unit_index": 0,
        "study_id": "s1",
        "regions": ["left lung", "spine"],
        "sentence_indices": [0, 2],
        "spans": [{"start": 3, "end": 9}],
        "box_xyxy": [0.5, 1.0, 2.0, 3.0],
        "scenario": 3,
        "policy": "merge",
    }

    write_table(ALIGNMENTS.frame([row]), tmp_path / "a", schema=ALIGNMENTS)

    assert read_table(tmp_path / "a", schema=ALIGNMENTS).row(0, named=True) == row


def test_a_key_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    twice = STUDIES.frame([ROWS[0], ROWS[0]])

    with pytest.raises(TableError, match=r"found 2 rows that share a key.*'s2'"):
        write_table(twice, tmp_path / "a", schema=STUDIES)

    assert list(tmp_path.iterdir()) == []


def test_a_missing_and_an_extra_column_are_named(tmp_path: Path) -> None:
    frame = STUDIES.frame(ROWS).rename({"split": "part"})

    with pytest.raises(TableError, match=r"missing \['split'\], not declared \['part'"):
        write_table(frame, tmp_path / "a", schema=STUDIES)


def test_another_type_is_refused(tmp_path: Path) -> None:
    frame = STUDIES.frame(ROWS).with_columns(pl.lit(1).alias("patient_id"))

    with pytest.raises(TableError, match="'patient_id' of 'studies' to be String"):
        write_table(frame, tmp_path / "a", schema=STUDIES)


def test_nulls_are_refused_where_they_mean_nothing(tmp_path: Path) -> None:
    frame = STUDIES.frame([{"study_id": "s1", "patient_id": None, "split": "train"}])

    with pytest.raises(TableError, match="no nulls in column 'patient_id'"):
        write_table(frame, tmp_path / "a", schema=STUDIES)
    assert TRIPLETS.nullable >= {"cue_start", "place_start"}


def test_a_word_outside_a_vocabulary_is_refused() -> None:
    with pytest.raises(TableError, match="'studies': a row does not fit"):
        STUDIES.frame([{"study_id": "s1", "patient_id": "p1", "split": "valid"}])
    with pytest.raises(TableError, match="'alignments': a row does not fit"):
        ALIGNMENTS.frame([{"image_id": "i1", "regions": ["left long"]}])
    with pytest.raises(TableError, match=r"found \['part'\], which are not declared"):
        STUDIES.frame([{"study_id": "s1", "patient_id": "p1", "part": "train"}])


def test_another_table_and_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "studies.parquet"
    write_table(STUDIES.frame(ROWS), path, schema=STUDIES)
    older, newer = _version(0), _version(2)

    with pytest.raises(TableError, match=r"expected 'triplets' v1, found 'studies' v1"):
        read_table(path, schema=TRIPLETS)
    with pytest.raises(TableError, match=r"found 'studies' v1.*newer release"):
        read_table(path, schema=older)
    with pytest.raises(TableError, match=r"found 'studies' v1. Delete the file"):
        read_table(path, schema=newer)


def test_a_version_that_is_no_number_is_another_version(tmp_path: Path) -> None:
    path = tmp_path / "studies.parquet"
    stamp = {METADATA_TABLE: "studies", METADATA_VERSION: "one"}
    STUDIES.frame(ROWS).write_parquet(path, metadata=stamp)

    with pytest.raises(TableError, match=r"found 'studies' vone\. Delete the file"):
        read_table(path, schema=STUDIES)


def test_foreign_and_broken_and_missing_files_are_refused(tmp_path: Path) -> None:
    STUDIES.frame(ROWS).write_parquet(tmp_path / "foreign.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")

    with pytest.raises(TableError, match="this project did not write"):
        read_table(tmp_path / "foreign.parquet", schema=STUDIES)
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        read_table(tmp_path / "broken.parquet", schema=STUDIES)
    with pytest.raises(FileNotFoundError, match="expected the table 'studies'"):
        read_table(tmp_path / "missing.parquet", schema=STUDIES)


def test_a_damaged_file_is_a_sentence_wherever_the_damage_is(tmp_path: Path) -> None:
    """The footer can be whole and the pages not; Polars then raises one of many errors."""
    path = tmp_path / "damaged.parquet"
    write_table(STUDIES.frame(ROWS), path, schema=STUDIES)
    refused: dict[int, str] = {}

    for place in damaged_copies(path):
        try:
            read_table(path, schema=STUDIES)
        except TableError as error:
            refused[place] = str(error)

    in_pages = [said for at, said in refused.items() if at < end_of_pages(path)]
    unreadable = (
        f"{path}: expected the Parquet table 'studies', found a file that cannot"
    )
    assert [said for said in in_pages if said.startswith(unreadable)]
    assert len(refused) > len(in_pages)


def test_shards_are_read_as_one_and_no_shards_are_empty(tmp_path: Path) -> None:
    for row in ROWS:
        path = tmp_path / str(row["study_id"])
        write_table(STUDIES.frame([row]), path, schema=STUDIES)

    both = read_tables([tmp_path / "s1", tmp_path / "s2"], schema=STUDIES)

    assert both["study_id"].to_list() == ["s1", "s2"]
    assert_frame_equal(read_tables([], schema=STUDIES), STUDIES.empty())


def test_every_declared_table_is_consistent() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES)
    for table in TABLES:
        assert set(table.key) <= set(table.columns)
        assert table.nullable <= set(table.columns)
        assert set(table.notes) <= set(table.columns)
        assert table.empty().is_empty()


def _version(version: int) -> TableSchema:
    return TableSchema(
        name="studies",
        version=version,
        key=STUDIES.key,
        columns=STUDIES.columns,
        about=STUDIES.about,
    )
