from pathlib import Path

import pytest

from asg_core.tables.catalog import REJECTS, STUDIES
from asg_core.tables.counts import count_rejects, count_rows
from asg_core.tables.schema import TableError, write_table
from support.damage import damaged_copies


def test_rows_are_summed_over_shards(tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, ids in zip(paths, (["1", "2"], ["3"]), strict=True):
        frame = STUDIES.frame(
            {"study_id": id_, "patient_id": "p", "split": "test"} for id_ in ids
        )
        write_table(frame, path, schema=STUDIES)

    counted = count_rows({"studies": paths})

    assert counted.rows() == [("tables", "rows", "studies", 3.0, 3)]
    with pytest.raises(TableError, match="expected 'rejects'"):
        count_rows({"rejects": paths})


def test_a_damaged_table_is_counted_or_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "studies.parquet"
    write_table(STUDIES.empty(), path, schema=STUDIES)
    num_refused = 0

    # One bit: the texts in the footer stay texts, of which Polars then reads nonsense.
    for _ in damaged_copies(path, bits=1):
        try:
            count_rows({"studies": [path]})
        except TableError:
            num_refused += 1

    assert num_refused


def test_rejects_are_counted_by_stage_and_reason() -> None:
    rows = [("a", "1", "late"), ("a", "2", "late"), ("b", "1", "early")]
    rejects = REJECTS.frame(
        {"stage": stage, "item_id": item, "reason": reason, "detail": ""}
        for stage, item, reason in rows
    )

    counted = count_rejects(rejects)

    assert counted.rows() == [
        ("a", "rejects", "late", 2.0, 2),
        ("b", "rejects", "early", 1.0, 1),
    ]
