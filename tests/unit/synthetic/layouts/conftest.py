from pathlib import Path

import pytest

from support.synthetic_benchmarks import make_benchmarks, small_world

CONFIG = small_world(nih=70, chexpert=30, rsna=40)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmarks as they are made, not to be changed."""
    return make_benchmarks(tmp_path_factory.mktemp("benchmarks"), config=CONFIG)
