"""A copy of the checkout in which the workflow can run, and edits that are undone.

A copy, because the tests edit code, configuration and data to see what runs again.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("Snakefile", "asg_core", "config", "envs", "profiles", "workflow")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the project with the results of its runs."""

    root: Path
    configfile: str = "config/test.yaml"

    def snakemake(
        self, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run snakemake here with this copy of the package."""
        command = [sys.executable, "-m", "snakemake", "--configfile", self.configfile]
        environment = os.environ | {"PYTHONPATH": str(self.root)}
        environment.pop("MLFLOW_TRACKING_URI", None)
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"snakemake {arguments}:\n{done.stdout}\n{done.stderr}")
        return done

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
