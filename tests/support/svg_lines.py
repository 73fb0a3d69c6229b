"""Where the lines of a drawn plot lie."""

import re

Points = list[tuple[float, float]]

_PATH = re.compile(r'<path[^>]*? d="([^"]*)"[^>]*?style="([^"]*)"')
_POINT = re.compile(r"[ML] ([\d.-]+) ([\d.-]+)")


def lines_of(svg: str, *, colour: str) -> list[Points]:
    """Return the points of every line of a colour, such as "floor" or "series-0".

    They are in the units of the SVG: y grows downwards.
    """
    return [
        [(float(x), float(y)) for x, y in _POINT.findall(path)]
        for path, style in _PATH.findall(svg)
        if f"stroke: var(--{colour})" in style
    ]
