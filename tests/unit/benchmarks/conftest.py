import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.make import make_synthetic

SYNTHETIC = SyntheticConfig(
    patients=1,
    broken_files=0,
    image_size=80,
    benchmark_image_size=64,
    benchmarks={"nih": 40, "chexpert": 24, "rsna": 30, "covidx": 24, "siim": 24},
)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five benchmarks as they are made, not to be changed."""
    folder = tmp_path_factory.mktemp("benchmarks")
    make_synthetic(
        config=SYNTHETIC,
        root=folder / "source",
        truth=folder / "truth",
        num_shards=1,
        num_processes=1,
    )
    return folder / "source" / "benchmarks"


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies one of the benchmarks, to be damaged."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(made / name, tmp_path / name))

    return copy
