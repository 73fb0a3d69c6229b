import pytest

from asg_core.summary.sheets.scores import (
    floor_text,
    floor_texts,
    over_seeds,
    score_cell,
    seeds_note,
)
from support.points import metrics_of


def test_seeds_become_a_mean_with_its_spread() -> None:
    metrics = metrics_of(
        {"seed": 0, "value": 0.80, "ci_low": 0.70, "ci_high": 0.90},
        {"seed": 1, "value": 0.84, "ci_low": 0.74, "ci_high": 0.94},
    )

    point = over_seeds(metrics).row(0, named=True)

    assert point["value"] == pytest.approx(0.82)
    assert point["sd"] == pytest.approx(0.02 * 2**0.5)
    assert (point["num_seeds"], point["num_values"]) == (2, 2)
    assert score_cell(point).plain == "82.0 \u00b1 2.8 [72.0, 92.0]"


def test_support_is_that_of_the_seeds_with_a_value() -> None:
    nothing: dict[str, object] = {
        "value": None,
        "ci_low": None,
        "ci_high": None,
        "num_items": 100,
    }
    metrics = metrics_of(
        {"seed": 0, "num_items": 40}, {"seed": 1, **nothing, "reason": "no mask"}
    )

    assert over_seeds(metrics)["num_items"].to_list() == [40]
    assert over_seeds(metrics_of(nothing))["num_items"].to_list() == [100]


def test_one_seed_has_no_spread() -> None:
    cell = score_cell(over_seeds(metrics_of({})).row(0, named=True))

    assert cell.plain == "80.0 [75.0, 85.0]"


def test_a_seed_without_a_value_is_counted() -> None:
    nothing = {"value": None, "ci_low": None, "ci_high": None}
    metrics = metrics_of(
        {"seed": 0}, {"seed": 1, **nothing, "reason": "one class in training"}
    )

    cell = score_cell(over_seeds(metrics).row(0, named=True))

    assert cell.plain == "80.0 [75.0, 85.0] (1 of 2 seeds)"
    assert cell.why == "one class in training"


def test_floors_that_differ_are_a_range() -> None:
    metrics = metrics_of({"floor": 0.5}, {"encoder": "ira", "floor": 0.62})

    assert floor_text(metrics) == "50.0\u201362.0"


def test_an_interval_that_is_half_known_is_not_shown() -> None:
    cell = score_cell(over_seeds(metrics_of({"ci_high": None})).row(0, named=True))

    assert cell.plain == "80.0"


def test_points_of_two_splits_are_not_joined() -> None:
    points = over_seeds(metrics_of({"split": "mgca"}, {"split": "official"}))

    assert points["split"].to_list() == ["mgca", "official"]
    assert points["num_seeds"].to_list() == [1, 1]


def test_a_caption_says_over_how_many_seeds() -> None:
    def note(*seeds: tuple[str, int]) -> str:
        rows = ({"encoder": name, "seed": seed} for name, seed in seeds)
        return seeds_note(over_seeds(metrics_of(*rows)))

    assert note(("full", 0)).startswith("One seed; in brackets the 95 %")
    three = [("full", seed) for seed in range(3)]
    assert note(*three).startswith("Mean over 3 seeds \u00b1 standard deviation; in")
    assert note(*three, ("pixels", 0)).startswith("Mean over 1 or 3 seeds \u00b1")


def test_a_floor_is_that_of_its_fraction() -> None:
    rows = metrics_of(
        {"fraction": 0.1, "floor": 0.5},
        {"fraction": 1.0, "floor": None},
        {"fraction": 0.5, "floor": 0.41},
    )

    assert floor_texts(rows, fractions=[0.1, 0.5, 1.0]) == ["50.0", "41.0", None]
