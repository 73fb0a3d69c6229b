"""Dry runs of a checkout, many at a time."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from support.checkout import ROOT, Checkout


def dry_runs(checkout: Checkout, *requests: Mapping[str, Any]) -> list[list[str]]:
    """Return the files that runs would make, by the requests of support.dry_runs."""
    blank: dict[str, Any] = {"lost": None, "forced": None, "all": False, "asks": None}
    path = os.pathsep.join([str(checkout.root), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-m", "support.dry_runs", checkout.configfile],
        cwd=checkout.root,
        env=os.environ | {"PYTHONPATH": path},
        input=json.dumps([blank | dict(request) for request in requests]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[list[str]] = json.loads(done.stdout)
    return answers
