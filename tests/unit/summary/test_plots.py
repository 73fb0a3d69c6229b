import math
import re
import xml.etree.ElementTree as ET

import polars as pl

from asg_core.summary.inputs import Run
from asg_core.summary.pages.training import draw_curves, runs_sheet
from asg_core.summary.plots import Line, draw_lines
from asg_core.tables.catalog import HISTORY


def history_of(values: dict[str, list[float]]) -> pl.DataFrame:
    return HISTORY.frame(
        {"step": step + 1, "metric": metric, "value": value}
        for metric, curve in values.items()
        for step, value in enumerate(curve)
    )


def test_a_plot_takes_its_colours_from_the_page() -> None:
    line = Line(label="full", series=0, x=[1, 2], y=[3, 4], has_marks=True)

    plot = draw_lines([line], name="p", title="Loss", x_label="steps", y_label="y")

    assert "var(--series-0)" in plot.svg
    assert "currentColor" in plot.svg
    assert not re.search(r"#[0-9a-f]{6}\b(?!-)", plot.svg)
    assert "font-family" not in plot.svg
    assert ">steps</text>" in plot.svg
    assert plot.description == "Loss: y over steps. Lines: full."


def test_a_plot_is_well_formed_and_its_ids_are_its_own() -> None:
    line = Line(label="full", series=9, x=[1, 2], y=[3, 4], low=[2, 3], high=[4, 5])

    plot = draw_lines(
        [line],
        name="mine",
        title="t",
        x_label="x",
        y_label="y",
        x_ticks=[(1, "one")],
        floor=[(1, 3.5), (2, 3.5)],
        is_log_x=True,
    )

    root = ET.fromstring(plot.svg)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert all(str(name).startswith("mine-") for name in ids)
    for reference in re.findall(r"(?:url\(|href=\")#([^)\"]+)", plot.svg):
        assert reference in ids


def test_the_same_lines_give_the_same_text() -> None:
    line = Line(label="a", series=1, x=[1, 2], y=[3, 4], has_marks=True)
    plots = [
        draw_lines([line], name="p", title="t", x_label="$x$", y_label="y")
        for _ in range(2)
    ]

    assert plots[0] == plots[1]
    assert "$x$" in plots[0].svg


def test_nothing_is_an_empty_frame() -> None:
    plot = draw_lines([], name="p", title="t", x_label="x", y_label="y")

    assert plot.svg.startswith("<svg")
    assert plot.description.endswith("Lines: none.")


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
