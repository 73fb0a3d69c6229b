"""When events are sent: live by the mirror of a run, or afterwards by `sync`."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from asg_core.tracking.events import Status, now_ms
from asg_core.tracking.invocation import (
    END,
    INVOCATION,
    PROGRESS,
    invocation_folders,
    is_closed,
    is_dead,
    read_json,
    remove_if_empty,
)
from asg_core.tracking.mirror import InvocationMirror, Store, StoreError

logger = logging.getLogger(__name__)

_LATE_SECONDS = 3.0
"""After the end of a run, how long events of its jobs may still be under way."""

_MAX_PAUSE_SECONDS = 30.0


def follow(folder: Path, *, open_store: Callable[[], Store]) -> bool:
    """Send the events of an invocation until it has ended; return whether all is sent.

    While the store does not answer, events wait in their files and the pauses grow.
    """
    settings = read_json(folder / INVOCATION) or {}
    poll_seconds = float(settings["tracking"]["poll_seconds"])
    mirror: InvocationMirror | None = None
    num_failures = 0
    while True:
        is_over = (folder / END).exists() or is_dead(folder)
        try:
            if mirror is None:
                mirror = InvocationMirror(folder, store=open_store())
            mirror.send()
            if is_over and (not mirror.num_open_jobs or _is_settled(folder)):
                close_invocation(folder, mirror=mirror, killed_ms=now_ms())
                return True
            num_failures = 0
        except StoreError as error:
            num_failures += 1
            logger.warning("the tracking store does not answer: %s", error)
            if is_over:
                return False
        pause = min(poll_seconds * 2**num_failures, _MAX_PAUSE_SECONDS)
        _pause(folder, seconds=0.2 if is_over else pause)


def sync(directory: Path, *, open_store: Callable[[Path], Store]) -> dict[str, int]:
    """Send what is left of all invocations in a tracking folder.

    Invocations that ended, killed ones included, are closed; one that still runs gets
    its new events and stays open.

    Returns:
        The number of events sent for each invocation that was not complete.

    Raises:
        StoreError: If a store does not answer; what was sent until then stays sent.
    """
    num_sent: dict[str, int] = {}
    for folder in invocation_folders(directory):
        is_over = (folder / END).exists() or is_dead(folder)
        if is_over and remove_if_empty(folder):
            continue
        if is_closed(folder) and not _has_news(folder):
            continue
        mirror = InvocationMirror(folder, store=open_store(folder))
        num_sent[folder.name] = mirror.send()
        if is_over:
            # Nobody saw it die: the last sign of life has to do.
            last_ms = _last_change_ms(folder)
            close_invocation(folder, mirror=mirror, killed_ms=last_ms)
    return num_sent


def close_invocation(folder: Path, *, mirror: InvocationMirror, killed_ms: int) -> None:
    """Close an invocation as its end says; one that ended without a word was killed.

    Args:
        folder: Of the invocation.
        mirror: Has sent all events that there are.
        killed_ms: When the invocation died, if it was killed.
    """
    end = read_json(folder / END)
    if end is None:
        mirror.close(status=Status.KILLED, end_ms=killed_ms, attachments=[])
    else:
        mirror.close(
            status=Status(end["status"]),
            end_ms=end["ended_ms"],
            attachments=end["attachments"],
        )
    remove_if_empty(folder)


def _has_news(folder: Path) -> bool:
    offsets = (read_json(folder / PROGRESS) or {}).get("offsets", {})
    return any(
        path.stat().st_size > offsets.get(path.name, 0)
        for path in folder.glob("*.jsonl")
    )


def _is_settled(folder: Path) -> bool:
    """Return whether the end is so long ago that no event is under way any more."""
    end = read_json(folder / END)
    return end is None or now_ms() - end["ended_ms"] > 1000 * _LATE_SECONDS


def _last_change_ms(folder: Path) -> int:
    stats = [path.stat() for path in folder.glob("*.jsonl")]
    return max((stat.st_mtime_ns for stat in stats), default=0) // 1_000_000


def _pause(folder: Path, *, seconds: float) -> None:
    """Sleep, but wake for the end of the invocation."""
    was_over = (folder / END).exists()
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if (folder / END).exists() and not was_over:
            return
        time.sleep(min(left, 0.2))
