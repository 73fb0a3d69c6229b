"""What tests of the radgraph package share."""

import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def quiet_radgraph(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the package from the network, from more threads, and from warning."""
    import torch  # noqa: PLC0415 - the other tests of this folder do without

    torch.set_num_threads(1)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # radgraph and what it brings warn on import
        yield
