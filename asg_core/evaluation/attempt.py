"""Work on one encoder whose failure must not stop the work on the others."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import torch

from asg_core.evaluation.failed_encoders import describe_failure
from asg_core.jobs import Job
from asg_core.sources.reading.item_files import raise_if_passing

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedEncoder:
    """Why an encoder has no result, in one line."""

    reason: str


def attempt(
    work: Callable[[], Result], *, encoder: str, hidden: Collection[str], job: Job
) -> Result | FailedEncoder:
    """Return what some work returns, or why it failed, which the job then notes.

    Args:
        work: What is done with the encoder.
        encoder: Its name.
        hidden: Ids of images, which must not leave the results folder.
        job: Recorded as failed, though it ends like any other.

    Raises:
        PassingFaultError: If the operating system could not read a file just now.
        MemoryError: As above: a retry may cure what is of the moment.
    """
    try:
        return work()
    except (MemoryError, torch.OutOfMemoryError):
        raise
    # Whatever else is wrong with one encoder, the others have their results.
    except Exception as error:  # noqa: BLE001
        raise_if_passing(error, where=f"encoder {encoder}")
        job.note_failure(error)
        return FailedEncoder(reason=describe_failure(error, hidden=hidden))
