"""SIIM-ACR Pneumothorax: its keys, its targets, and what is said about it elsewhere."""

from pathlib import Path
from typing import Literal

from asg_core.benchmarks.spec import BenchmarkConfig, BenchmarkSpec

TARGET = "Pneumothorax"


class SiimConfig(BenchmarkConfig):
    """SIIM-ACR Pneumothorax Segmentation."""

    labels: Path | None = None
    """The csv of the run lengths, relative to the root or absolute; null takes the one
    csv in the root that has their two columns and is no example of a submission."""

    split: Literal["image", "mgca-rows"] = "image"
    """`image` divides the images 70 / 15 / 15. `mgca-rows` is the division of the MGCA
    code, which divides the rows of the csv and so has images in two parts."""


SPEC = BenchmarkSpec(
    name="siim",
    label="SIIM",
    about="SIIM-ACR Pneumothorax: one finding, with masks.",
    config=SiimConfig,
    segmentation_target=TARGET,
)
