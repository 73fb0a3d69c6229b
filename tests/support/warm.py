"""Snakemake in forks of a process that has imported what every start imports.

A cold start of a run costs four seconds of a core, and a cold job with a network five more;
the end-to-end tests make some hundred. Runs whose start is not what a test is about are
forked from one server of the test session instead:

    python -m support.warm SOCKET WATCHED_PID MODULE ...

It imports the modules, listens at SOCKET, and ends when the watched process has ended. To
each checkout that connects it forks a session, which reads the code of that checkout once;
each run is a fork of the session, and calls the main function of the command line. Jobs are
processes of their own as ever. Only those of `FORKED`, where the server has imported torch,
are forked from the run. (`test_kills` makes all tables with cold starts alone.)
"""

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

ROOT = Path(__file__).parents[2]
STARTS = (
    "nbformat",
    "smart_open",
    "snakemake.cli",
    "snakemake.report.html_reporter",
    "snakemake_executor_plugin_slurm",
)
NETWORKS = (
    "polars",
    "pyarrow.parquet",
    "scipy.optimize",
    "sklearn.linear_model",
    "timm",
    "torch._dynamo",
    "transformers.models.bert.modeling_bert",
)
FORKED = (
    "train_detector",
    "detect_regions",
    "pretrain_encoders",
    "extract_features",
    "evaluate_encoder",
)
"""Rules whose script imports `NETWORKS`."""


def main() -> None:
    """Import, listen, and leave a server behind."""
    path, watched, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    listener.settimeout(1)
    if os.fork() == 0:
        os.setsid()
        redirect(err=f"{path}.log")
        gc.freeze()
        serve(listener, watched=int(watched))
    os._exit(0)  # what stays behind has nothing to clean up


def redirect(**streams: str) -> None:
    """Let `in`, `out` and `err` be files, or nothing."""
    for descriptor, name in enumerate(("in", "out", "err")):
        flags = os.O_RDWR | os.O_CREAT if descriptor else os.O_RDONLY
        os.dup2(os.open(streams.get(name, os.devnull), flags), descriptor)


def serve(listener: socket.socket, *, watched: int) -> NoReturn:
    """Fork a session to everybody who connects, until the watched process has ended."""
    while is_alive(watched):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        with contextlib.suppress(TimeoutError):
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                hold_session(connection)
            connection.close()
    for suffix in ("", ".lock", ".log"):
        Path(f"{listener.getsockname()}{suffix}").unlink(missing_ok=True)
    os._exit(0)


def is_alive(process: int) -> bool:
    """Return whether there is a process of this number."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def hold_session(connection: socket.socket) -> NoReturn:
    """Answer the requests of one checkout until it hangs up."""
    connection.settimeout(None)
    stream = connection.makefile("rw")
    asked = stream.readline()
    if not asked:  # somebody looked whether there is a server
        os._exit(0)
    root = Path(json.loads(asked)["root"])
    os.chdir(root)
    sys.path.insert(0, str(root))
    read_code(root)
    for line in stream:
        pid = os.fork()
        if pid == 0:
            run(json.loads(line))
        tell(stream, pid=pid)
        _, status = os.waitpid(pid, 0)
        tell(stream, code=os.waitstatus_to_exitcode(status))
    os._exit(0)


def tell(stream: TextIO, **values: int) -> None:
    """Send one line."""
    stream.write(json.dumps(values) + "\n")
    stream.flush()


def read_code(root: Path) -> None:
    """Let every run find the digests of all files that did not change since."""
    provenance = importlib.import_module("asg_core.provenance")
    for script in (root / "workflow" / "scripts").glob("*.py"):
        provenance.code_digest(script)


def run(request: Mapping[str, Any]) -> NoReturn:
    """Be the command line: in a process group of its own, with the caller's environment."""
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    redirect(**request["streams"])
    if "torch" in sys.modules:
        fork_jobs()
    sys.argv = [request["program"], *request["arguments"]]
    leave(importlib.import_module(request["program"]).main)


def fork_jobs() -> None:
    """Let Snakemake fork the jobs of `FORKED`, where it would start a new Python."""
    from snakemake.script import PythonScript  # noqa: PLC0415 - before it is patched

    start = PythonScript.execute_script

    def execute_script(script: Any, fname: str, edit: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002
        if script.rulename not in FORKED:
            start(script, fname, edit)
            return
        pid = os.fork()
        if pid == 0:
            run_job(fname, threads=script.threads)
        from snakemake.benchmark import benchmarked  # noqa: PLC0415

        with benchmarked(pid, script.bench_record):
            _, status = os.waitpid(pid, 0)
        if status:
            code = os.waitstatus_to_exitcode(status)
            raise subprocess.CalledProcessError(code, fname)

    PythonScript.execute_script = execute_script


def run_job(script: str, *, threads: int) -> NoReturn:
    """Be the Python that runs a script."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    sys.argv = [script]
    leave(lambda: runpy.run_path(script, run_name="__main__"))


def leave(work: Any) -> NoReturn:  # noqa: ANN401 - any call
    """Do the work and end this process as Python would, without what it inherited."""
    atexit._clear()
    code: Any = 0
    try:
        work()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


class Session:
    """The runs of one checkout, one at a time, from the side of the tests."""

    def __init__(self, address: Path, *, root: Path) -> None:
        """Connect to a server; `root` is the checkout."""
        self.root = root
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(address))
        self._stream = self._socket.makefile("rw")
        self._send({"root": str(root)})

    def start(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        **streams: Path,
    ) -> int:
        """Start the main function of a module; return its process, a group's leader.

        Args:
            program: The module.
            arguments: What follows a program's name on the command line.
            environment: All variables.
            streams: Files, by `in`, `out` and `err`; nothing for those left out.
        """
        request: dict[str, Any] = {"program": program, "arguments": arguments}
        self._send(request | {"environment": environment, "streams": streams})
        return self._hear("pid")

    def wait(self) -> int:
        """Return the exit status of what was started last."""
        return self._hear("code")

    def close(self) -> None:
        """Hang up, which ends the process behind it."""
        self._stream.close()
        self._socket.close()

    def _send(self, request: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(request, default=str) + "\n")
        self._stream.flush()

    def _hear(self, key: str) -> int:
        line = self._stream.readline()
        if not line:
            log = Path(f"{self._socket.getpeername()}.log").read_text()
            raise RuntimeError(f"support.warm: the session has ended:\n{log}")
        return int(json.loads(line)[key])


_OPEN: dict[bool, Session] = {}


def session_of(root: Path, *, has_networks: bool) -> Session:
    """Return the session of a checkout; that of the one before it is closed."""
    found = _OPEN.get(has_networks)
    if found is not None and found.root == root:
        return found
    if found is not None:
        found.close()
    address = start_server(STARTS + NETWORKS * has_networks)
    _OPEN[has_networks] = Session(address, root=root)
    return _OPEN[has_networks]


def is_listening(address: Path) -> bool:
    """Return whether there is a server; one that was killed has left its address."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(address)) == 0


def start_server(modules: Sequence[str]) -> Path:
    """Return the address of the server with these modules, started where there is none.

    The workers of a test session share it.
    """
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    watched = os.getppid() if is_worker else os.getpid()
    address = Path(tempfile.gettempdir()) / f"asg-tests-{watched}-{len(modules)}"
    with address.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_listening(address):
            address.unlink(missing_ok=True)
            path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
            command = [sys.executable, "-m", "support.warm", str(address)]
            subprocess.run(
                [*command, str(watched), *modules],
                env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
                check=True,
            )
    return address


if __name__ == "__main__":
    main()
