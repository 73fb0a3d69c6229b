"""The list of runs as a browser shows it, and what names tell apart in it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from asg_core.tracking.events import Event, EventLog, Status
from asg_core.tracking.invocation import start_invocation, stop_invocation

CORPORA = ("mimic_cxr", "open_i", "synthetic")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
COMMAND = [sys.executable, "-m", "asg_core.tracking", "show"]


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    return tmp_path


def track(corpus: str, *, purpose: str) -> None:
    """Track an invocation of one job."""
    directory = Path("results") / corpus / "tracking"
    invocation = start_invocation(
        directory=directory,
        config={"corpus": {"name": corpus}, "tracking": {"drain_seconds": 120}},
        is_synthetic=True,
        purpose=purpose,
    )
    assert invocation is not None
    log = EventLog(directory / invocation / "pretrain_encoders--full.jsonl")
    job = {"rule": "pretrain_encoders", "wildcards": {"run": "full"}}
    log.append(Event.START, **job, params={}, tags={})
    log.append(
        Event.END, **job, status="FINISHED", error=None, metrics={"seconds": 1.0}
    )
    stop_invocation(directory=directory, status=Status.FINISHED)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_page(address: str, *, profile: Path) -> str:
    """Return the text of a page as the browser has it when its scripts are done."""
    assert BROWSER is not None
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    size = ["--window-size=1600,900", "--virtual-time-budget=30000"]
    command = [BROWSER, *flags, *size, f"--user-data-dir={profile}", address]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=240
    )
    return re.sub(r"<[^>]*>", " ", done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")
def test_the_printed_address_is_the_list_of_runs_by_corpus_and_purpose(
    workdir: Path,
) -> None:
    for corpus in CORPORA:
        track(corpus, purpose="pretrain")
    port = str(free_port())

    command = [*COMMAND, "--port", port]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = next(line for line in server.stdout if "http" in line)
            page = read_page(said.split()[-1], profile=workdir / "profile")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)

    assert said.startswith(f"The list of runs: http://127.0.0.1:{port}/#/experiments/")
    assert "Run Name" in page
    for corpus in CORPORA:
        assert f"{corpus} pretrain" in page


def test_a_folder_without_runs_is_told_so(workdir: Path) -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "mlflow.db: expected the tracking store of this folder" in done.stderr
    assert not (workdir / "mlflow.db").exists()


@pytest.mark.slow
def test_a_taken_port_is_told_so(workdir: Path) -> None:
    track("demo", purpose="all")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])

        done = subprocess.run(
            [*COMMAND, "--port", port], capture_output=True, text=True, check=False
        )

    assert done.returncode == 1
    assert f"port {port} of this machine: expected a free one" in done.stderr


@pytest.mark.slow
def test_a_server_of_its_own_is_named_without_its_password(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "asg_core.tracking.show.experiments_with_runs", lambda uri: {"asg": "7"}
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:hunter2@mlflow.example.org")
    from asg_core.tracking.show import show_runs  # noqa: PLC0415 - imports mlflow

    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr(sys.stdout, "write", lines.append)
        status = show_runs(port=5000)

    assert status == 0
    assert os.environ["MLFLOW_TRACKING_URI"].endswith("example.org")
    assert lines == [
        "The list of runs: https://***@mlflow.example.org/#/experiments/7/runs"
        "?workflowType=machine_learning\n"
    ]
