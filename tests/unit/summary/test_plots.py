import re
import xml.etree.ElementTree as ET

import pytest

from asg_core.summary.plots import Line, draw_lines
from support.svg_lines import lines_of


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


def test_an_interval_needs_both_of_its_edges() -> None:
    line = Line(label="a", series=0, x=[1, 2], y=[3, 4], low=[None, 2], high=[5, None])

    plot = draw_lines([line], name="p", title="t", x_label="x", y_label="y")

    assert len(lines_of(plot.svg, colour="series-0")) == 1


def test_ticks_stand_where_they_are_asked_for() -> None:
    line = Line(label="a", series=0, x=[0.01, 1.0], y=[3, 4])

    plot = draw_lines(
        [line],
        name="p",
        title="t",
        x_label="x",
        y_label="y",
        x_ticks=[(0.01, "1 %"), (0.1, "10 %"), (1.0, "100 %")],
        is_log_x=True,
    )

    # On a logarithmic axis a tenth lies in the middle.
    ticks = re.findall(r'id="p-xtick_\d"(?s:.*?)x="([\d.]+)"', plot.svg)
    left, middle, right = map(float, ticks)
    assert middle - left == pytest.approx(right - middle, abs=0.01)
    for label in (">1 %<", ">10 %<", ">100 %<"):
        assert label in plot.svg
