import errno

import pytest
import torch

from asg_core.evaluation.attempt import FailedEncoder, attempt
from asg_core.jobs import Job
from asg_core.sources.reading.item_files import PassingFaultError


def _raise(error: BaseException) -> str:
    raise error


def test_work_that_succeeds_returns_what_it_made() -> None:
    found = attempt(lambda: 3, encoder="x", hidden=(), job=Job.silent())

    assert found == 3


def test_work_that_fails_is_said_in_one_line_and_noted_by_the_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ValueError("expected weights,\nfound none")

    found = attempt(
        lambda: _raise(error), encoder="x", hidden=["image-1"], job=Job.silent()
    )

    assert found == FailedEncoder(reason="ValueError: expected weights, found none")
    assert caplog.records[-1].exc_info is not None
    assert caplog.records[-1].exc_info[1] is error


def test_ids_of_images_stay_in_the_log() -> None:
    error = KeyError("image-1")

    found = attempt(
        lambda: _raise(error), encoder="x", hidden=["image-1"], job=Job.silent()
    )

    assert found == FailedEncoder(reason="KeyError; the log of the job says more")


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (OSError(errno.ESTALE, "Stale file handle"), PassingFaultError),
        (MemoryError(), MemoryError),
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_a_retry_may_cure_is_no_failure_of_the_encoder(
    fault: BaseException, raised: type[BaseException]
) -> None:
    with pytest.raises(raised):
        attempt(lambda: _raise(fault), encoder="x", hidden=(), job=Job.silent())
