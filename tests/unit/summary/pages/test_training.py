import math

import polars as pl

from asg_core.summary.inputs import Run
from asg_core.summary.pages.training import draw_curves, runs_sheet
from asg_core.tables.catalog import HISTORY


def history_of(values: dict[str, list[float]]) -> pl.DataFrame:
    return HISTORY.frame(
        {"step": step + 1, "metric": metric, "value": value}
        for metric, curve in values.items()
        for step, value in enumerate(curve)
    )


def test_losses_come_first_and_splits_share_a_plot() -> None:
    history = history_of(
        {
            "train/learning_rate": [1e-5, 2e-5],
            "train/loss": [3.0, 2.0],
            "validate/loss": [3.5, 2.5],
            "validate/tag_map": [0.1, 0.2],
        }
    )

    curves = draw_curves({"full": history, "ira": history})

    assert [curve.title for curve in curves] == [
        "Loss, all parts weighted",
        "Tags: mean average precision",
        "Learning rate",
    ]
    assert "Lines: full, ira." in curves[0].description
    assert "stroke-dasharray" in curves[0].svg
    assert "stroke-dasharray" not in curves[2].svg


def test_long_curves_become_means_and_values_that_are_not_numbers_are_left_out() -> (
    None
):
    history = history_of({"train/loss": [1.0, math.nan, *([2.0] * 2000)]})

    (curve,) = draw_curves({"full": history})

    assert len(curve.svg) < 30_000


def test_no_history_has_no_curves() -> None:
    assert draw_curves({}) == []
    assert draw_curves({"full": HISTORY.empty()}) == []


def test_facts_are_those_that_a_run_states() -> None:
    full = {"steps": 1200, "settings": {"losses": {"image_report": 1, "tags": 5.0}}}
    runs = [
        Run(name="full", facts=full, history=HISTORY.empty()),
        Run(name="old", facts={"versions": {"torch": "2"}}, history=HISTORY.empty()),
    ]

    sheet = runs_sheet(runs)

    assert sheet is not None
    assert [[cell.text for cell in row] for row in sheet.rows] == [
        ["Losses", "IRA + 5 \u00d7 IRL", "\u2013"],
        ["Steps", "1,200", "\u2013"],
    ]
    assert sheet.notes == ("Versions in old: torch 2.",)


def test_runs_that_state_nothing_have_no_sheet() -> None:
    run = Run(name="full", facts={}, history=HISTORY.empty())

    assert runs_sheet([run]) is None
    assert runs_sheet([]) is None
