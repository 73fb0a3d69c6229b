"""How numbers are written, on pages and in the terminal."""

import math

MISSING = "\u2013"
"""What stands for a value that is not there."""


def count_text(value: float) -> str:
    """Return a count with thousands separated: "12,345"."""
    return f"{value:,.0f}"


def percent_text(value: float) -> str:
    """Return a share in percent with one decimal and without the sign: "81.2"."""
    return f"{100 * value:.1f}"


def fraction_text(fraction: float) -> str:
    """Return a share of the labels as it heads a column: "1 %"; "no labels" for 0."""
    return "no labels" if fraction == 0 else f"{100 * fraction:g} %"


def number_text(value: float) -> str:
    """Return a number with as many digits as it has meaning: counts whole, rest 3."""
    if not math.isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e15:
        return count_text(value)
    return f"{value:,.3f}" if abs(value) >= 0.001 else f"{value:.2e}"


def seconds_text(seconds: float) -> str:
    """Return a duration: "0.4 s", "12 min 3 s", "3 h 5 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def plural_text(count: int, thing: str) -> str:
    """Return "1 image" or "2 images"."""
    return f"{count_text(count)} {thing}" + ("" if count == 1 else "s")
