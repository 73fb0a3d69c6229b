"""Send the events of invocations to a tracking store, once, whatever interrupts it.

The mirror follows the event files of one invocation while it runs; `sync` sends what is
left of any. Both may be killed at any moment and run again: what is in the store is found
by its tags, positions in the files are saved after what they cover is sent, and sending
the same values with the same times a second time changes nothing in the store.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from asg_core.tracking.events import FORMAT, Status, now_ms
from asg_core.tracking.invocation import (
    END,
    INVOCATION,
    PROGRESS,
    invocation_folders,
    is_closed,
    is_dead,
    read_json,
    remove_if_empty,
    write_json,
)

logger = logging.getLogger(__name__)

_MEGABYTE = 1_000_000
_LATE_SECONDS = 3.0
"""After the end of a run, how long events of its jobs may still be under way."""

_MAX_PAUSE_SECONDS = 30.0
_SUMMED = ("rows_in", "rows_out", "rejects", "seconds")


class StoreError(RuntimeError):
    """The tracking store did not take what it was sent; nothing is lost by that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValue:
    """One number of a run at one step."""

    key: str
    value: float
    step: int
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputValue:
    """One input of a job: a table, a model, a folder."""

    name: str
    source: str
    digest: str


class Store(Protocol):
    """What the mirror needs of a tracking store. Every method may raise `StoreError`."""

    def find_runs(self, *, invocation: str) -> dict[str, str]:
        """Return the run ids of an invocation by their tag asg.job."""

    def create_run(self, *, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        """Return the id of a new run."""

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str],
        metrics: Sequence[MetricValue],
        inputs: Sequence[InputValue],
    ) -> None:
        """Add to a run; what it has already stays once."""

    def log_artifact(self, run_id: str, path: Path, *, folder: str | None) -> None:
        """Copy a file to the store, over one of the same name."""

    def end_run(self, run_id: str, *, status: Status, end_ms: int) -> None:
        """Set how and when a run ended."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How much of an invocation is in the store."""

    format: int = FORMAT
    is_closed: bool = False
    offsets: dict[str, int] = field(default_factory=dict)
    """Bytes of each event file that are sent."""

    open_jobs: dict[str, int] = field(default_factory=dict)
    """Start times in ms of the attempts that have begun and not ended."""

    totals: dict[str, float] = field(default_factory=dict)
    """Metrics of the parent run, summed over the jobs of a rule."""


