"""One finished run of config/test.yaml, shared by the tests of a session."""

import pytest

from support.checkout import Checkout, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout in which everything is made."""
    checkout = copy_project(tmp_path_factory.mktemp("finished") / "checkout")
    checkout.snakemake("--cores", "2")
    return checkout
