"""Line plots as SVG that takes its colours and its font from the page around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

NUM_SERIES = 8
"""Distinct colours and marks; more series start again with the first."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# Colours that no plot uses by chance, and what the page replaces them by.
_INK, _GRID, _FLOOR = "#010203", "#040506", "#070809"
_SERIES = tuple(f"#0a0b{index:02x}" for index in range(NUM_SERIES))
_THEME = {
    _INK: "currentColor",
    _GRID: "var(--rule)",
    _FLOOR: "var(--floor)",
    **{colour: f"var(--series-{index})" for index, colour in enumerate(_SERIES)},
}
_SIZE = (4.0, 2.7)  # inches; the page scales it
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "asg",
    "text.parse_math": False,
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: points from left to right, and how far the truth may be from each."""

    label: str
    series: int  # decides the colour and the mark
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    is_dashed: bool = False
    has_marks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """A name with the colour and the mark of its lines."""

    label: str
    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawn plot: SVG to be put into a page, and what it shows in words."""

    svg: str
    title: str
    description: str


def draw_lines(
    lines: Sequence[Line],
    *,
    name: str,
    title: str,
    x_label: str,
    y_label: str,
    x_ticks: Sequence[tuple[float, str]] = (),
    floor: Sequence[tuple[float, float]] = (),
    is_log_x: bool = False,
    is_log_y: bool = False,
) -> Plot:
    """Draw lines over a common x axis; no lines give an empty frame.

    The same arguments give the same text. Colours are variables of the page's style
    sheet, so one drawing serves the light and the dark theme.

    Args:
        lines: The lines, of which later ones lie on top.
        name: Begins the ids inside the SVG; two plots of a page need different names.
        title: The heading of the plot.
        x_label: The label of the horizontal axis.
        y_label: The label of the vertical axis.
        x_ticks: Places and labels of the ticks; by default matplotlib chooses.
        floor: Points of a dashed line under the others.
        is_log_x: Whether the horizontal axis is logarithmic.
        is_log_y: Whether the vertical axis is logarithmic.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever a matplotlibrc of this machine says
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for line in lines:
            _draw_line(axes, line)
        if floor:
            _draw_floor(axes, floor)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        _set_scales(axes, is_log_x=is_log_x, is_log_y=is_log_y, x_ticks=x_ticks)
        buffer = StringIO()
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None},
        )
    labels = ", ".join(dict.fromkeys(line.label for line in lines))
    return Plot(
        svg=_themed(buffer.getvalue(), name=name),
        title=title,
        description=f"{title}: {y_label} over {x_label}. Lines: {labels or 'none'}.",
    )


def _draw_line(axes: matplotlib.axes.Axes, line: Line) -> None:
    series = line.series % NUM_SERIES
    colour = _SERIES[series]
    for x, low, high in zip(line.x, line.low, line.high, strict=False):
        if low is not None and high is not None:
            axes.plot([x, x], [low, high], color=colour, linewidth=1.1, alpha=0.55)
    axes.plot(
        line.x,
        line.y,
        color=colour,
        linewidth=1.5,
        linestyle=(0, (4, 2)) if line.is_dashed else "-",
        marker=_MARKERS[series] if line.has_marks else "",
        markersize=4.5,
        markeredgewidth=0,
    )


def _draw_floor(
    axes: matplotlib.axes.Axes, floor: Sequence[tuple[float, float]]
) -> None:
    x, y = zip(*sorted(floor), strict=True)
    axes.plot(x, y, color=_FLOOR, linewidth=1.2, linestyle=(0, (2, 2)), zorder=1)


def _set_scales(
    axes: matplotlib.axes.Axes,
    *,
    is_log_x: bool,
    is_log_y: bool,
    x_ticks: Sequence[tuple[float, str]],
) -> None:
    if is_log_x:
        axes.set_xscale("log")
    if x_ticks:
        places, labels = zip(*x_ticks, strict=True)
        axes.set_xticks(places, labels)
        axes.xaxis.set_minor_locator(NullLocator())
        # Room left and right, on the axis as it is drawn.
        axes.margins(x=0.08)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if is_log_y:
        axes.set_yscale("log")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.tick_params(length=3, width=0.6)


def _themed(svg: str, *, name: str) -> str:
    """Return the SVG element alone: ids of its own, colours and fonts of the page."""
    svg = svg[svg.index("<svg") :].strip()
    # A style element inside a page would be for all of the page.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"font-family: [^;\"]*;?\s*", "", svg)
    for colour, variable in _THEME.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
