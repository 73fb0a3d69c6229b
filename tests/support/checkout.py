"""A copy of the checkout in which the workflow can run, and edits that are undone.

A copy, because the tests edit code, configuration and data to see what runs again.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.warm import Session, session_of

ROOT = Path(__file__).parents[2]
COPIED = ("Snakefile", "asg_core", "config", "envs", "profiles", "workflow")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the project with the results of its runs."""

    root: Path
    configfile: str = "config/test.yaml"
    has_networks: bool = False
    """Whether its jobs with networks are forks too: worth it for more than one."""

    def snakemake(
        self, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run snakemake here with this copy of the package, as a fork (support.warm)."""
        done = self.fork("snakemake.cli", "--configfile", self.configfile, *arguments)
        if check and done.returncode:
            pytest.fail(f"snakemake {arguments}:\n{done.stdout}\n{done.stderr}")
        return done

    def cold_snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake here as a user does, with a new process for everything."""
        command = [sys.executable, "-m", "snakemake", "--configfile", self.configfile]
        return subprocess.run(
            [*command, *arguments],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def fork(
        self, program: str, *arguments: str, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the main function of a module here, which reads what is `given`."""
        with tempfile.TemporaryDirectory() as folder:
            streams = {name: Path(folder) / name for name in ("in", "out", "err")}
            streams["in"].write_text(given)
            session = self.session()
            session.start(program, arguments, environment=self.environment(), **streams)
            code = session.wait()
            told = [streams[name].read_text() for name in ("out", "err")]
        return subprocess.CompletedProcess([program, *arguments], code, *told)

    def session(self) -> Session:
        """Return the process that the runs of this copy are forked from."""
        return session_of(self.root, has_networks=self.has_networks)

    def environment(self) -> dict[str, str]:
        """Return the environment of a run."""
        environment = os.environ | {"PYTHONPATH": str(self.root)}
        environment.pop("MLFLOW_TRACKING_URI", None)
        return environment

    def planned(self, *targets: str) -> Mapping[str, int]:
        """Return how many jobs of each rule a dry run would start; targets left out."""
        done = self.snakemake("--dry-run", "--cores", "2", *targets)
        counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, flags=re.MULTILINE))
        return {
            rule: int(count)
            for rule, count in counts.items()
            if rule not in ("total", "all", *targets)
        }

    def tables(self) -> dict[str, bytes]:
        """Return the bytes of every Parquet file of config/test.yaml, by its path."""
        results = self.root / "results" / "test"
        files = sorted(results.rglob("*.parquet"))
        return {
            path.relative_to(results).as_posix(): path.read_bytes() for path in files
        }


def copy_project(target: Path) -> Checkout:
    """Copy what a run needs of this checkout to `target`."""
    ignored = shutil.ignore_patterns("__pycache__")
    target.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)
    return Checkout(target)


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """Replace `old`, which must be there, by `new` in a file; put it back afterwards."""
    text, status = path.read_text(), path.stat()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(text)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
