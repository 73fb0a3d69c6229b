import shutil
from pathlib import Path

import pytest

from support.benchmark_folders import Copied
from support.synthetic_benchmarks import make_benchmarks, small_world


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmarks as they are made, not to be changed."""
    config = small_world(nih=40, rsna=30)
    return make_benchmarks(tmp_path_factory.mktemp("benchmarks"), config=config)


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Copied:
    """Copies one of the benchmarks, to be damaged."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(made / name, tmp_path / name))

    return copy
