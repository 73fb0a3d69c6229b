import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from asg_core.files import write_json
from asg_core.tracking.events import EventLog, Status
from asg_core.tracking.invocation import is_closed
from asg_core.tracking.mirror import (
    InputValue,
    InvocationMirror,
    MetricValue,
    StoreError,
    read_events,
)
from asg_core.tracking.sync import follow, sync

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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An invocation that is under way."""
    directory = tmp_path / "tracking"
    (directory / "one").mkdir(parents=True)
    write_json(directory / "one/invocation.json", SETTINGS)
    write_json(directory / "one/config.json", {"corpus": {"name": "demo"}})
    write_json(directory / "current.json", {"invocation": "one"})
    return directory / "one"


def begin(folder: Path, *, item: str, rule: str = "parse") -> EventLog:
    log = EventLog(folder / f"{rule}--{item}.jsonl")
    log.append(
        "start",
        rule=rule,
        wildcards={"corpus": "demo", "shard": item},
        params={"size": "3"},
        tags={"asg.code": "c0de"},
    )
    log.append("inputs", inputs=[{"name": "t", "source": "t.parquet", "digest": "d"}])
    return log


def end(log: EventLog, *, status: Status = Status.FINISHED, rows: int = 2) -> None:
    values = [["loss", 0.5, 0, 5], ["loss", 0.25, 1, 6], ["precision", None, None, 6]]
    log.append("metrics", metrics=values, is_headline=False)
    log.append("metrics", metrics=[["f1", 0.75, None, 7]], is_headline=True)
    log.append(
        "end",
        rule="parse",
        status=status.value,
        error=None,
        metrics={"rows_in": rows, "rejects": None, "seconds": 1.5},
    )


def end_invocation(folder: Path, *, status: Status = Status.FINISHED) -> None:
    write_json(
        folder / "end.json",
        {"status": status.value, "ended_ms": 9_000, "attachments": []},
    )


def test_a_job_becomes_a_child_of_the_run_of_its_invocation(folder: Path) -> None:
    store = MemoryStore()
    end(begin(folder, item="0000-of-0002"))
    end(begin(folder, item="0001-of-0002"), rows=5)
    end_invocation(folder)

    num_sent = sync(folder.parent, open_store=lambda _: store)

    assert num_sent == {"one": 10}
    metrics = [("f1", 0.75, 0), ("loss", 0.25, 1), ("loss", 0.5, 0)]
    content = store.content()
    for name, rows_in in {"parse 0000-of-0002": 2, "parse 0001-of-0002": 5}.items():
        params, child_metrics, inputs, artifacts, status = content[name]
        assert child_metrics == [*metrics, ("rows_in", rows_in, 0), ("seconds", 1.5, 0)]
        assert (params, inputs) == ({"size": "3"}, ["t"])
        assert (artifacts, status) == (set(), Status.FINISHED)
    params, parent_metrics, inputs, artifacts, status = content["one"]
    assert params == {"corpus.name": "demo"}
    assert set(parent_metrics) == {
        ("f1", 0.75, 0),
        ("parse/jobs", 2, 0),
        ("parse/jobs_failed", 0, 0),
        ("parse/rows_in", 7, 0),
        ("parse/seconds", 3.0, 0),
    }
    assert (inputs, artifacts, status) == ([], {"config.json"}, Status.FINISHED)
    tags = store.tags[store.named("parse 0000-of-0002")]
    assert tags["mlflow.parentRunId"] == store.named("one")
    assert tags["asg.code"] == "c0de"


def test_sending_again_changes_nothing_and_asks_the_store_nothing(folder: Path) -> None:
    store = MemoryStore()
    end(begin(folder, item="0"))
    end_invocation(folder)
    sync(folder.parent, open_store=lambda _: store)
    before = store.content()

    store.num_calls_left = 0
    num_sent = sync(folder.parent, open_store=lambda _: store)

    assert num_sent == {}
    assert store.content() == before


def sync_after_a_break(folder: Path, *, num_calls: int) -> MemoryStore:
    store = MemoryStore()
    store.num_calls_left = num_calls
    with pytest.raises(StoreError, match="down"):
        sync(folder.parent, open_store=lambda _: store)
    store.num_calls_left = 1_000_000
    sync(folder.parent, open_store=lambda _: store)
    return store


def test_wherever_sending_breaks_off_the_next_sync_completes_it(
    tmp_path: Path, folder: Path
) -> None:
    begin(folder, item="0")
    end(begin(folder, item="1"))
    end_invocation(folder, status=Status.FAILED)
    undisturbed = MemoryStore()
    copy = tmp_path / "copy"
    shutil.copytree(folder.parent, copy)
    sync(copy, open_store=lambda _: undisturbed)
    num_calls = 1_000_000 - undisturbed.num_calls_left

    for num_calls_before in range(num_calls):
        (folder / "progress.json").unlink(missing_ok=True)
        store = sync_after_a_break(folder, num_calls=num_calls_before)
        assert store.content() == undisturbed.content()
        assert is_closed(folder)


def test_what_an_orphan_writes_after_the_end_is_sent_too(folder: Path) -> None:
    store = MemoryStore()
    log = begin(folder, item="0")
    (folder.parent / "current.json").unlink()  # killed: it left no end.json
    sync(folder.parent, open_store=lambda _: store)
    killed = {name: content[-1] for name, content in store.content().items()}
    end(log)

    num_sent = sync(folder.parent, open_store=lambda _: store)

    assert killed == {"one": Status.KILLED, "parse 0": Status.KILLED}
    assert num_sent == {"one": 3}
    assert store.content()["parse 0"][-1] == Status.FINISHED


def test_a_second_attempt_is_a_run_of_its_own(folder: Path) -> None:
    store = MemoryStore()
    end(begin(folder, item="0"), status=Status.FAILED)
    end(begin(folder, item="0"))
    end_invocation(folder)

    sync(folder.parent, open_store=lambda _: store)

    runs = [run for run, tags in store.tags.items() if tags["name"] == "parse 0"]
    assert [store.ended[run][0] for run in runs] == [Status.FAILED, Status.FINISHED]


def test_a_running_invocation_stays_open(folder: Path) -> None:
    store = MemoryStore()
    begin(folder, item="0")

    num_sent = sync(folder.parent, open_store=lambda _: store)

    assert num_sent == {"one": 2}
    assert store.ended == {}
    assert not is_closed(folder)


def test_an_invocation_without_jobs_leaves_no_run_and_no_folder(folder: Path) -> None:
    store = MemoryStore()
    end_invocation(folder)

    assert sync(folder.parent, open_store=lambda _: store) == {}
    assert store.tags == {}
    assert not folder.exists()


def test_large_and_missing_artifacts_stay_where_they_are(
    folder: Path, tmp_path: Path
) -> None:
    store = MemoryStore()
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_bytes(b"x" * 1000)  # the limit: 0.001 MB
    large.write_bytes(b"x" * 1001)
    log = begin(folder, item="0")
    for path in (small, large, tmp_path / "missing.txt"):
        log.append("artifact", path=str(path))
    end(log)

    sync(folder.parent, open_store=lambda _: store)

    assert store.content()["parse 0"][3] == {"small.txt"}


def test_following_ends_with_the_invocation(folder: Path) -> None:
    store = MemoryStore()
    end(begin(folder, item="0"))
    end_invocation(folder)

    assert follow(folder, open_store=lambda: store)

    assert is_closed(folder)
    assert store.content()["one"][-1] == Status.FINISHED


def test_following_gives_up_on_a_silent_store_when_the_run_is_over(
    folder: Path,
) -> None:
    store = MemoryStore()
    store.num_calls_left = 0
    end(begin(folder, item="0"))
    end_invocation(folder)

    assert not follow(folder, open_store=lambda: store)
    assert not is_closed(folder)


def test_half_a_line_waits_and_a_broken_line_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "job.jsonl"
    path.write_text('{"a": 1}\n{"torn\n{"b": 2}\n{"half')

    events, offset = read_events(path, begin=0)
    path.write_text(path.read_text() + '": 3}\n')
    more, _ = read_events(path, begin=offset)

    assert events == [{"a": 1}, {"b": 2}]
    assert offset == len('{"a": 1}\n{"torn\n{"b": 2}\n')
    assert more == [{"half": 3}]


def test_a_mirror_that_goes_on_after_an_outage_counts_each_job_once(
    folder: Path,
) -> None:
    end(begin(folder, item="0"))
    end(begin(folder, item="0"))
    end_invocation(folder)
    store = MemoryStore()
    mirror = InvocationMirror(folder, store=store)
    store.num_calls_left = 10  # all of the first attempt, some of the second

    with pytest.raises(StoreError):
        mirror.send()
    num_runs = len(store.tags)
    store.num_calls_left = 100
    mirror.send()
    mirror.close(status=Status.FINISHED, end_ms=9_000, attachments=[])

    assert num_runs == 3
    assert ("parse/jobs", 2, 0) in store.content()["one"][1]


def test_progress_is_saved_file_by_file(folder: Path) -> None:
    begin(folder, item="0")
    begin(folder, item="1")
    store = MemoryStore()
    store.num_calls_left = 6  # find, parent, its params, its artifact, child, its log

    with pytest.raises(StoreError):
        InvocationMirror(folder, store=store).send()

    offsets = json.loads((folder / "progress.json").read_text())["offsets"]
    assert offsets == {"parse--0.jsonl": (folder / "parse--0.jsonl").stat().st_size}
