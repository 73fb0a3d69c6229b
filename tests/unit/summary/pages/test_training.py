import math
import re

import polars as pl
import pytest

from asg_core.summary.inputs import Run
from asg_core.summary.pages.training import draw_curves, runs_sheet
from asg_core.tables.catalog import HISTORY
from support.svg_lines import lines_of


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


def test_a_long_curve_is_drawn_as_means_over_stretches_that_end_where_it_does() -> None:
    # 1,200 points are 400 stretches of three; each has the values 1, 2, 6.
    history = history_of({"train/loss": [1.0, 2.0, 6.0] * 400})
    short = history_of({"train/loss": [3.0, 3.0]})

    (curve,) = draw_curves({"long": history, "short": short})

    (means,) = lines_of(curve.svg, colour="series-0")
    (three,) = lines_of(curve.svg, colour="series-1")
    assert {y for _, y in means} == {y for _, y in three}
    # The last point stands at the last step, 1,200; the second of the other at step 2.
    scale = three[1][0] - three[0][0]
    assert means[-1][0] - three[0][0] == pytest.approx(1199 * scale, rel=0.01)


def test_values_that_are_not_numbers_leave_their_point_out() -> None:
    history = history_of({"train/loss": [1.0, math.nan, 3.0, math.inf]})

    (curve,) = draw_curves({"full": history})

    (line,) = lines_of(curve.svg, colour="series-0")
    assert len(line) == 2


def test_a_curve_of_one_point_is_seen() -> None:
    (one,) = draw_curves({"full": history_of({"train/loss": [1.0]})})
    (two,) = draw_curves({"full": history_of({"train/loss": [1.0, 2.0]})})

    assert "<use" in re.sub(r'id="curve-0-(matplotlib|xtick|ytick).*?</g>', "", one.svg)
    assert one.svg.count("fill: var(--series-0)") > 0
    assert two.svg.count("fill: var(--series-0)") == 0


def test_shares_are_facts_in_percent() -> None:
    facts = {"throughput": {"data_wait_share": 0.0131, "images_per_second": 1234.56}}

    sheet = runs_sheet([Run(name="full", facts=facts, history=HISTORY.empty())])

    assert sheet is not None
    assert [[cell.text for cell in row] for row in sheet.rows] == [
        ["Images per second", "1,234.6"],
        ["Share of time waiting for data", "1.3 %"],
    ]
