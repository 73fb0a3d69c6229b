"""The start and the end of a tracked run, without a store."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asg_core.tracking import invocation
from asg_core.tracking.events import Status, find_invocation
from asg_core.tracking.invocation import (
    invocation_folders,
    is_closed,
    is_dead,
    mirror_lock,
    read_json,
    remove_if_empty,
    start_invocation,
    stop_invocation,
)
from support.clock import Clock
from support.tracked import begin, end_invocation, start_tracking

CONFIG: dict[str, Any] = {
    "corpus": {"name": "demo"},
    "tracking": {"digest_limit_mb": 3.0, "drain_seconds": 20.0},
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "results" / "demo" / "tracking"


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that a mirror was started for; none is started."""
    started: list[Path] = []
    monkeypatch.setattr(invocation, "_spawn_mirror", started.append)
    return started


def start(
    directory: Path,
    *,
    config: Mapping[str, Any] = CONFIG,
    is_synthetic: bool = False,
    watched_pid: int | None = None,
) -> Path:
    name = start_invocation(
        directory=directory,
        config=config,
        is_synthetic=is_synthetic,
        watched_pid=watched_pid,
        purpose="boxes",
        attachments=[Path("graph.txt")],
        tags={"torch": "2.14"},
    )
    assert name is not None
    return directory / name


def test_a_job_finds_the_invocation_that_it_belongs_to(
    directory: Path, mirrors: list[Path]
) -> None:
    folder = start(directory)

    found = find_invocation(directory.parent / "logs" / "parse" / "all.log")

    assert mirrors == [folder]
    assert invocation_folders(directory) == [folder]
    assert found is not None
    assert found.folder == folder
    assert found.digest_limit_mb == 3.0
    assert found.tags["asg.corpus"] == "demo"
    assert not found.may_export_examples


@pytest.mark.parametrize(
    ("is_synthetic", "allowed", "expected"),
    [
        (False, False, False),
        (True, False, True),
        (False, True, True),
    ],
)
def test_examples_leave_only_where_they_are_made_up_or_allowed(
    directory: Path,
    mirrors: list[Path],
    *,
    is_synthetic: bool,
    allowed: bool,
    expected: bool,
) -> None:
    config = CONFIG | {"privacy": {"export_examples": allowed}}

    folder = start(directory, config=config, is_synthetic=is_synthetic)

    assert mirrors == [folder]
    found = find_invocation(directory.parent / "logs" / "x.log")
    assert found is not None
    assert found.may_export_examples is expected


def test_the_mirror_is_told_everything_about_the_run(
    directory: Path, mirrors: list[Path]
) -> None:
    folder = start(directory, watched_pid=os.getpid())

    settings = read_json(folder / "invocation.json")

    assert mirrors
    assert settings is not None
    assert settings["parent_tags"] == {"asg.purpose": "boxes", "torch": "2.14"}
    assert settings["params"]["corpus.name"] == "demo"
    assert settings["params"]["tracking.digest_limit_mb"] == "3.0"
    assert settings["tracking"]["drain_seconds"] == 20.0
    assert settings["attachments"] == ["graph.txt"]
    assert settings["host"] == socket.gethostname()
    assert settings["watched_process"]["pid"] == os.getpid()
    assert json.loads((folder / "config.json").read_text()) == CONFIG


def test_the_end_says_how_and_when(directory: Path, mirrors: list[Path]) -> None:
    folder = start(directory)

    stop_invocation(
        directory=directory, status=Status.FAILED, attachments=[Path("graph.txt")]
    )

    end = read_json(folder / "end.json")
    settings = read_json(folder / "invocation.json")
    assert mirrors == [folder]
    assert end is not None
    assert settings is not None
    assert (end["status"], end["attachments"]) == ("FAILED", ["graph.txt"])
    assert end["ended_ms"] >= settings["started_ms"]
    assert find_invocation(directory.parent / "logs" / "x.log") is None
    # Of what is not tracked there is no end.
    stop_invocation(directory=directory, status=Status.FINISHED)
    assert read_json(folder / "end.json") == end


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(invocation, "time", found)
    return found


