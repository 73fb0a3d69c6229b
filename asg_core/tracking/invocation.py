"""One run of the workflow as the tracking side sees it: its folder, start and end.

The Snakefile's `onstart`, `onsuccess` and `onerror` call `start_invocation` and
`stop_invocation`; both are quick and import no framework. What is known about an
invocation lies in `results/<corpus>/tracking/<invocation>/`:

    config.json       the resolved configuration, without secrets
    invocation.json   settings, tags and parameters, written at the start
    *.jsonl           the events of its jobs
    end.json          how it ended, written at the end
    progress.json     how far the mirror has sent it
"""

import fcntl
import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asg_core
from asg_core.files import write_json
from asg_core.provenance import git_commit
from asg_core.redaction import redact_values
from asg_core.terms.targets import ALL
from asg_core.tracking.config import PrivacyConfig, TrackingConfig
from asg_core.tracking.events import CURRENT, FORMAT, Status, flatten, now_ms

logger = logging.getLogger(__name__)

CONFIG = "config.json"
INVOCATION = "invocation.json"
END = "end.json"
PROGRESS = "progress.json"
_LOCK = "mirror.lock"
_START_UP_SECONDS = 5.0
"""A mirror that has not taken its lock after this long is not coming."""


def start_invocation(
    *,
    directory: Path,
    config: Mapping[str, Any],
    is_synthetic: bool,
    watched_pid: int | None = None,
    purpose: str = ALL,
    attachments: Sequence[Path] = (),
    tags: Mapping[str, str] | None = None,
) -> str | None:
    """Begin to track a run of the workflow, and start the process that mirrors it.

    Args:
        directory: results/<corpus>/tracking.
        config: The resolved configuration, all of it; the sections `tracking` and
            `privacy` are read, and everything becomes parameters of the parent run.
        is_synthetic: Whether texts, pixels and ids are made up and may be copied.
        watched_pid: Process whose death ends the invocation: Snakemake's own.
        purpose: The targets that were asked for; with the corpus, the run's name.
        attachments: Small files for the parent run, such as the rule graph.
        tags: More tags for the parent run.

    Returns:
        The invocation's id, or None when tracking is switched off; no file is written
        then.
    """
    (directory / CURRENT).unlink(missing_ok=True)
    tracking = TrackingConfig(**config.get("tracking", {}))
    if not tracking.enabled:
        return None
    invocation = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    folder = directory / invocation
    folder.mkdir(parents=True)
    corpus = str(config.get("corpus", {}).get("name", directory.parent.name))
    privacy = PrivacyConfig(**config.get("privacy", {}))
    for_jobs = {
        "format": FORMAT,
        "invocation": invocation,
        "may_export_examples": is_synthetic or privacy.export_examples,
        "digest_limit_mb": tracking.digest_limit_mb,
        "tags": _common_tags(corpus),
    }
    shown = redact_values(config)
    for_mirror = {
        "started_ms": now_ms(),
        "host": socket.gethostname(),
        "watched_process": _process_identity(watched_pid),
        "tracking": tracking.model_dump(mode="json"),
        "corpus": corpus,
        "purpose": purpose,
        "parent_tags": {"asg.purpose": purpose} | dict(tags or {}),
        "params": flatten(shown),
        "attachments": [str(path) for path in attachments],
    }
    write_json(folder / CONFIG, shown)
    write_json(folder / INVOCATION, for_jobs | for_mirror)
    write_json(directory / CURRENT, for_jobs)
    _spawn_mirror(folder)
    return invocation


def stop_invocation(
    *, directory: Path, status: Status, attachments: Sequence[Path] = ()
) -> None:
    """End the current invocation and let its mirror send what is left.

    Returns when the mirror is done, or after `tracking.drain_seconds`; the mirror then
    goes on by itself. Does nothing when nothing is tracked.
    """
    current = read_json(directory / CURRENT)
    if current is None:
        return
    folder = directory / str(current["invocation"])
    paths = [str(path) for path in attachments]
    end = {"status": status.value, "ended_ms": now_ms(), "attachments": paths}
    write_json(folder / END, end)
    (directory / CURRENT).unlink()
    if any(folder.glob("*.jsonl")):
        _await_mirror(folder)


