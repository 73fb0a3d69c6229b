"""What the tests of training share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from asg_core.training.job import PretrainJob
from support.small_run import make_small_job, small_settings

MakeJob = Callable[..., PretrainJob]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_job(tmp_path_factory: pytest.TempPathFactory) -> PretrainJob:
    """A job on a corpus that is only read; give it another `out` and `work`."""
    return make_small_job(tmp_path_factory.mktemp("small"))


@pytest.fixture
def make_job(small_job: PretrainJob, tmp_path: Path) -> MakeJob:
    """Return a function: name of a folder and settings -> a job that writes there."""

    def make(name: str = "run", **changes: Any) -> PretrainJob:  # noqa: ANN401
        return small_job.model_copy(
            update={
                "out": tmp_path / name / "out",
                "work": tmp_path / name / "work",
                "settings": small_settings(**changes),
            }
        )

    return make