class InvocationMirror:
    """The state of sending one invocation to one store."""

    def __init__(self, folder: Path, *, store: Store) -> None:
        self._folder = folder
        self._store = store
        self._settings = read_json(folder / INVOCATION) or {}
        self._progress = Progress(**(read_json(folder / PROGRESS) or {}))
        self._runs = store.find_runs(invocation=folder.name)

    @property
    def num_open_jobs(self) -> int:
        """How many jobs have begun and not ended, as far as events tell."""
        return len(self._progress.open_jobs)

    def send(self) -> int:
        """Send the events that are new since the last call; return their number."""
        num_sent = 0
        for path in sorted(self._folder.glob("*.jsonl")):
            begin = self._progress.offsets.get(path.name, 0)
            events, end = read_events(path, begin=begin)
            if end == begin:
                continue
            self._send_events(path.stem, events)
            self._progress.offsets[path.name] = end
            self._save()
            num_sent += len(events)
        return num_sent

    def close(self, *, status: Status, end_ms: int, attachments: Sequence[str]) -> None:
        """End what is still open, then the parent run.

        A job without an end did not reach it: it was killed with the invocation, or by
        itself (out of memory, out of time) while the invocation went on to fail.
        """
        if not self._progress.offsets:
            return
        killed = Status.KILLED if status is Status.KILLED else Status.FAILED
        for job in self._progress.open_jobs:
            self._store.end_run(self._runs[job], status=killed, end_ms=end_ms)
        parent = self._parent()
        metrics = [
            MetricValue(key=key, value=value, step=0, time_ms=end_ms)
            for key, value in sorted(self._progress.totals.items())
        ]
        self._store.log(parent, params={}, metrics=metrics, inputs=[])
        for path in attachments:
            self._send_artifact(parent, Path(path), folder=None)
        self._store.end_run(parent, status=status, end_ms=end_ms)
        self._progress.open_jobs.clear()
        self._progress.is_closed = True
        self._save()

    def _send_events(self, stem: str, events: Sequence[Mapping[str, Any]]) -> None:
        attempts: dict[str, list[Mapping[str, Any]]] = {}
        for event in events:
            attempts.setdefault(event["attempt"], []).append(event)
        for attempt, of_attempt in attempts.items():
            self._send_attempt(f"{stem}#{attempt}", of_attempt)

    def _send_attempt(self, job: str, events: Sequence[Mapping[str, Any]]) -> None:
        run_id = self._child(job, events[0])
        kinds = {kind: [e for e in events if e["event"] == kind] for kind in _KINDS}
        metrics = [m for event in kinds["metrics"] for m in read_metrics(event)]
        metrics += [m for event in kinds["end"] for m in end_metrics(event)]
        self._store.log(
            run_id,
            params={k: v for e in kinds["start"] for k, v in e["params"].items()},
            metrics=metrics,
            inputs=[InputValue(**i) for e in kinds["inputs"] for i in e["inputs"]],
        )
        headlines = [e for e in kinds["metrics"] if e["is_headline"]]
        for event in headlines:
            self._store.log(
                self._parent(), params={}, metrics=read_metrics(event), inputs=[]
            )
        for event in kinds["artifact"]:
            self._send_artifact(run_id, Path(event["path"]), folder=None)
        for event in kinds["end"]:
            status = Status(event["status"])
            self._store.end_run(run_id, status=status, end_ms=event["time_ms"])
        self._count(job, kinds)

    def _count(self, job: str, kinds: Mapping[str, list[Mapping[str, Any]]]) -> None:
        """Note which jobs are open, and add what ended to the totals of its rule."""
        for event in kinds["start"]:
            self._progress.open_jobs[job] = event["time_ms"]
        for event in kinds["end"]:
            self._progress.open_jobs.pop(job, None)
            values = {name: event["metrics"].get(name) for name in _SUMMED}
            has_failed = event["status"] != Status.FINISHED
            values |= {"jobs": 1, "jobs_failed": int(has_failed)}
            for name, value in values.items():
                if value is not None:
                    key = f"{event['rule']}/{name}"
                    total = self._progress.totals.get(key, 0) + value
                    self._progress.totals[key] = total

    def _parent(self) -> str:
        """Return the run of the invocation, made when its first job has begun."""
        if _PARENT in self._runs:
            return self._runs[_PARENT]
        settings = self._settings
        tags = settings["tags"] | settings["parent_tags"]
        tags |= {"asg.invocation": self._folder.name, "asg.job": _PARENT}
        tags |= {"mlflow.source.name": "snakemake", "mlflow.source.type": "JOB"}
        run_id = self._store.create_run(
            name=self._folder.name, start_ms=settings["started_ms"], tags=tags
        )
        self._runs[_PARENT] = run_id
        self._store.log(run_id, params=settings["params"], metrics=[], inputs=[])
        for path in [self._folder / "config.json", *settings["attachments"]]:
            self._send_artifact(run_id, Path(path), folder=None)
        return run_id

    def _child(self, job: str, first: Mapping[str, Any]) -> str:
        """Return the run of one attempt at a job, made when it has begun."""
        if job in self._runs:
            return self._runs[job]
        wildcards = first.get("wildcards", {})
        names = [value for name, value in wildcards.items() if name != "corpus"]
        rule = first.get("rule", job.partition("--")[0])
        tags = self._settings["tags"] | first.get("tags", {})
        tags |= {"asg.invocation": self._folder.name, "asg.job": job, "asg.rule": rule}
        tags |= {"mlflow.parentRunId": self._parent()}
        tags |= {"mlflow.source.name": rule, "mlflow.source.type": "JOB"}
        self._runs[job] = self._store.create_run(
            name=" ".join([rule, *names]), start_ms=first["time_ms"], tags=tags
        )
        return self._runs[job]

    def _send_artifact(self, run_id: str, path: Path, *, folder: str | None) -> None:
        limit = self._settings["tracking"]["artifact_limit_mb"] * _MEGABYTE
        if not path.is_file():
            logger.warning("artifact %s: not sent, there is no such file", path)
        elif path.stat().st_size > limit:
            logger.info("artifact %s: not sent, larger than artifact_limit_mb", path)
        else:
            self._store.log_artifact(run_id, path, folder=folder)

    def _save(self) -> None:
        write_json(self._folder / PROGRESS, asdict(self._progress))


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
                close_invocation(folder, mirror=mirror)
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
            close_invocation(folder, mirror=mirror)
    return num_sent


def close_invocation(folder: Path, *, mirror: InvocationMirror) -> None:
    """Close an invocation as its end says; one that ended without a word was killed."""
    end = read_json(folder / END)
    if end is None:
        killed_ms = _last_change_ms(folder)
        mirror.close(status=Status.KILLED, end_ms=killed_ms, attachments=[])
    else:
        mirror.close(
            status=Status(end["status"]),
            end_ms=end["ended_ms"],
            attachments=end["attachments"],
        )
    remove_if_empty(folder)


def read_events(path: Path, *, begin: int) -> tuple[list[dict[str, Any]], int]:
    """Return the events after byte `begin`, and the byte after the last whole line.

    A line that a killed job left unfinished is skipped once another line follows it.
    """
    with path.open("rb") as stream:
        stream.seek(begin)
        data = stream.read()
    whole = data[: data.rfind(b"\n") + 1]
    events = []
    for line in whole.splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            logger.warning("%s: skipping a line that is not JSON: %r", path, line[:80])
    return events, begin + len(whole)


def read_metrics(event: Mapping[str, Any]) -> list[MetricValue]:
    """Return the metrics of one event; undefined values are not metrics."""
    return [
        MetricValue(key=key, value=value, step=step or 0, time_ms=time_ms)
        for key, value, step, time_ms in event["metrics"]
        if value is not None
    ]


def end_metrics(event: Mapping[str, Any]) -> list[MetricValue]:
    """Return the counts, times and memory of a job's last event as metrics."""
    return [
        MetricValue(key=key, value=value, step=0, time_ms=event["time_ms"])
        for key, value in event["metrics"].items()
        if value is not None
    ]


_PARENT = "invocation"
_KINDS = ("start", "inputs", "metrics", "artifact", "end")


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
