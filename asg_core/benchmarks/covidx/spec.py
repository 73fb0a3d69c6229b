"""COVIDx: its keys, its targets, and what is said about it elsewhere."""

from typing import Literal

from asg_core.benchmarks.spec import BenchmarkSpec, DrawnSplitConfig


class CovidxConfig(DrawnSplitConfig):
    """COVIDx; version 9A is the one of the published numbers."""

    split: Literal["patient", "mgca", "lists"] = "patient"
    """How train.txt is divided; test.txt is the test part always. `patient` draws
    validation patients; `mgca` takes a fifth of the images, half of which are of training
    patients; `lists` takes val.txt, which versions from CXR-3 on have."""


SPEC = BenchmarkSpec(
    name="covidx",
    label="COVIDx",
    about="COVIDx: classes that exclude each other.",
    config=CovidxConfig,
    is_exclusive=True,
    # Its images without COVID-19 are largely those of RSNA.
    shares_patients_with=frozenset({"nih", "rsna"}),
)
