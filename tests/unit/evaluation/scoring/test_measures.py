import numpy as np
import pytest

from asg_core.evaluation.scoring.bootstrap import (
    Resamples,
    Values,
    Weights,
    weighted_mean,
)
from asg_core.evaluation.scoring.fits import Draw, Subject
from asg_core.evaluation.scoring.measures import Compute, Mean, Part, measure
from asg_core.tables.catalog import METRICS, RESULT_KEY

DRAW = Draw(
    fraction=0.1,
    seed=2,
    image_ids=tuple("abcdefg"),
    num_positive={"a": 3},
)
SUBJECT = Subject(
    benchmark="nih", split="by hand", protocol="linear-cached", encoder="full"
)
COMMON = {**DRAW.columns(SUBJECT), "test_digest": "0"}
EVERY = np.arange(4)


def _mean_of(values: list[float]) -> Compute:
    def compute(weight_NR: Weights) -> dict[str, Values]:
        return {"share": weighted_mean(np.array(values), weight_NR)}

    return compute


def _part(target: str, values: list[float] | None, **changes: object) -> Part:
    options: dict[str, object] = {
        "target": target,
        "rows_N": EVERY,
        "num_positive": 2,
        "floors": {"share": 0.25},
        "compute": None if values is None else _mean_of(values),
    }
    return Part(**(options | changes))  # type: ignore[arg-type] # a test's shortcut


def _measure(parts: list[Part], means: list[Mean]) -> list[dict[str, object]]:
    resamples = Resamples(["p", "q", "r", "s"], num=200, seed=0)
    return measure(parts, means, resamples=resamples, draw=DRAW, common=COMMON)


def test_a_row_has_value_interval_floor_and_support() -> None:
    (row,) = _measure([_part("a", [0, 0, 1, 1])], [])

    assert row["value"] == pytest.approx(0.5)
    low, high = float(str(row["ci_low"])), float(str(row["ci_high"]))
    assert 0 <= low < 0.5 < high <= 1
    expected = {"floor": 0.25, "num_items": 4, "num_positive": 2, "num_train": 7}
    assert expected.items() <= row.items()
    assert (row["num_train_positive"], row["reason"]) == (3, None)
    assert [row[key] for key in RESULT_KEY] == [
        "nih", "by hand", "linear-cached", "full", 0.1, 2,
    ]  # fmt: skip
    METRICS.check(METRICS.frame([row]), where="here")


def test_an_undefined_metric_is_null_with_its_reason_and_keeps_its_support() -> None:
    (row,) = _measure([_part("a", None, reasons={"share": "one class"})], [])

    assert (row["value"], row["ci_low"], row["ci_high"]) == (None, None, None)
    assert (row["reason"], row["num_items"]) == ("one class", 4)


def test_a_mean_is_over_the_targets_that_are_defined_and_says_so() -> None:
    parts = [
        _part("a", [1, 1, 1, 1], floors={"share": 0.2}),
        _part("b", [0, 0, 0, 0], floors={"share": 0.4}),
        _part("c", None, reasons={"share": "one class in the training labels"}),
    ]

    rows = _measure(parts, [Mean(over=("a", "b", "c"))])

    row = rows[-1]
    assert row["target"] == "all"
    assert row["value"] == pytest.approx(0.5)
    assert row["floor"] == pytest.approx(0.3)
    assert (row["num_items"], row["num_positive"]) == (4, None)
    assert row["reason"] == (
        "mean over 2 of 3 targets, without c: one class in the training labels"
    )


def test_a_mean_without_any_defined_target_is_null() -> None:
    rows = _measure([_part("a", None)], [Mean(over=("a",))])

    assert (rows[-1]["value"], rows[-1]["floor"]) == (None, None)
    assert str(rows[-1]["reason"]).startswith("mean over 0 of 1 targets")


def test_patients_are_drawn_once_for_all_targets_of_a_mean() -> None:
    # What one target gains in a resample the other loses: the mean cannot vary.
    parts = [_part("a", [0, 1, 0, 1]), _part("b", [1, 0, 1, 0])]

    rows = _measure(parts, [Mean(over=("a", "b"))])

    assert rows[0]["ci_low"] != rows[0]["ci_high"]
    assert rows[-1]["ci_low"] == rows[-1]["ci_high"] == 0.5


def test_in_a_resample_without_a_target_the_mean_is_over_the_others() -> None:
    def compute(weight_NR: Weights) -> dict[str, Values]:
        # Undefined where the first patient was not drawn.
        return {"share": np.where(weight_NR[0] > 0, 1.0, np.nan)}

    rare = _part("a", [1, 1, 1, 1], compute=compute)
    parts = [rare, _part("b", [0, 0, 0, 0])]

    rows = _measure(parts, [Mean(over=("a", "b"))])

    assert (rows[0]["ci_low"], rows[0]["ci_high"]) == (1.0, 1.0)
    # A half where both are defined, else what the second target has.
    assert (rows[-1]["value"], rows[-1]["ci_low"], rows[-1]["ci_high"]) == (0.5, 0, 0.5)


def test_means_over_some_targets_have_their_own_name_and_floor() -> None:
    parts = [_part("a", [1, 1, 1, 1]), _part("b", [0, 0, 0, 0])]

    rows = _measure(parts, [Mean(target="only a", over=("a",), floors={"share": 0.75})])

    assert (rows[-1]["target"], rows[-1]["value"], rows[-1]["floor"]) == (
        "only a",
        1.0,
        0.75,
    )


def test_without_resamples_there_is_no_interval() -> None:
    resamples = Resamples(["p", "q", "r", "s"], num=0, seed=0)

    (row,) = measure(
        [_part("a", [0, 0, 1, 1])], [], resamples=resamples, draw=DRAW, common=COMMON
    )

    assert (row["value"], row["ci_low"]) == (0.5, None)
