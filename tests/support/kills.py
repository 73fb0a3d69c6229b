"""A run whose whole process group is killed while a stage is at work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from support.checkout import Checkout

PATIENCE_SECONDS = 900  # against a hang: a busy machine is no failure


def kill_inside(checkout: Checkout, *, stage: str) -> bool:
    """Start a run and kill its process group once a job of `stage` has begun.

    Returns:
        Whether the job was still at work: it had begun and the run had not ended.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    # Forced: a run that got past the stage before it was killed would not come back.
    command += ["--configfile", checkout.configfile, "--forcerun", stage]
    environment = os.environ | {"PYTHONPATH": str(checkout.root)}
    run = subprocess.Popen(
        command,
        cwd=checkout.root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    logs = checkout.root / "results" / "test" / "logs" / stage
    before = begun(logs)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while run.poll() is None and begun(logs) == before:
        assert time.monotonic() < deadline, f"{stage} did not begin"
        time.sleep(0.01)
    is_inside = run.poll() is None
    os.killpg(run.pid, signal.SIGKILL) if is_inside else None
    run.wait()
    return is_inside


def begun(logs: Path) -> dict[str, int]:
    """Return the logs of a stage with their times of change."""
    return {path.name: path.stat().st_mtime_ns for path in logs.glob("*.log")}
