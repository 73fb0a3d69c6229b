"""An invocation that is tracked, and a tracking store in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asg_core.files import write_json
from asg_core.tracking.events import Event, EventLog, Status
from asg_core.tracking.mirror import InputValue, MetricValue, StoreError

SETTINGS = {
    "format": 1,
    "invocation": "one",
    "may_export_examples": True,
    "digest_limit_mb": 1.0,
    "tags": {"asg.version": "0"},
    "started_ms": 1000,
    "host": "node",
    "watched_process": None,
    "tracking": {"poll_seconds": 0.01, "drain_seconds": 1, "artifact_limit_mb": 0.001},
    "parent_tags": {},
    "params": {"corpus.name": "demo"},
    "attachments": [],
}


class MemoryStore:
    """A store that forgets doubles as MLflow does, and can be out of order."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.params: dict[str, dict[str, str]] = {}
        self.metrics: dict[str, set[MetricValue]] = {}
        self.inputs: dict[str, set[InputValue]] = {}
        self.artifacts: dict[str, set[str]] = {}
        self.ended: dict[str, tuple[Status, int]] = {}
        self.num_calls_left = 1_000_000

    def _call(self) -> None:
        if self.num_calls_left == 0:
            raise StoreError("down")
        self.num_calls_left -= 1

    def find_runs(self, *, invocation: str) -> dict[str, str]:
        self._call()
        tags = self.tags.items()
        return {t["asg.job"]: r for r, t in tags if t["asg.invocation"] == invocation}

    def create_run(self, *, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        self._call()
        run_id = f"run{len(self.tags)}"
        self.tags[run_id] = dict(tags) | {"name": name, "start_ms": str(start_ms)}
        self.params[run_id] = {}
        self.metrics[run_id] = set()
        self.inputs[run_id] = set()
        self.artifacts[run_id] = set()
        return run_id

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str],
        metrics: Sequence[MetricValue],
        inputs: Sequence[InputValue],
    ) -> None:
        self._call()
        self.params[run_id] |= params
        self.metrics[run_id] |= set(metrics)
        self.inputs[run_id] |= set(inputs)

    def log_artifact(self, run_id: str, path: Path) -> None:
        self._call()
        self.artifacts[run_id].add(path.name)

    def end_run(self, run_id: str, *, status: Status, end_ms: int) -> None:
        self._call()
        self.ended[run_id] = (status, end_ms)

    def named(self, name: str) -> str:
        (run_id,) = [r for r, tags in self.tags.items() if tags["name"] == name]
        return run_id

    def content(self) -> dict[str, Any]:
        """Everything by name of the run, without ids."""
        return {
            tags["name"]: (
                self.params[run_id],
                sorted((m.key, m.value, m.step) for m in self.metrics[run_id]),
                sorted(i.name for i in self.inputs[run_id]),
                self.artifacts[run_id],
                self.ended.get(run_id, (None, 0))[0],
            )
            for run_id, tags in self.tags.items()
        }


def start_tracking(directory: Path, name: str = "one", **changes: object) -> Path:
    """Return the folder of an invocation that is under way."""
    folder = directory / name
    folder.mkdir(parents=True)
    write_json(folder / "invocation.json", SETTINGS | {"invocation": name} | changes)
    write_json(folder / "config.json", {"corpus": {"name": "demo"}})
    write_json(directory / "current.json", {"invocation": name})
    return folder


def begin(folder: Path, *, item: str, rule: str = "parse") -> EventLog:
    log = EventLog(folder / f"{rule}--{item}.jsonl")
    log.append(
        Event.START,
        rule=rule,
        wildcards={"corpus": "demo", "shard": item},
        params={"size": "3"},
        tags={"asg.code": "c0de"},
    )
    log.append(
        Event.INPUTS, inputs=[{"name": "t", "source": "t.parquet", "digest": "d"}]
    )
    return log


def end(log: EventLog, *, status: Status = Status.FINISHED, rows: int = 2) -> None:
    values = [["loss", 0.5, 0, 5], ["loss", 0.25, 1, 6], ["precision", None, None, 6]]
    log.append(Event.METRICS, metrics=values, is_headline=False)
    log.append(Event.METRICS, metrics=[["f1", 0.75, None, 7]], is_headline=True)
    log.append(
        Event.END,
        rule="parse",
        status=status.value,
        error=None,
        metrics={"rows_in": rows, "rejects": None, "seconds": 1.5},
    )


def end_invocation(
    folder: Path,
    *,
    status: Status = Status.FINISHED,
    ended_ms: int = 9_000,
    attachments: Sequence[str] = (),
) -> None:
    values = {"status": status, "ended_ms": ended_ms, "attachments": attachments}
    write_json(folder / "end.json", values)
