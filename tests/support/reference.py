"""Real data that tests may use and the repository may not hold."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def reference_data(name: str) -> Path:
    """Return a file or folder of the reference data, or skip the test.

    The folder is what ASG_REFERENCE_DATA names, else `shared/data` beside the checkout.
    """
    named = os.environ.get("ASG_REFERENCE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / name).exists():
        pytest.skip(f"no {name} in the reference data: set ASG_REFERENCE_DATA")
    return folder / name


def released_labels(name: str) -> Path:
    """Return a label file that torchxrayvision ships, or skip the test.

    The package is found without being imported: it would bring torch with it.
    """
    spec = importlib.util.find_spec("torchxrayvision")
    if spec is None or spec.origin is None:
        pytest.skip(f"torchxrayvision, which ships {name}, is not installed")
    return Path(spec.origin).parent / "data" / name


def open_i_archive() -> Path:
    """Return the Open-i reports that torchxrayvision ships, or skip the test."""
    return released_labels("NLMCXR_reports.tgz")
