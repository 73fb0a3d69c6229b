"""Events of jobs as runs of a tracking store."""

import json
import resource
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from asg_core.jobs import run_job
from asg_core.tracking.events import Event, Status
from asg_core.tracking.mirror import InvocationMirror, StoreError, read_events
from asg_core.tracking.sync import sync
from support.fake_snakemake import FakeSnakemake, Named
from support.tracked import MemoryStore, begin, end, end_invocation, start_tracking


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return start_tracking(tmp_path / "tracking")


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


def test_a_second_attempt_is_a_run_of_its_own(folder: Path) -> None:
    store = MemoryStore()
    end(begin(folder, item="0"), status=Status.FAILED)
    end(begin(folder, item="0"))
    end_invocation(folder)

    sync(folder.parent, open_store=lambda _: store)

    runs = [run for run, tags in store.tags.items() if tags["name"] == "parse 0"]
    assert [store.ended[run][0] for run in runs] == [Status.FAILED, Status.FINISHED]


def test_large_and_missing_artifacts_stay_where_they_are(
    folder: Path, tmp_path: Path
) -> None:
    store = MemoryStore()
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_bytes(b"x" * 1000)  # the limit: 0.001 MB
    large.write_bytes(b"x" * 1001)
    log = begin(folder, item="0")
    for path in (small, large, tmp_path / "missing.txt"):
        log.append(Event.ARTIFACT, path=str(path))
    end(log)

    sync(folder.parent, open_store=lambda _: store)

    assert store.content()["parse 0"][3] == {"small.txt"}


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


def test_what_a_job_tells_arrives_in_the_store(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From `run_job` to the store: neither side may have words of its own."""
    current = folder.parent / "current.json"
    current.write_text((folder / "invocation.json").read_text())
    table = folder / "reports.parquet"
    table.write_bytes(b"abc")
    log = folder.parents[1] / "logs" / "parse" / "all.log"
    peaks = {resource.RUSAGE_SELF: 2_000, resource.RUSAGE_CHILDREN: 3_000}
    monkeypatch.setattr(
        resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=peaks[who])
    )
    snakemake = FakeSnakemake(
        rule="parse",
        wildcards=Named({}),
        input=Named({"reports": str(table)}),
        params=Named({"config": {"size": 3}, "code": "c0de"}),
        log=[str(log)],
    )

    with run_job(snakemake) as job:
        job.rows(rows_in=4, rows_out=3)
        job.metric("train/loss", 0.5, step=7)
        job.headline({"f1": 0.25})
    end_invocation(folder)
    store = MemoryStore()
    sync(folder.parent, open_store=lambda _: store)

    params, metrics, inputs, artifacts, status = store.content()["parse"]
    assert (params, inputs, artifacts) == ({"size": "3"}, ["reports"], {"all.log"})
    assert status is Status.FINISHED
    values = {name: value for name, value, _ in metrics}
    assert ("train/loss", 0.5, 7) in metrics
    assert (values["rows_in"], values["rows_out"]) == (4, 3)
    # The child had more: 3,000 KiB, where Linux counts so.
    if sys.platform == "linux":
        assert values["peak_memory_mb"] == pytest.approx(3.072)
    assert ("f1", 0.25, 0) in store.content()["one"][1]
    assert store.tags[store.named("parse")]["asg.code"] == "c0de"
