"""Failed jobs: what one leaves behind, and what the end of a run says of all of them.

A job that fails writes a note beside its log: the reason in one line, and whether it would
fail in the same way again. The main process listens to the workflow engine's messages
about failed jobs (`FailureWatch`), takes the note, puts the reason into the message, and
keeps a job that would fail again from being tried again. No workflow engine is imported.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

logger = logging.getLogger(__name__)

STOPPED = 143
"""Exit code of a job that ended on request, after SIGTERM."""

_LASTING = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    ArithmeticError,
)
"""Errors of what was given, or of the code: the same inputs raise them again. Everything
else (files, memory, devices, signals) may be over when the job is tried again."""

_SUFFIX = ".failure.json"
_MAX_LETTERS = 600
_JOB_ERROR = "JOB_ERROR"


class LastingError(RuntimeError):
    """An error of a stage that the same inputs raise again: no retry can cure it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job failed, as it said itself."""

    reason: str
    """One line."""

    is_lasting: bool
    """Whether another attempt would fail in the same way."""


class EngineJob(Protocol):
    """What is read of a job of the workflow engine."""

    _attempt: int

    @property
    def jobid(self) -> int: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def wildcards_dict(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def log(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def restart_times(self) -> int: ...  # noqa: D102


class FailureWatch(logging.Handler):
    """Follows the engine's messages about failed jobs, in its main process.

    It must be the first handler of the engine's logger: it writes the reason into the
    message before others print it.
    """

    def __init__(self, jobs: Callable[[], Iterable[EngineJob]]) -> None:
        """`jobs` returns all jobs of the run; it is called when one has failed."""
        super().__init__()
        self._jobs = jobs
        self._reasons: dict[int, str] = {}
        self._logs: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take the note of the job that a message is about."""
        if getattr(getattr(record, "event", None), "name", None) != _JOB_ERROR:
            return
        jobid = record.__dict__["jobid"]
        job = next((job for job in self._jobs() if job.jobid == jobid), None)
        if job is None:
            return
        failure = take_failure(Path(job.log[0])) if job.log else None
        said = record.__dict__.get("rule_msg")
        reason = failure.reason if failure else said or _NO_NOTE
        self._reasons[jobid] = _one_line(reason)
        self._logs[jobid] = [str(log) for log in record.__dict__.get("log") or job.log]
        # The engine would print "None", or that it knows no reason.
        record.__dict__["rule_msg"] = reason
        if failure and failure.is_lasting:
            # The attribute itself: the property would compute the resources anew, and
            # what the failed job held would not be given back as it was taken.
            job._attempt = max(job._attempt, job.restart_times + 1)

    def last_screen(self, failed: Iterable[EngineJob]) -> str:
        """Return what the end of a run says: of each failed job item, reason and log."""
        jobs = sorted(failed, key=lambda job: (job.name, *job.wildcards_dict.values()))
        if not jobs:
            return ""
        lines = [f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'} failed:"]
        for job in jobs:
            logs = self._logs.get(job.jobid, list(job.log))
            item = item_name(job.name, job.wildcards_dict)
            reason = self._reasons.get(job.jobid, _NO_NOTE)
            lines += [
                f"\n{item}",
                # Some messages begin with the name of the job.
                f"  {reason.removeprefix(f'{item}: ')}",
                f"  Log: {', '.join(logs)}",
            ]
        return "\n".join(lines)


def item_name(rule: str, wildcards: Mapping[str, str]) -> str:
    """Return a rule and the item that its job is about, as messages name it."""
    values = [f"{name}={value}" for name, value in wildcards.items()]
    return f"{rule} ({', '.join(values)})" if values else rule


def note_failure(log: Path, error: BaseException) -> None:
    """Leave beside the log of a job why it failed, for the main process."""
    failure = Failure(reason=reason_of(error), is_lasting=is_lasting(error))
    try:
        _note(log).write_text(json.dumps(asdict(failure)), encoding="utf-8")
    except OSError as problem:
        # What the job raised is what must be seen.
        logger.warning("the reason of the failure is not noted: %s", problem)


def take_failure(log: Path) -> Failure | None:
    """Return the note beside a log, and remove it: the next attempt writes its own."""
    note = _note(log)
    try:
        values = json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    note.unlink(missing_ok=True)
    return Failure(reason=str(values["reason"]), is_lasting=bool(values["is_lasting"]))


def forget_failures(*, log: Path | None = None, folder: Path | None = None) -> None:
    """Remove the note of a job's earlier attempt, or all of a folder of logs."""
    notes = [] if log is None else [_note(log)]
    notes += [] if folder is None else folder.rglob(f"*{_SUFFIX}")
    for note in notes:
        note.unlink(missing_ok=True)


def is_lasting(error: BaseException) -> bool:
    """Return whether the same inputs would raise this error again."""
    return isinstance(error, (LastingError, *_LASTING))


def reason_of(error: BaseException) -> str:
    """Return an error in one line; of a long one the begin and the end."""
    text = str(error)
    if isinstance(error, SystemExit):
        is_stopped = error.code == STOPPED
        end = "stopped on request" if is_stopped else "the job ended"
        text = f"{end}, with exit code {error.code}"
    elif isinstance(error, KeyboardInterrupt):
        text = "interrupted"
    elif not isinstance(error, ValueError | RuntimeError) or not text:
        # Errors of ours are sentences; those of others need their name.
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    return _one_line(text)


def _one_line(text: str) -> str:
    line, half = " ".join(text.split()), _MAX_LETTERS // 2
    return line if len(line) <= _MAX_LETTERS else f"{line[:half]} ... {line[-half:]}"


def _note(log: Path) -> Path:
    return log.with_suffix(_SUFFIX)


_NO_NOTE = (
    "it ended without saying why (killed, out of memory, or before its own log began); "
    "see the messages above and its log"
)
