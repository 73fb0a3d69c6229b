"""The job's side of tracking: JSON lines, appended to a file that the mirror follows.

Writing is cheap, works on any node that shares the results folder, and cannot fail a job.
While a run is tracked, `results/<corpus>/tracking/current.json` names the invocation; a
job finds it from the path of its own log. Without that file nothing is written.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

logger = logging.getLogger(__name__)

CURRENT = "current.json"
FORMAT = 1
"""Version of the files in a tracking folder."""


class Status(StrEnum):
    """How a job or an invocation ended, as MLflow spells it."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class Event(StrEnum):
    """What a line of an event file tells of a job."""

    START = "start"
    INPUTS = "inputs"
    METRICS = "metrics"
    ARTIFACT = "artifact"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The tracked invocation that a job belongs to."""

    folder: Path
    """Where its events go: results/<corpus>/tracking/<invocation>."""

    may_export_examples: bool
    """Whether report text, pixels and ids may go into events and artifacts."""

    digest_limit_mb: float
    """Larger inputs are named by size and time."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """What every job of the invocation has in common, such as the commit."""


class EventLog:
    """The events of one attempt at one job.

    A job that Snakemake tries again appends to the same file under another attempt.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._attempt = secrets.token_hex(4)
        self._has_failed = False

    @property
    def is_on(self) -> bool:
        """Whether anybody is going to read the events."""
        return self._path is not None

    def append(self, event: Event, **fields: object) -> None:
        """Append one event; an error of the file system is logged once, not raised."""
        if self._path is None:
            return
        values = {"event": event, "attempt": self._attempt, "time_ms": now_ms()}
        line = json.dumps(values | fields, default=str)
        try:
            _append_line(self._path, line)
        except OSError as error:
            if not self._has_failed:
                logger.warning("events are not written: %s", error)
            self._has_failed = True


def now_ms() -> int:
    """Return the time as MLflow counts it: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def find_invocation(log: Path) -> Invocation | None:
    """Return the tracked invocation that the job with this log belongs to, if any.

    The tracking folder lies beside the folder "logs" that holds the log.
    """
    above = [parent for parent in log.parents if parent.name == "logs"]
    if not above:
        return None
    directory = above[0].parent / "tracking"
    try:
        current = json.loads((directory / CURRENT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.warning("this job is not tracked: %s", error)
        return None
    if current.get("format") != FORMAT:
        logger.warning(
            "this job is not tracked: %s is of format %s, expected %d",
            directory / CURRENT,
            current.get("format"),
            FORMAT,
        )
        return None
    return Invocation(
        folder=directory / current["invocation"],
        may_export_examples=current["may_export_examples"],
        digest_limit_mb=current["digest_limit_mb"],
        tags=current["tags"],
    )


def event_file(
    invocation: Invocation, *, rule: str, wildcards: Mapping[str, str]
) -> Path:
    """Return the event file of a job: <rule>--<value of each wildcard>.jsonl."""
    values = [value for name, value in wildcards.items() if name != "corpus"]
    stem = "--".join([rule, *values])
    return invocation.folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', stem)}.jsonl"


def flatten(values: Mapping[str, object], *, prefix: str = "") -> dict[str, str]:
    """Return nested settings as one level: {"a": {"b": [1]}} becomes {"a.b": "[1]"}."""
    return dict(_flat(values, prefix=prefix))


def _flat(values: Mapping[str, object], *, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, prefix=f"{prefix}{name}.")
        elif isinstance(value, str):
            yield f"{prefix}{name}", value
        else:
            yield f"{prefix}{name}", json.dumps(value, default=str)


def _append_line(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        if stream.tell() > 0:
            stream.seek(-1, 2)
            # A killed attempt may have left half a line; ours must not continue it.
            line = line if stream.read(1) == b"\n" else f"\n{line}"
        stream.write(f"{line}\n".encode())
