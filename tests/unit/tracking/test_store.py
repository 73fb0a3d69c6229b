"""The mirror against a real MLflow store, as processes: what a run does."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from asg_core.tracking.events import Event, EventLog, Status
from asg_core.tracking.invocation import (
    is_closed,
    read_json,
    start_invocation,
    stop_invocation,
)

PATIENCE_SECONDS = 300  # against a hang: a busy machine is no failure
CONFIG = {
    "corpus": {"name": "demo"},
    "tracking": {
        "poll_seconds": 0.2,
        "experiment": "tests",
        "drain_seconds": PATIENCE_SECONDS,
    },
    # More parameters than one request may carry, and one that is too long for a value.
    "many": {f"key{index}": index for index in range(150)},
    "long": "x" * 7000,
}
DIRECTORY = Path("results/demo/tracking")


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = str(Path(__file__).resolve().parents[3])
    monkeypatch.setenv("PYTHONPATH", root)
    return tmp_path


def start() -> Path:
    invocation = start_invocation(directory=DIRECTORY, config=CONFIG, is_synthetic=True)
    assert invocation is not None
    return DIRECTORY / invocation


def run_one_job(folder: Path, *, shard: str) -> None:
    log = EventLog(folder / f"parse--{shard}.jsonl")
    log.append(
        Event.START,
        rule="parse",
        wildcards={"shard": shard},
        params={"size": "3"},
        tags={"asg.code": "c0de"},
    )
    log.append(
        Event.INPUTS, inputs=[{"name": "t", "source": "t.parquet", "digest": "d" * 64}]
    )
    curve = [["train/loss", 1 / (1 + step), step, 1000 + step] for step in range(1200)]
    odd = [["share > 5%", 0.5, None, 1000], ["not a number", float("nan"), None, 1000]]
    log.append(Event.METRICS, metrics=curve + odd, is_headline=False)
    log.append(
        Event.END, rule="parse", status="FINISHED", error=None, metrics={"rows_out": 2}
    )


def query(workdir: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(workdir / "mlflow.db")) as store:
        return store.execute(sql).fetchall()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)


def mirror_pid(folder: Path) -> int:
    """Find the mirror of an invocation by its command line."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"mirror" in command and str(folder).encode() in command:
            return int(process.name)
    raise AssertionError(f"no mirror of {folder} is running")


def sync() -> None:
    command = [sys.executable, "-m", "asg_core.tracking", "sync"]
    subprocess.run([*command, "--directory", str(DIRECTORY)], check=True)


@pytest.mark.slow
def test_a_tracked_run_is_in_the_store_when_it_has_ended(workdir: Path) -> None:
    folder = start()
    run_one_job(folder, shard="0000-of-0001")

    stop_invocation(directory=DIRECTORY, status=Status.FINISHED)

    assert is_closed(folder)
    assert not (DIRECTORY / "current.json").exists()
    runs = query(workdir, "select name, status from runs order by name")
    assert runs == [("demo all", "FINISHED"), ("demo parse 0000-of-0001", "FINISHED")]
    parents = query(workdir, "select value from tags where key = 'mlflow.parentRunId'")
    ids = query(workdir, "select run_uuid from runs where name = 'demo all'")
    assert parents == ids
    tags = "select value from tags where key = 'asg.{}'"
    assert query(workdir, tags.format("corpus")) == [("demo",), ("demo",)]
    assert query(workdir, tags.format("purpose")) == [("all",)]
    assert query(workdir, tags.format("invocation")) == [(folder.name,), (folder.name,)]
    assert query(workdir, "select count(*) from params where key like 'many.%'") == [
        (150,)
    ]
    assert query(workdir, "select length(value) from params where key = 'long'") == [
        (6000,)
    ]
    assert query(workdir, "select count(*) from metrics where key = 'train/loss'") == [
        (1200,)
    ]
    odd = "select key, is_nan from latest_metrics where key like '%a%' order by key"
    assert ("share _ 5_", 0) in query(workdir, odd)
    assert ("not a number", 1) in query(workdir, odd)
    assert query(workdir, "select name, digest from datasets") == [("t", "d" * 36)]
    assert query(workdir, "select name from experiments where experiment_id > 0") == [
        ("tests",)
    ]
    assert len(list((workdir / "mlartifacts").rglob("config.json"))) == 1


@pytest.mark.slow
def test_a_killed_mirror_is_made_up_for_by_sync(workdir: Path) -> None:
    folder = start()
    run_one_job(folder, shard="0000-of-0003")
    wait_until(lambda: bool((read_json(folder / "progress.json") or {}).get("offsets")))
    os.kill(mirror_pid(folder), signal.SIGKILL)
    run_one_job(folder, shard="0001-of-0003")
    open_job = EventLog(folder / "parse--0002-of-0003.jsonl")
    open_job.append(Event.START, rule="parse", wildcards={}, params={}, tags={})
    stop_invocation(directory=DIRECTORY, status=Status.FAILED)
    was_closed = is_closed(folder)

    sync()
    once = [query(workdir, f"select count(*) from {table}") for table in TABLES]
    sync()
    (folder / "progress.json").unlink()
    sync()
    again = [query(workdir, f"select count(*) from {table}") for table in TABLES]

    assert not was_closed
    assert is_closed(folder)
    assert query(workdir, "select name, status from runs order by name") == [
        ("demo all", "FAILED"),
        ("demo parse", "FAILED"),
        ("demo parse 0000-of-0003", "FINISHED"),
        ("demo parse 0001-of-0003", "FINISHED"),
    ]
    assert query(workdir, "select count(*) from metrics where key = 'train/loss'") == [
        (2400,)
    ]
    assert again == once


TABLES = ("runs", "params", "tags", "metrics", "latest_metrics", "inputs", "datasets")


def test_without_tracking_there_are_no_files(workdir: Path) -> None:
    config = {"tracking": {"enabled": False}}
    DIRECTORY.mkdir(parents=True)
    (DIRECTORY / "current.json").write_text("{}")  # of a run that was killed

    invocation = start_invocation(directory=DIRECTORY, config=config, is_synthetic=True)
    stop_invocation(directory=DIRECTORY, status=Status.FINISHED)

    assert invocation is None
    assert [path for path in workdir.rglob("*") if path.is_file()] == []


def test_starting_and_stopping_import_no_framework(workdir: Path) -> None:
    code = (
        "import sys, asg_core.tracking.invocation, asg_core.tracking.__main__\n"
        "heavy = {'mlflow', 'torch', 'spacy', 'polars', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=workdir)

    assert done.returncode == 0