def invocation_folders(directory: Path) -> list[Path]:
    """Return the folders of all invocations, oldest first."""
    return sorted(path.parent for path in directory.glob(f"*/{INVOCATION}"))


def is_closed(folder: Path) -> bool:
    """Return whether everything of this invocation is sent and its end is too."""
    return bool((read_json(folder / PROGRESS) or {}).get("is_closed", False))


def is_dead(folder: Path) -> bool:
    """Return whether this invocation ended without saying so: it was killed.

    An invocation that is no longer the current one has been replaced by another run in
    the same folder, which Snakemake allows only when the first is gone.
    """
    if (folder / END).exists():
        return False
    current = read_json(folder.parent / CURRENT)
    if current is None or current["invocation"] != folder.name:
        return True
    settings = read_json(folder / INVOCATION) or {}
    process = settings.get("watched_process")
    if process is None or settings["host"] != socket.gethostname():
        return False
    return bool(process != _process_identity(process["pid"]))


@contextmanager
def mirror_lock(directory: Path, *, wait_seconds: float) -> Iterator[bool]:
    """Hold the right to send from this tracking folder; yield whether it was got.

    One process at a time sends: progress files have one writer, and so has SQLite. The
    lock goes with its process, however that ends.
    """
    deadline = time.monotonic() + wait_seconds
    with (directory / _LOCK).open("a") as stream:
        while not (is_held := _try_lock(stream.fileno())):
            if time.monotonic() >= deadline:
                break
            time.sleep(0.1)
        yield is_held


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file, or None when there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    values: dict[str, Any] = json.loads(text)
    return values


def remove_if_empty(folder: Path) -> bool:
    """Remove the folder of an invocation in which no job began; return whether it was."""
    if any(folder.glob("*.jsonl")):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _common_tags(corpus: str) -> dict[str, str]:
    """Return the tags that all runs of an invocation have."""
    tags = {"asg.version": asg_core.__version__, "asg.corpus": corpus}
    commit = git_commit()
    return tags if commit is None else tags | {"mlflow.source.git.commit": commit}


def _spawn_mirror(folder: Path) -> None:
    """Start the mirror as a process of its own, which outlives this one."""
    command = [sys.executable, "-m", "asg_core.tracking", "mirror", "--detach"]
    with (folder / "mirror.log").open("wb") as log:
        subprocess.run(
            [*command, "--directory", str(folder)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _await_mirror(folder: Path) -> None:
    settings = read_json(folder / INVOCATION) or {}
    begin = time.monotonic()
    wait_seconds = float(settings["tracking"]["drain_seconds"])
    while time.monotonic() - begin < wait_seconds:
        if not folder.exists() or is_closed(folder):
            return
        is_late = time.monotonic() - begin > _START_UP_SECONDS
        if is_late and not _is_mirror_running(folder.parent):
            break
        time.sleep(0.1)
    logger.warning(
        "The tracking store does not have everything of %s yet. If its mirror does not "
        "catch up (see %s), run: python -m asg_core.tracking sync --directory %s",
        folder.name,
        folder / "mirror.log",
        folder.parent,
    )


def _is_mirror_running(directory: Path) -> bool:
    with mirror_lock(directory, wait_seconds=0) as is_free:
        return not is_free


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _process_identity(pid: int | None) -> dict[str, object] | None:
    """Return what tells a process from a later one of the same number; None if gone."""
    if pid is None or not _is_running(pid):
        return None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return {"pid": pid, "start": ""}  # no /proc on this system
    # The name in brackets may hold blanks; the state follows it, the start is 19 later.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else {"pid": pid, "start": fields[19]}


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
