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

    max_rotation_deg: float
    scale: tuple[float, float]
    max_shift: float
    """Of the chest against the film, fraction of its sides."""

    max_turn: float
    """Of the patient about the body axis, as x of the sternum, anatomy units."""

    collimation: float
    """Probability that the edges of the field can be seen."""

    marker: float
    """Probability of an "L" or "R" marker."""

    portable_text: float
    """Probability that an AP image says "PORTABLE"."""

    leads: float
    """Probability that an AP image shows monitoring leads across the chest."""

    aspect_ratios: tuple[float, ...]
    """Width over height, each as likely."""


CORPUS = Acquisition(
    gamma=(0.95, 1.25),
    contrast=(0.82, 1.14),
    noise=(1.2, 3.5),
    blur=(0.0, 0.0012),
    max_rotation_deg=8.0,
    scale=(0.87, 1.18),
    max_shift=0.08,
    max_turn=0.022,
    collimation=0.35,
    marker=0.6,
    portable_text=0.5,
    leads=0.35,
    aspect_ratios=(0.82, 0.83, 1.0, 1.2, 1.22),
)
"""The pre-training corpus: one hospital, well exposed, all sizes of film."""

NIH = Acquisition(
    gamma=(0.85, 1.10),
    contrast=(0.70, 0.96),
    noise=(2.2, 5.0),
    blur=(0.0008, 0.0030),
    max_rotation_deg=8.0,
    scale=(0.87, 1.18),
    max_shift=0.08,
    max_turn=0.022,
    collimation=0.3,
    marker=0.8,
    portable_text=0.2,
    leads=0.25,
    aspect_ratios=(1.0,),
)
"""Square, softer and noisier than the corpus."""

CHEXPERT = Acquisition(
    gamma=(0.80, 1.05),
    contrast=(0.95, 1.20),
    noise=(2.0, 5.5),
    blur=(0.0004, 0.0020),
    max_rotation_deg=8.0,
    scale=(0.87, 1.18),
    max_shift=0.08,
    max_turn=0.025,
    collimation=0.55,
    marker=0.7,
    portable_text=0.4,
    leads=0.45,
    aspect_ratios=(0.82, 1.0, 1.19),
)
"""Hard contrast, many portable images and visible field edges."""

RSNA = Acquisition(
    gamma=(0.85, 1.15),
    contrast=(0.80, 1.02),
    noise=(2.5, 6.0),
    blur=(0.0006, 0.0024),
    max_rotation_deg=8.0,
    scale=(0.87, 1.18),
    max_shift=0.08,
    max_turn=0.022,
    collimation=0.3,
    marker=0.75,
    portable_text=0.3,
    leads=0.3,
    aspect_ratios=(1.0,),
)
"""A part of the NIH images, stored again as DICOM."""

COVIDX = Acquisition(
    gamma=(0.75, 1.20),
    contrast=(0.66, 1.05),
    noise=(2.2, 6.0),
    blur=(0.0008, 0.0036),
    max_rotation_deg=8.0,
    scale=(0.87, 1.18),
    max_shift=0.08,
    max_turn=0.025,
    collimation=0.4,
    marker=0.5,
    portable_text=0.3,
    leads=0.4,
    aspect_ratios=(0.85, 1.0, 1.15, 1.22),
)
"""Gathered from many places: every look, several of them poor."""

SIIM = Acquisition(
    gamma=(0.85, 1.15),
    contrast=(0.80, 1.02),
    noise=(2.5, 6.0),
    blur=(0.0004, 0.0020),
    max_rotation_deg=8.0,
    scale=(0.87, 1.18),
    max_shift=0.08,
    max_turn=0.022,
    collimation=0.3,
    marker=0.75,
    portable_text=0.3,
    leads=0.35,
    aspect_ratios=(1.0,),
)
"""Like RSNA, a little sharper: the benchmark is about thin lines."""
