"""The ways to scale an image down; settings name one, so nothing else is imported."""

from typing import Literal

Resample = Literal["area", "bilinear"]
"""How pixels are made fewer: `area` is the mean of all that a new pixel covers, `bilinear`
mixes the four around its centre whatever the scale, without the others."""
