"""RSNA Pneumonia: its keys, its targets, and what is said about it elsewhere."""

from typing import Literal

from asg_core.benchmarks.spec import BenchmarkConfig, BenchmarkSpec

TARGET = "Pneumonia"


class RsnaConfig(BenchmarkConfig):
    """RSNA Pneumonia Detection Challenge, stage 2."""

    split: Literal["mgca", "mgca-detection", "benchx"] = "mgca"
    """Published divisions of the labelled images, drawn again from the label file: the
    first is for classification, the second for segmentation."""


SPEC = BenchmarkSpec(
    name="rsna",
    label="RSNA",
    about="RSNA Pneumonia: one finding, with boxes.",
    config=RsnaConfig,
    segmentation_target=TARGET,
    shares_patients_with=frozenset({"nih"}),  # its images are drawn from NIH
)
