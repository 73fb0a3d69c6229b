"""Turn the events of one invocation into runs of a tracking store, each once.

Sending may be killed at any moment and begun again: runs are found by their tags,
positions in the files are saved after what they cover is sent, and sending the same
values with the same times a second time changes nothing in the store.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from asg_core.files import write_json
from asg_core.tracking.events import FORMAT, Event, Status
from asg_core.tracking.invocation import CONFIG, INVOCATION, PROGRESS, read_json

logger = logging.getLogger(__name__)

_MEGABYTE = 1_000_000
_PARENT = "invocation"
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

    def log_artifact(self, run_id: str, path: Path) -> None:
        """Copy a file to the store, over one of the same name."""

    def end_run(self, run_id: str, *, status: Status, end_ms: int) -> None:
        """Set how and when a run ended."""


@dataclass(slots=True, kw_only=True)
class Sent:
    """How much of an invocation is in the store."""

    format: int = FORMAT
    has_parent: bool = False
    """Whether the parent run has its parameters and files."""

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
        self._sent = Sent(**(read_json(folder / PROGRESS) or {}))
        self._runs = store.find_runs(invocation=folder.name)

    @property
    def num_open_jobs(self) -> int:
        """How many jobs have begun and not ended, as far as events tell."""
        return len(self._sent.open_jobs)

    def send(self) -> int:
        """Send the events that are new since the last call; return their number."""
        num_sent = 0
        for path in sorted(self._folder.glob("*.jsonl")):
            begin = self._sent.offsets.get(path.name, 0)
            events, end = read_events(path, begin=begin)
            if end == begin:
                continue
            self._send_events(path.stem, events)
            self._sent.offsets[path.name] = end
            self._save()
            num_sent += len(events)
        return num_sent

    def close(self, *, status: Status, end_ms: int, attachments: Sequence[str]) -> None:
        """End what is still open, then the parent run.

        A job without an end did not reach it: it was killed with the invocation, or by
        itself (out of memory, out of time) while the invocation went on to fail.
        """
        if not self._sent.offsets:
            return
        killed = Status.KILLED if status is Status.KILLED else Status.FAILED
        for job in self._sent.open_jobs:
            if job in self._runs:
                self._store.end_run(self._runs[job], status=killed, end_ms=end_ms)
        parent = self._parent()
        metrics = [
            MetricValue(key=key, value=value, step=0, time_ms=end_ms)
            for key, value in sorted(self._sent.totals.items())
        ]
        self._store.log(parent, params={}, metrics=metrics, inputs=[])
        for path in attachments:
            self._send_artifact(parent, Path(path))
        self._store.end_run(parent, status=status, end_ms=end_ms)
        self._sent.open_jobs.clear()
        self._sent.is_closed = True
        self._save()

    def _send_events(self, stem: str, events: Sequence[Mapping[str, Any]]) -> None:
        attempts: dict[str, list[Mapping[str, Any]]] = {}
        for event in events:
            attempts.setdefault(f"{stem}#{event['attempt']}", []).append(event)
        for job, of_attempt in attempts.items():
            self._send_attempt(job, of_attempt)
        # Only when all is sent: what breaks off is sent again, but counted once.
        for job, of_attempt in attempts.items():
            self._count(job, of_attempt)

    def _send_attempt(self, job: str, events: Sequence[Mapping[str, Any]]) -> None:
        run_id = self._child(job, events[0])
        kinds = {kind: [e for e in events if e["event"] == kind] for kind in Event}
        metrics = [m for event in kinds[Event.METRICS] for m in read_metrics(event)]
        metrics += [m for event in kinds[Event.END] for m in end_metrics(event)]
        self._store.log(
            run_id,
            params={k: v for e in kinds[Event.START] for k, v in e["params"].items()},
            metrics=metrics,
            inputs=[InputValue(**i) for e in kinds[Event.INPUTS] for i in e["inputs"]],
        )
        headlines = [e for e in kinds[Event.METRICS] if e["is_headline"]]
        for event in headlines:
            self._store.log(
                self._parent(), params={}, metrics=read_metrics(event), inputs=[]
            )
        for event in kinds[Event.ARTIFACT]:
            self._send_artifact(run_id, Path(event["path"]))
        for event in kinds[Event.END]:
            status = Status(event["status"])
            self._store.end_run(run_id, status=status, end_ms=event["time_ms"])

    def _count(self, job: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Note which jobs are open, and add what ended to the totals of its rule."""
        for event in events:
            if event["event"] == Event.START:
                self._sent.open_jobs[job] = event["time_ms"]
            if event["event"] != Event.END:
                continue
            self._sent.open_jobs.pop(job, None)
            values = {name: event["metrics"].get(name) for name in _SUMMED}
            has_failed = event["status"] != Status.FINISHED
            values |= {"jobs": 1, "jobs_failed": int(has_failed)}
            for name, value in values.items():
                if value is not None:
                    key = f"{event['rule']}/{name}"
                    total = self._sent.totals.get(key, 0) + value
                    self._sent.totals[key] = total

    def _parent(self) -> str:
        """Return the run of the invocation, made when its first job has begun."""
        if _PARENT not in self._runs:
            settings = self._settings
            tags = settings["tags"] | settings["parent_tags"]
            tags |= {"asg.invocation": self._folder.name, "asg.job": _PARENT}
            tags |= {"mlflow.source.name": "snakemake", "mlflow.source.type": "JOB"}
            self._runs[_PARENT] = self._store.create_run(
                name=self._name(settings.get("purpose")),
                start_ms=settings["started_ms"],
                tags=tags,
            )
        run_id = self._runs[_PARENT]
        if not self._sent.has_parent:
            params = self._settings["params"]
            self._store.log(run_id, params=params, metrics=[], inputs=[])
            for path in [self._folder / CONFIG, *self._settings["attachments"]]:
                self._send_artifact(run_id, Path(path))
            self._sent.has_parent = True
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
            name=self._name(rule, *names), start_ms=first["time_ms"], tags=tags
        )
        return self._runs[job]

    def _name(self, *parts: str | None) -> str:
        """Return the name of a run: the corpus, then what is done with it.

        Lists show the beginning of a name only, and runs of all corpora beside each
        other.
        """
        known = [part for part in (self._settings.get("corpus"), *parts) if part]
        # An invocation of an earlier version says neither.
        return " ".join(known) or self._folder.name

    def _send_artifact(self, run_id: str, path: Path) -> None:
        limit = self._settings["tracking"]["artifact_limit_mb"] * _MEGABYTE
        if not path.is_file():
            logger.warning("artifact %s: not sent, there is no such file", path)
        elif path.stat().st_size > limit:
            logger.info("artifact %s: not sent, larger than artifact_limit_mb", path)
        else:
            self._store.log_artifact(run_id, path)

    def _save(self) -> None:
        write_json(self._folder / PROGRESS, asdict(self._sent))


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
