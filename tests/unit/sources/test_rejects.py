"""Collecting what cannot be used."""

from asg_core.sources.rejects import RejectLog
from asg_core.tables.catalog import REJECTS


def test_an_item_that_is_rejected_again_has_a_number_within_its_stage() -> None:
    log = RejectLog()
    for stage in (None, None, "read_reports", None):
        log.add("a", reason="empty_box", detail="a: none", stage=stage)
    log.add_problem("b", ("invalid_id", "expected digits"), where="rows.csv:3")

    frame = log.frame()

    REJECTS.check(frame, where="test")
    assert frame.select("stage", "item_id").rows() == [
        ("read_source", "a"),
        ("read_source", "a#2"),
        ("read_reports", "a"),
        ("read_source", "a#3"),
        ("read_source", "b"),
    ]
    assert frame["detail"][4] == "rows.csv:3: expected digits"
    assert log.counts() == {"empty_box": 4, "invalid_id": 1}
    assert list(log.counts()) == ["empty_box", "invalid_id"]
