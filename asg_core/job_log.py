"""The log file of a job, and how long work shows in it."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger(__name__)

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OWN_LOGGERS = ("asg_core", "__main__")
_PROGRESS_SECONDS = 30.0

Item = TypeVar("Item")


@contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """Send what our modules say, and warnings of others, to a file; undo it at the end."""
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(_is_worth_a_line)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    is_own = record.name.partition(".")[0] in _OWN_LOGGERS
    return is_own or record.levelno >= logging.WARNING


def log_lines(
    items: Iterable[Item], *, description: str, total: int | None
) -> Iterator[Item]:
    """Yield `items`; log the start, the end, and the count every half minute."""
    begin = last = time.monotonic()
    of_total = "" if total is None else f" of {total:,}"
    count = 0
    logger.info("%s: begins%s", description, "" if total is None else f", {total:,}")
    for item in items:
        yield item
        count += 1
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS:
            last = now
            logger.info(
                "%s: %s%s, %.0f s", description, f"{count:,}", of_total, now - begin
            )
    seconds = time.monotonic() - begin
    logger.info("%s: ends, %s in %.1f s", description, f"{count:,}", seconds)
