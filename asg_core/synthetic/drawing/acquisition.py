"""How an image is taken and developed, and how that differs between populations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """Ranges that the look and the pose of an image are drawn from, uniformly."""

    gamma: tuple[float, float]
    """Exponent of the brightness; above 1 is darker in the lungs."""

    contrast: tuple[float, float]
    """Scale of the attenuation range that is shown; 1 shows all of it."""

    noise: tuple[float, float]
    """SD of the grain, gray levels of 255."""

    blur: tuple[float, float]
    """SD of the blur, fractions of the longest side."""

    max_rotation_deg: float = 8.0
    scale: tuple[float, float] = (0.87, 1.18)
    max_shift: float = 0.08
    """The largest shift of the chest against the film, fraction of its sides."""

    max_turn: float = 0.022
    """The largest turn of the patient about the body axis, as x of the sternum, anatomy
    units."""

    collimation: float
    """Probability that the edges of the field can be seen."""

    marker: float
    """Probability of an "L" or "R" marker."""

    portable_text: float
    """Probability that an AP image says "PORTABLE"."""

    leads: float
    """Probability that an AP image shows monitoring leads across the chest."""

    aspect_ratios: tuple[float, ...] = (1.0,)
    """Width over height, each as likely."""