def test_the_end_of_a_run_waits_for_the_mirror_and_no_longer(
    directory: Path, mirrors: list[Path], clock: Clock
) -> None:
    folder = start(directory)
    begin(folder, item="0")
    progress = folder / "progress.json"

    def close() -> None:
        if len(clock.pauses) == 12:
            progress.write_text('{"is_closed": true}')

    clock.on_sleep = close
    stop_invocation(directory=directory, status=Status.FINISHED)

    assert mirrors
    assert is_closed(folder)
    assert clock.now - 1000 == pytest.approx(1.2)


def test_a_run_without_jobs_waits_for_nothing(
    directory: Path, mirrors: list[Path], clock: Clock
) -> None:
    start(directory)

    stop_invocation(directory=directory, status=Status.FINISHED)

    assert mirrors
    assert clock.pauses == []


def test_a_mirror_that_is_busy_is_waited_for_as_long_as_configured(
    directory: Path,
    mirrors: list[Path],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(invocation, "_is_mirror_running", lambda _: True)
    folder = start(directory)
    begin(folder, item="0")

    stop_invocation(directory=directory, status=Status.FINISHED)

    assert mirrors
    assert clock.now - 1000 == pytest.approx(20.0, abs=0.2)
    assert "python -m asg_core.tracking sync --directory" in caplog.text


def test_a_mirror_that_is_not_coming_is_not_waited_for(
    directory: Path,
    mirrors: list[Path],
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = start(directory)
    begin(folder, item="0")

    stop_invocation(directory=directory, status=Status.FINISHED)

    assert mirrors
    assert clock.now - 1000 == pytest.approx(5.0, abs=0.3)
    assert f"does not have everything of {folder.name}" in caplog.text


def test_one_process_at_a_time_sends(tmp_path: Path, clock: Clock) -> None:
    with (
        mirror_lock(tmp_path, wait_seconds=0) as first,
        mirror_lock(tmp_path, wait_seconds=3) as second,
    ):
        assert (first, second) == (True, False)
    waited = clock.now - 1000

    with mirror_lock(tmp_path, wait_seconds=0) as third:
        assert third

    assert waited == pytest.approx(3.0, abs=0.2)


def test_a_run_that_ended_or_goes_on_is_not_dead(tmp_path: Path) -> None:
    alive = {"pid": os.getpid(), "start": _start_of(os.getpid())}
    folder = start_tracking(tmp_path, watched_process=alive, host=socket.gethostname())

    assert not is_dead(folder)
    (tmp_path / "current.json").unlink()
    assert is_dead(folder)
    end_invocation(folder)
    assert not is_dead(folder)


def _start_of(pid: int) -> str:
    """Return field 22 of the process's statistics: when it started."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""


def test_a_run_that_another_one_followed_is_dead(tmp_path: Path) -> None:
    first = start_tracking(tmp_path, "first")
    start_tracking(tmp_path, "second")

    assert is_dead(first)


def test_a_run_whose_process_is_gone_is_dead_on_its_own_machine(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = {"pid": process.pid, "start": "1"}

    here = start_tracking(
        tmp_path / "a", watched_process=gone, host=socket.gethostname()
    )
    elsewhere = start_tracking(tmp_path / "b", watched_process=gone, host="far away")
    # The number went to another process.
    reused = start_tracking(
        tmp_path / "c",
        watched_process={"pid": os.getpid(), "start": "1"},
        host=socket.gethostname(),
    )

    assert is_dead(here)
    assert not is_dead(elsewhere)
    assert is_dead(reused)


def test_the_folder_of_a_run_without_jobs_goes(tmp_path: Path) -> None:
    empty, used = start_tracking(tmp_path, "a"), start_tracking(tmp_path, "b")
    begin(used, item="0")

    assert remove_if_empty(empty)
    assert not empty.exists()
    assert not remove_if_empty(used)
    assert used.exists()
