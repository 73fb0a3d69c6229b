"""Dry runs of a checkout, many at a time."""

import json
from collections.abc import Mapping
from typing import Any

from support.checkout import Checkout


def dry_runs(checkout: Checkout, *requests: Mapping[str, Any]) -> list[list[Any]]:
    """Return the answers to requests of support.dry_runs."""
    blank: dict[str, Any] = {"lost": None, "graph": False, "asks": None}
    asked = json.dumps([blank | dict(request) for request in requests])
    done = checkout.fork("support.dry_runs", checkout.configfile, given=asked)
    assert done.returncode == 0, done.stderr
    answers: list[list[Any]] = json.loads(done.stdout)
    return answers
