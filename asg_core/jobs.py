"""The frame around the work of a workflow script: log, counts, rejects, events.

    with run_job(snakemake) as job:
        main(..., job=job)

This is the only place that sets up logging, and it imports no workflow engine.
"""

import logging
import platform
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

import asg_core
from asg_core.failed_jobs import LastingError, forget_failures, item_name, note_failure
from asg_core.job_log import log_lines, log_to
from asg_core.redaction import without_folders
from asg_core.tables.catalog import METRICS, REJECTS, STAGE_METRICS, TABLES
from asg_core.tables.counts import describe_rejects
from asg_core.tables.schema import write_table
from asg_core.terms.targets import ALL
from asg_core.tracking.events import (
    Event,
    EventLog,
    Invocation,
    Status,
    event_file,
    find_invocation,
    flatten,
    now_ms,
)
from asg_core.tracking.inputs import NamedItems, describe_inputs

logger = logging.getLogger(__name__)

_FLUSH_SECONDS = 5.0
_FLUSH_METRICS = 500

Item = TypeVar("Item")


class RejectLimitError(LastingError):
    """A stage could not use more of its items than its configuration allows."""


class SnakemakeObject(Protocol):
    """What a job reads of the `snakemake` object of its script."""

    @property
    def rule(self) -> str: ...  # noqa: D102
    @property
    def input(self) -> NamedItems: ...  # noqa: D102
    @property
    def params(self) -> NamedItems: ...  # noqa: D102
    @property
    def wildcards(self) -> NamedItems: ...  # noqa: D102
    @property
    def log(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def threads(self) -> int: ...  # noqa: D102


class Job:
    """What a script says about its work while it does it."""

    def __init__(
        self,
        *,
        rule: str,
        wildcards: Mapping[str, str],
        log: Path | None,
        invocation: Invocation | None,
    ) -> None:
        self._rule = rule
        self._wildcards = dict(wildcards)
        self._log = log
        self._invocation = invocation
        self._events = EventLog(
            event_file(invocation, rule=rule, wildcards=wildcards)
            if invocation is not None
            else None
        )
        self._begin = time.monotonic()
        self._rows: dict[str, int] = {}
        self._num_rejects: int | None = None
        self._metrics: list[tuple[str, float | None, int | None, int]] = []
        self._last_flush = time.monotonic()
        self._failure: BaseException | None = None

    @classmethod
    def silent(cls) -> "Job":
        """Return a job for tests and calls by hand: it writes no log and no events."""
        return cls(rule="silent", wildcards={}, log=None, invocation=None)

    def rows(self, *, rows_in: int, rows_out: int, **more: int) -> None:
        """Note how many rows the job read and wrote, and other counts by name."""
        self._rows = {"rows_in": rows_in, "rows_out": rows_out, **more}

    def metric(
        self,
        name: str,
        value: float | None,
        *,
        target: str = ALL,
        step: int | None = None,
    ) -> None:
        """Record one number; None is undefined and is not sent.

        Args:
            name: Such as "train/loss" or "f1".
            value: The number.
            target: What it is over: a region, a finding, or all items.
            step: Position on the horizontal axis of a curve.
        """
        if not self._events.is_on:
            return
        key = name if target == ALL else f"{name}/{target}"
        self._metrics.append((key, value, step, now_ms()))
        is_due = time.monotonic() - self._last_flush > _FLUSH_SECONDS
        if is_due or len(self._metrics) >= _FLUSH_METRICS:
            self._flush()

    def metrics(self, values: Mapping[str, float | None]) -> None:
        """Record several numbers by name."""
        for name, value in values.items():
            self.metric(name, value)

    def stage_metrics(self, frame: pl.DataFrame) -> None:
        """Record the rows of a frame in the table `stage_metrics`.

        Rows over all items are headlines: the run's parent shows them, by stage.

        Raises:
            TableError: If the frame is not of that table.
        """
        STAGE_METRICS.check(frame, where=f"stage_metrics of {self._rule}")
        stages = frame["stage"].n_unique()
        for row in frame.iter_rows(named=True):
            name = row["metric"] if stages < 2 else f"{row['stage']}/{row['metric']}"
            self.metric(name, row["value"], target=row["target"])
        totals = frame.filter(pl.col("target") == ALL)
        self.headline(
            {f"{stage}/{metric}": value for stage, metric, _, value, _ in totals.rows()}
        )

    def write_stage_metrics(
        self, frame: pl.DataFrame, path: Path, *, rows_in: int | None = None
    ) -> None:
        """Record the scores of `rows_in` rows as `stage_metrics` does; write the table."""
        if rows_in is not None:
            self.rows(rows_in=rows_in, rows_out=len(frame))
        self.stage_metrics(frame)
        write_table(frame, path, schema=STAGE_METRICS)

    def benchmark_metrics(self, frame: pl.DataFrame) -> None:
        """Record the rows of a frame in the table `metrics`, floors and intervals too.

        The means over all targets are headlines: the run's parent shows them.

        Raises:
            TableError: If the frame is not of that table.
        """
        METRICS.check(frame, where=f"metrics of {self._rule}")
        totals: dict[str, float | None] = {}
        for row in frame.iter_rows(named=True):
            name = "{protocol}/{metric}/{fraction:g}/seed{seed}".format(**row)
            self.metric(name, row["value"], target=row["target"])
            if row["target"] == ALL:
                totals["{encoder}/{benchmark}/".format(**row) + name] = row["value"]
        self.headline(totals)

    def note_failure(self, error: BaseException) -> None:
        """Log an error that its results tell of, so that the workflow goes on.

        The job is recorded as failed, though it ends like any other.
        """
        logger.error("%s: %s", self.name, error, exc_info=error)
        self._failure = error

    def headline(self, values: Mapping[str, float | None]) -> None:
        """Record numbers that belong to the whole run too: its parent shows them."""
        entries = [(name, value, None, now_ms()) for name, value in values.items()]
        if not entries:
            return
        self._events.append(Event.METRICS, metrics=entries, is_headline=True)

    def artifact(self, path: Path, *, has_examples: bool = False) -> None:
        """Offer a file for the tracking store.

        Args:
            path: The file; the mirror leaves it where it is when it is large.
            has_examples: Whether it shows text, pixels or ids of the corpus. It is then
                offered only when `privacy.export_examples` or a synthetic corpus allow.
        """
        if has_examples and not self._may_export_examples:
            return
        self._events.append(Event.ARTIFACT, path=str(path))

    def write_rejects(
        self,
        frame: pl.DataFrame,
        path: Path,
        *,
        num_items: int,
        max_share: float,
        num_rejected: int | None = None,
        config_key: str = "max_reject_share",
    ) -> None:
        """Write the table `rejects` of this job, log its counts, and check their share.

        Args:
            frame: Rows of the table.
            path: Where the table goes.
            num_items: How many items the job had to handle, rejected ones included.
            max_share: Share of them that may be rejected.
            num_rejected: How many of the items are lost, where rows are not items: an
                image can lose several boxes and still have others. By default the rows.
            config_key: Full name of the configuration key behind `max_share`.

        Raises:
            TableError: If the frame is not of the table `rejects`.
            RejectLimitError: If the share is above `max_share`. The rows are then also
                in a text file beside the log: Snakemake deletes the outputs of a job
                that fails.
        """
        REJECTS.check(frame, where=str(path))
        details = [without_folders(detail) for detail in frame["detail"]]
        frame = frame.with_columns(detail=pl.Series(details, dtype=pl.String))
        write_table(frame, path, schema=REJECTS)
        self._num_rejects = (self._num_rejects or 0) + len(frame)
        reasons = Counter(frame.sort(REJECTS.key)["reason"].to_list())
        self.metrics(
            {f"rejects/{reason}": reasons[reason] for reason in sorted(reasons)}
        )
        if frame.is_empty():
            return
        summary = describe_rejects(frame)
        logger.info("rejected %d of %d items: %s", len(frame), num_items, summary)
        lost = len(frame) if num_rejected is None else num_rejected
        share = lost / max(num_items, 1)
        if share > max_share:
            copy = self._copy_rejects(frame)
            raise RejectLimitError(
                f"{self.name}: {lost} of {num_items} items are rejected, "
                f"{share:.1%}, and {config_key} = {max_share:.1%} is the limit: "
                f"{summary}. {copy}Mend the input, or raise {config_key}; "
                "the jobs that read the key then run again."
            )

    def progress(
        self, items: Iterable[Item], *, description: str, total: int | None = None
    ) -> Iterator[Item]:
        """Yield `items`, with a bar on a terminal and sparse log lines anywhere.

        Args:
            items: What is iterated.
            description: What is done to them, such as "decoding images".
            total: How many there are, where `items` does not know.
        """
        if total is None and isinstance(items, Sequence):
            total = len(items)
        counted = log_lines(items, description=description, total=total)
        if self._log is not None and sys.stderr.isatty() and find_spec("tqdm"):
            # Only a person at a terminal needs it, and it is an optional dependency.
            from tqdm import tqdm  # noqa: PLC0415

            return iter(tqdm(counted, desc=description, total=total, leave=False))
        return counted

    @property
    def name(self) -> str:
        """The rule and its wildcards, for messages."""
        return item_name(self._rule, self._wildcards)

    def start(self, snakemake: SnakemakeObject) -> None:
        """Log and report what is about to be done, and with which inputs."""
        logger.info("%s begins, %d threads", self.name, snakemake.threads)
        if self._invocation is None:
            return
        params = dict(snakemake.params.items())
        code = params.pop("code", None)
        config = params.pop("config", {})
        settings = config if isinstance(config, Mapping) else {"config": config}
        tables = " ".join(f"{table.name}:{table.version}" for table in TABLES)
        tags = {"asg.version": asg_core.__version__, "asg.tables": tables}
        tags |= {"asg.host": platform.node()}
        self._events.append(
            Event.START,
            rule=self._rule,
            wildcards=self._wildcards,
            params=flatten(settings) | flatten(params),
            tags=tags | ({} if code is None else {"asg.code": str(code)}),
        )
        inputs = describe_inputs(
            snakemake.input, limit_mb=self._invocation.digest_limit_mb
        )
        self._events.append(Event.INPUTS, inputs=inputs)

    def finish(self, status: Status, *, error: BaseException | None = None) -> None:
        """Log the one line that sums the job up, and report its end."""
        if self._failure is not None and error is None:
            status, error = Status.FAILED, self._failure
        seconds = time.monotonic() - self._begin
        memory_mb = _peak_memory_mb()
        values: dict[str, float | None] = {**self._rows, "rejects": self._num_rejects}
        said = [
            f"{value:,} {name.replace('_', ' ')}"
            for name, value in values.items()
            if value is not None
        ]
        said += [f"{seconds:.1f} s", f"{memory_mb:.0f} MB peak memory"]
        logger.info("%s %s: %s", self.name, status.lower(), ", ".join(said))
        self._flush()
        if self._log is not None and self._invocation is not None:
            self.artifact(self._log, has_examples=True)
        values |= {"seconds": seconds, "peak_memory_mb": memory_mb}
        self._events.append(
            Event.END,
            rule=self._rule,
            status=status.value,
            # Messages can hold ids and text; the class alone cannot.
            error=None if error is None else type(error).__name__,
            metrics=values,
        )

    @property
    def _may_export_examples(self) -> bool:
        return self._invocation is not None and self._invocation.may_export_examples

    def _flush(self) -> None:
        if self._metrics:
            self._events.append(Event.METRICS, metrics=self._metrics, is_headline=False)
        self._metrics = []
        self._last_flush = time.monotonic()

    def _copy_rejects(self, frame: pl.DataFrame) -> str:
        """Write the rejects beside the log; return the sentence that points there."""
        if self._log is None:
            return ""
        copy = _rejects_copy(self._log)
        frame.sort(REJECTS.key).write_csv(copy, separator="\t")
        return f"See {copy}. "


@contextmanager
def run_job(snakemake: SnakemakeObject) -> Iterator[Job]:
    """Frame the work of a script: its log file, its events, its summary line.

    What is raised inside is logged with its traceback, noted in one line for the end of
    the run, and raised again.
    """
    log = Path(snakemake.log[0]) if len(snakemake.log) else None
    wildcards = {name: str(value) for name, value in snakemake.wildcards.items()}
    with log_to(log):
        forget_failures(log=log)
        if log is not None:
            _rejects_copy(log).unlink(missing_ok=True)
        job = Job(
            rule=snakemake.rule,
            wildcards=wildcards,
            log=log,
            invocation=None if log is None else find_invocation(log),
        )
        job.start(snakemake)
        try:
            yield job
        except BaseException as error:
            logger.exception("%s failed", job.name)
            if log is not None:
                note_failure(log, error)
            job.finish(Status.FAILED, error=error)
            raise
        job.finish(Status.FINISHED)


def paths(items: NamedItems) -> dict[str, Path]:
    """Return the named files of an input or an output, of which each name has one."""
    return {name: Path(path) for name, path in items.items()}


def path_lists(items: NamedItems) -> dict[str, list[Path]]:
    """Return the named files of an input of which each name has a list."""
    return {name: [Path(path) for path in files] for name, files in items.items()}


def _rejects_copy(log: Path) -> Path:
    return log.with_suffix(".rejects.tsv")


def _peak_memory_mb() -> float:
    """Return the largest resident size of this process or of one of its children."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(one).ru_maxrss for one in who)
    # Linux counts kibibytes, macOS bytes.
    return peak / 1_000_000 if sys.platform == "darwin" else peak * 1024 / 1_000_000
