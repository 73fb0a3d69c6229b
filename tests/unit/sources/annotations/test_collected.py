"""Collecting the boxes of many images."""

import pytest

from asg_core.sources.annotations import collected as module
from asg_core.sources.annotations.boxes import GivenBox
from asg_core.sources.annotations.collected import (
    CollectedBoxes,
    KnownImage,
    held_out,
)


def collect(**splits: str) -> CollectedBoxes:
    images = {name: KnownImage(split, 300, 100) for name, split in splits.items()}
    return CollectedBoxes(origin="table", images=images)


def test_held_out_does_not_depend_on_the_order() -> None:
    assert held_out("validate", "train") == held_out("train", "validate") == "validate"
    assert held_out("validate", "test") == held_out("test", "validate") == "test"


def test_boxes_are_checked_against_their_own_image() -> None:
    collected = collect(a="validate", b="train")
    box = GivenBox(region="spine", corners=(250, 10, 320, 90))

    collected.add("b", [box])
    collected.add("a", [box, GivenBox(region="trachea", corners=(1, 1, 0, 0))])
    tables = collected.tables()

    assert tables.annotated_boxes.rows() == [
        ("b", "spine", [250, 10, 300, 90], "train", "table"),
        ("a", "spine", [250, 10, 300, 90], "validate", "table"),
    ]
    assert tables.num_clipped == 2
    assert tables.rejects["item_id"].to_list() == ["a/trachea"]
    assert set(tables.rejects["stage"]) == {"read_annotations"}


def test_rows_that_were_packed_are_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_PER_FRAME", 2)
    names = [f"i{number}" for number in range(5)]
    collected = collect(**dict.fromkeys(names, "train"))

    for name in names:
        collected.add(name, [GivenBox(region="spine", corners=(0, 0, 9, 9))])

    assert collected.tables().annotated_boxes["image_id"].to_list() == names
