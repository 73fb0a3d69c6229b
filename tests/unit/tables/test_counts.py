from pathlib import Path

import pytest

from asg_core.tables.catalog import REJECTS, STUDIES
from asg_core.tables.counts import count_rejects, count_rows
from asg_core.tables.schema import TableError, write_table


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
