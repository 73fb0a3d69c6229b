"""Fill the templates: pages and what they show become HTML."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from asg_core.summary.sheets.names import benchmark_label
from asg_core.summary.sheets.numbers import count_text, seconds_text

TEMPLATES = Path(__file__).parent / "templates"

NUM_HUES = 8
"""Colours of units; a ninth unit of an image starts again with the first."""

# What stands beside a name where its line has this mark: the marks of `plots`.
MARKS: tuple[str, ...] = (
    "M3 0A3 3 0 1 1-3 0A3 3 0 1 1 3 0Z",
    "M-3-3H3V3H-3Z",
    "M0-3.4L3.4 3H-3.4Z",
    "M0-3.8L3.8 0L0 3.8L-3.8 0Z",
    "M0 3.4L3.4-3H-3.4Z",
    "M-1.3-3.6H1.3V-1.3H3.6V1.3H1.3V3.6H-1.3V1.3H-3.6V-1.3H-1.3Z",
    "M-3.2-1.6L-1.6-3.2L0-1.6L1.6-3.2L3.2-1.6L1.6 0L3.2 1.6L1.6 3.2L0 1.6L-1.6 3.2"
    "L-3.2 1.6L-1.6 0Z",
    "M0-4L1-1.3L3.9-1.3L1.6.5L2.4 3.3L0 1.7L-2.4 3.3L-1.6.5L-3.9-1.3L-1-1.3Z",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPage:
    """One page: its file, its name in the navigation, and what its template shows."""

    name: str
    label: str
    values: Mapping[str, object]

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.name}.html"


def render_pages(
    pages: Sequence[SummaryPage], *, shared: Mapping[str, object]
) -> dict[str, str]:
    """Return the HTML of every page by file name.

    Everything that templates insert is escaped, but for the SVG of plots.

    Args:
        pages: The pages, in the order of the navigation.
        shared: What all templates see.

    Raises:
        jinja2.UndefinedError: If a template uses what nobody gave.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"count": count_text, "seconds": seconds_text}
    environment.filters["benchmark_label"] = benchmark_label
    environment.filters["base64"] = _base64
    environment.globals |= {"marks": MARKS, "num_hues": NUM_HUES}
    return {
        page.file: environment.get_template(page.file).render(
            **shared, **page.values, page=page, pages=pages
        )
        for page in pages
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
