"""Command line of tracking: `python -m asg_core.tracking {start,stop,mirror,sync,show}`.

`start` and `stop` are for workflows that do not call `asg_core.tracking.invocation`
themselves; `mirror` is what `start` starts; `sync` sends what outages and killed runs
left behind; `show` serves the store of this folder and says where its runs are listed.
"""

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TextIO, cast

import yaml

from asg_core.redaction import RedactingStream
from asg_core.terms.targets import ALL
from asg_core.tracking.events import Status
from asg_core.tracking.invocation import (
    INVOCATION,
    invocation_folders,
    is_closed,
    mirror_lock,
    read_json,
    start_invocation,
    stop_invocation,
)
from asg_core.tracking.mirror import Store, StoreError
from asg_core.tracking.sync import follow, sync

logger = logging.getLogger("asg_core.tracking")

_NICENESS = 10
_LOCK_SECONDS = 600.0
"""How long a mirror waits for that of an earlier invocation to finish."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    commands = {
        "start": _start,
        "stop": _stop,
        "mirror": _mirror,
        "sync": _sync,
        "show": _show,
    }
    return commands[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m asg_core.tracking")
    commands = parser.add_subparsers(dest="command", required=True)

    start = commands.add_parser("start", help="begin to track a run of the workflow")
    start.add_argument("--settings", required=True, help="resolved YAML or JSON, or -")
    start.add_argument("--synthetic", action="store_true", help="ids and texts made up")
    start.add_argument("--watch", type=int, help="process whose death ends the run")
    start.add_argument("--purpose", default=ALL, help="the targets of the run")
    start.add_argument("--attach", type=Path, action="append", default=[])

    stop = commands.add_parser("stop", help="end the run that is tracked")
    stop.add_argument("--status", type=Status, required=True, choices=list(Status))
    stop.add_argument("--attach", type=Path, action="append", default=[])

    mirror = commands.add_parser("mirror", help="follow one invocation to its end")
    mirror.add_argument("--detach", action="store_true", help="go on in the background")

    late = commands.add_parser("sync", help="send what is left of all invocations")
    for command in (start, stop, mirror, late):
        command.add_argument("--directory", type=Path, required=True)

    show = commands.add_parser("show", help="say where the runs are listed; serve them")
    show.add_argument("--port", type=int, default=5000)
    return parser


def _start(options: argparse.Namespace) -> int:
    is_stream = options.settings == "-"
    text = sys.stdin.read() if is_stream else Path(options.settings).read_text("utf-8")
    start_invocation(
        directory=options.directory,
        config=yaml.safe_load(text),
        is_synthetic=options.synthetic,
        watched_pid=options.watch,
        purpose=options.purpose,
        attachments=options.attach,
    )
    return 0


def _stop(options: argparse.Namespace) -> int:
    stop_invocation(
        directory=options.directory, status=options.status, attachments=options.attach
    )
    return 0


def _mirror(options: argparse.Namespace) -> int:
    """Follow one invocation, then send what earlier ones have left behind."""
    if options.detach and os.fork() > 0:
        # The child goes on in the session that `start_invocation` made for it.
        return 0
    os.nice(_NICENESS)
    folder: Path = options.directory
    with mirror_lock(folder.parent, wait_seconds=_LOCK_SECONDS) as is_held:
        if not is_held:
            logger.error("another mirror holds %s; run sync later", folder.parent)
            return 1
        if not follow(folder, open_store=lambda: open_store(folder)):
            return 1
        return _sync_all(folder.parent)


def _sync(options: argparse.Namespace) -> int:
    if not invocation_folders(options.directory):
        logger.info("%s: no tracked invocation, nothing to send", options.directory)
        return 0
    with mirror_lock(options.directory, wait_seconds=1.0) as is_held:
        if not is_held:
            logger.error(
                "%s: a mirror is sending already; wait for it", options.directory
            )
            return 1
        return _sync_all(options.directory)


def _show(options: argparse.Namespace) -> int:
    # mlflow takes seconds to import.
    from asg_core.tracking.show import ShowError, show_runs  # noqa: PLC0415

    try:
        return show_runs(port=options.port)
    except (ShowError, StoreError) as error:
        logger.error("%s", error)  # noqa: TRY400
        return 1


def _sync_all(directory: Path) -> int:
    try:
        num_sent = sync(directory, open_store=open_store)
    except StoreError as error:
        logger.error("%s: the tracking store does not answer: %s", directory, error)  # noqa: TRY400
        return 1
    for invocation, num_events in num_sent.items():
        state = "complete" if is_closed(directory / invocation) else "still running"
        logger.info("%s: %d events sent, %s", invocation, num_events, state)
    logger.info("%s: %d invocations had something to send", directory, len(num_sent))
    return 0


def open_store(folder: Path) -> Store:
    """Connect to the store that an invocation's settings name.

    Raises:
        StoreError: If the store does not answer.
    """
    # mlflow takes seconds to import: only here, and not for a run that is tracked by
    # nobody.
    from asg_core.tracking.store import MlflowStore, resolve_uri  # noqa: PLC0415

    tracking = (read_json(folder / INVOCATION) or {})["tracking"]
    return MlflowStore(
        uri=resolve_uri(tracking["uri"]), experiment=tracking["experiment"]
    )


if __name__ == "__main__":
    # MLflow and what it uses write addresses to their own logs, and into tracebacks.
    sys.stdout = cast("TextIO", RedactingStream(sys.stdout))
    sys.stderr = cast("TextIO", RedactingStream(sys.stderr))
    sys.exit(main())
