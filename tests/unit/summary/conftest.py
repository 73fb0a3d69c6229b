"""What the tests of the summary share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from asg_core.summary.inputs import SummaryInputs
from support.fake_results import build, fake_results


@pytest.fixture(scope="session", autouse=True)
def _one_commit() -> Iterator[None]:
    """A commit that does not move while the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asg_core.summary.build.git_commit", lambda: "c0ffee")
        yield


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> SummaryInputs:
    """The results of a whole run."""
    return fake_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def summary(inputs: SummaryInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a summary with everything in it."""
    return build(inputs, tmp_path_factory.mktemp("summary") / "summary")
