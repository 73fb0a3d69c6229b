"""Several processes on one machine: torchrun, and what comes back from it."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import IO

from asg_core.failed_jobs import STOPPED
from asg_core.learning.stop import stop_requests
from asg_core.training.job import PretrainJob
from asg_core.training.loop import Log

logger = logging.getLogger(__name__)

TARGET = "asg_core.training.pretrain"

_METRICS = "asg-metrics "
"""Begins a line with metrics among those that the processes write."""

_POLL_SECONDS = 0.2
_LAST_LINES = 20


def launch(job: PretrainJob, *, log: Log) -> None:
    """Run `job` in `settings.processes` processes under torchrun, and wait for its end.

    What the processes say goes to the log, their metrics to `log`. A request to stop is
    passed on to them.

    Raises:
        SystemExit: If the run was asked to stop, with the code of SIGTERM.
        RuntimeError: If it failed, with its last lines.
    """
    job.work.mkdir(parents=True, exist_ok=True)
    description = job.work / f"job-{os.getpid()}.json"
    description.write_text(job.model_dump_json(indent=1), encoding="utf-8")
    settings = job.settings
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(settings.processes)]
    command += ["-m", TARGET, "--job", str(description)]
    environment = os.environ | {"OMP_NUM_THREADS": str(settings.threads)}
    try:
        with stop_requests() as asked:
            code, last_lines = _follow(command, environment, log=log, asked=asked)
    finally:
        description.unlink()
        _remove_if_empty(job.work)
    if asked.is_set():
        raise SystemExit(STOPPED)
    if code != 0:
        raise RuntimeError(
            f"pretrain: expected {settings.processes} processes to end well, found exit "
            f"code {code}; their last lines were:\n" + "\n".join(last_lines)
        )


def send_metrics(step: int, metrics: dict[str, float]) -> None:
    """Write metrics to standard output, for the process that launched this one."""
    line = json.dumps({"step": step, "metrics": metrics})
    sys.stdout.write(f"{_METRICS}{line}\n")
    sys.stdout.flush()


def _follow(
    command: list[str], environment: dict[str, str], *, log: Log, asked: Event
) -> tuple[int, list[str]]:
    """Run `command`; return its exit code and its last lines."""
    last_lines: list[str] = []
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        reader = Thread(
            target=_read, args=(process.stdout, log, last_lines), daemon=True
        )
        reader.start()
        is_told = False
        try:
            while process.poll() is None:
                if asked.wait(_POLL_SECONDS) and not is_told:
                    process.terminate()
                    is_told = True
                elif is_told:
                    _pause(process)
        finally:
            # An error here (a keyboard interrupt) must not leave processes behind.
            if process.poll() is None:
                process.terminate()
        reader.join()
    return process.returncode, last_lines


def _pause(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return


def _read(stream: IO[str], log: Log, last_lines: list[str]) -> None:
    for line in stream:
        text = line.rstrip()
        if text.startswith(_METRICS):
            entry = json.loads(text.removeprefix(_METRICS))
            log(entry["step"], entry["metrics"])
            continue
        logger.info("%s", text)
        last_lines.append(text)
        del last_lines[:-_LAST_LINES]


def _remove_if_empty(folder: Path) -> None:
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
