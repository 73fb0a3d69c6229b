"""Where the runs of a tracking store are listed in a browser, and a server for them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from asg_core.redaction import redact
from asg_core.tracking.store import experiments_with_runs, resolve_uri

_SQLITE = "sqlite:///"
_HOST = "127.0.0.1"
_WAIT_SECONDS = 120.0


class ShowError(RuntimeError):
    """There is no run to show, or no port to show it on."""


def runs_addresses(server: str, experiments: Mapping[str, str]) -> list[str]:
    """Return the addresses of the lists of runs, one for each experiment.

    MLflow 3.17 opens on pages about traces of language models, which are empty here; the
    last part of the address turns to the pages about training.

    Args:
        server: Address of the MLflow server.
        experiments: Ids of experiments by name.
    """
    base = server.rstrip("/")
    return [
        f"{base}/#/experiments/{number}/runs?workflowType=machine_learning"
        for number in experiments.values()
    ]


def show_runs(*, port: int) -> int:
    """Print where the runs are listed; serve a store that is a file until it is stopped.

    The store is that of MLFLOW_TRACKING_URI, or else the file mlflow.db of this folder.

    Returns:
        The exit status of the server; 0 where the store is a server of its own.

    Raises:
        ShowError: If there is no store, no run in it, or another server has the port.
        StoreError: If the store does not answer.
    """
    uri = resolve_uri(None)
    _require_file(uri)
    experiments = experiments_with_runs(uri)
    if not experiments:
        raise ShowError(
            f"{redact(uri)}: expected a run, found none; start one, such as `make demo`"
        )
    if uri.startswith(("http:", "https:")):
        _say(runs_addresses(uri, experiments))
        return 0
    _require_port(port)
    # Started in the background by a shell, a process ignores SIGINT until it says otherwise.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    server = subprocess.Popen(_command(port), env=_environment(uri))
    try:
        if _is_up(server, port=port):
            _say(runs_addresses(f"http://{_HOST}:{port}", experiments))
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def _require_file(uri: str) -> None:
    """Raise unless the file of a SQLite store exists: MLflow would make an empty one."""
    path = Path(uri.removeprefix(_SQLITE))
    if uri.startswith(_SQLITE) and not path.exists():
        raise ShowError(
            f"{path}: expected the tracking store of this folder, found no file; the "
            "first run makes it, such as `make demo`"
        )


def _require_port(port: int) -> None:
    """Raise where another server has the port: ours would end without a word."""
    with socket.socket() as probe:
        if probe.connect_ex((_HOST, port)) == 0:
            raise ShowError(
                f"port {port} of this machine: expected a free one, found another server; "
                f"end it, or take another port: make mlflow PORT={port + 1}"
            )


def _command(port: int) -> list[str]:
    # Only what goes wrong: its own address leads to the pages that are empty here.
    quiet = ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    return [sys.executable, "-m", "mlflow", "server", "--port", str(port), *quiet]


def _environment(uri: str) -> dict[str, str]:
    """Return the server's environment; the address is no argument, which others see."""
    return os.environ | {
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        # Processes for tasks of language models: a list of runs has none.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _is_up(server: subprocess.Popen[bytes], *, port: int) -> bool:
    """Wait until the server answers; return whether it does."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex((_HOST, port)) == 0:
                return True
        time.sleep(0.2)
    return False


def _say(addresses: list[str]) -> None:
    for address in addresses:
        sys.stdout.write(f"The list of runs: {redact(address)}\n")
    sys.stdout.flush()
