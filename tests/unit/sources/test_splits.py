"""The split of a patient: named by the data, drawn by a hash, or in conflict."""

import pytest

from asg_core.sources.registry import CorpusConfig
from asg_core.sources.splits import (
    PatientSplits,
    canonical_split,
    drawn_split,
    unknown_split,
)


@pytest.mark.parametrize(
    ("spelling", "split"),
    [
        ("train", "train"),
        (" Validate ", "validate"),
        ("valid", "validate"),
        ("VAL", "validate"),
        ("validation", "validate"),
        ("Test", "test"),
        ("dev", None),
        ("", None),
    ],
)
def test_spellings_of_splits(spelling: str, split: str | None) -> None:
    assert canonical_split(spelling) == split


def test_a_named_split_counts_and_the_others_are_drawn() -> None:
    splits = PatientSplits(CorpusConfig(test_share=1.0))
    splits.name("p1", "train")
    splits.name("p1", "train")

    assert (splits.of("p1"), splits.of("p2")) == ("train", "test")
    assert splits.is_named("p1")
    assert not splits.is_named("p2")


def test_two_names_are_a_conflict() -> None:
    splits = PatientSplits(CorpusConfig())
    splits.name("p1", "validate")
    splits.name("p1", "test")

    assert splits.of("p1") is None
    assert splits.conflict("p1") == (
        "split_conflict",
        "expected one split for patient p1, found ['test', 'validate']",
    )


def test_a_draw_takes_the_share_of_validation_first_then_that_of_the_test() -> None:
    config = CorpusConfig(validate_share=0.25, test_share=0.5)

    drawn = [drawn_split(f"p{number}", config=config) for number in range(2000)]

    counts = {split: drawn.count(split) for split in ("train", "validate", "test")}
    # 500, 500 and 1000 are expected; the draw itself must never change.
    assert counts == {"train": 487, "validate": 515, "test": 998}


def test_the_problem_of_an_unknown_split() -> None:
    assert unknown_split("dev") == (
        "unknown_split",
        "expected train, validate or test, found 'dev'",
    )
