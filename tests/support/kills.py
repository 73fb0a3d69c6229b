"""A run whose whole process group is killed while a stage is at work."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from support.checkout import Checkout
from support.warm import is_alive

PATIENCE_SECONDS = 900  # against a hang: a busy machine is no failure


def kill_inside(checkout: Checkout, *arguments: str, stage: str) -> bool:
    """Start a run and kill its process group once a job of `stage` has begun.

    Returns:
        Whether the job was still at work: it had begun and the run had not ended.
    """
    logs = checkout.root / "results" / "test" / "logs" / stage
    before = begun(logs)
    session = checkout.session()
    # Forced: a run that got past the stage before it was killed would not come back.
    run = session.start(
        "snakemake.cli",
        ["--configfile", checkout.configfile, "--forcerun", stage, *arguments],
        environment=checkout.environment(),
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_alive(run) and begun(logs) == before:
        assert time.monotonic() < deadline, f"{stage} did not begin"
        time.sleep(0.01)
    is_inside = is_alive(run)
    if is_inside:
        os.killpg(run, signal.SIGKILL)
    session.wait()
    return is_inside


def begun(logs: Path) -> dict[str, int]:
    """Return the logs of a stage with their times of change."""
    times = {}
    for path in logs.glob("*.log"):
        with suppress(
            FileNotFoundError
        ):  # cleared away by the run before its job begins
            times[path.name] = path.stat().st_mtime_ns
    return times
