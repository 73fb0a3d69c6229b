"""One finished run of config/test.yaml, shared by all workers of a test session."""

import fcntl
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from support.checkout import Checkout, copy_project

TIMEOUT_SECONDS = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests of whole runs take longer than others."""
    for item in items:
        is_here = Path(__file__).parent in item.path.parents
        if is_here and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout in which everything is made, and which nobody may change.

    Others look at it at the same time: a test may add configurations and results of
    other names, and takes `own` to edit or to lose what is there.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    checkout = Checkout(shared / "finished", has_networks=True)
    is_made = shared / "is_made"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if checkout.root.exists():
            assert is_made.exists(), "the run of config/test.yaml failed before"
        else:
            copy_project(checkout.root)
            checkout.snakemake("--cores", "2")
            is_made.touch()
    return checkout


@pytest.fixture(scope="module")
def own(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a copy of the finished run for one file of tests."""
    root = tmp_path_factory.mktemp("own") / "checkout"
    shutil.copytree(finished.root, root, symlinks=True)
    return replace(finished, root=root, has_networks=False)
