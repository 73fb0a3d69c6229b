import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest

from asg_core.failed_jobs import (
    Failure,
    FailureWatch,
    LastingError,
    forget_failures,
    is_lasting,
    item_name,
    note_failure,
    reason_of,
    take_failure,
)
from asg_core.jobs import RejectLimitError
from asg_core.tables.schema import TableError


class Event(Enum):
    JOB_ERROR = "job_error"
    JOB_INFO = "job_info"


@dataclass
class EngineJob:
    """A job as Snakemake has it: two retries, in its first attempt."""

    jobid: int
    log: list[str]
    name: str = "cache_pixels"
    wildcards_dict: dict[str, str] = field(
        default_factory=lambda: {"shard": "0001-of-0002"}
    )
    restart_times: int = 2
    _attempt: int = 1

    @property
    def is_tried_again(self) -> bool:
        """As the scheduler decides."""
        return self.restart_times > self._attempt - 1


def job_error(
    jobid: int, *, said: str | None = None, logs: list[str]
) -> logging.LogRecord:
    record = logging.LogRecord("snakemake", logging.ERROR, "", 0, "Error", (), None)
    record.__dict__ |= {
        "event": Event.JOB_ERROR,
        "jobid": jobid,
        "rule_msg": said,
        "log": logs,
    }
    return record


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "shard-0001-of-0002.log"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("corpus.root: expected a folder"), True),
        (TableError("images: expected version 3, found 2"), True),
        (RejectLimitError("cache_pixels: 9 of 10 items are rejected"), True),
        (KeyError("study_id"), True),
        (ModuleNotFoundError("No module named 'radgraph'"), True),
        (FloatingPointError("step 3: the loss is not finite"), True),
        (PermissionError(13, "Permission denied"), False),
        (OSError(116, "Stale file handle"), False),
        (MemoryError(), False),
        (RuntimeError("CUDA out of memory"), False),
        (SystemExit(143), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_what_the_inputs_decide_is_lasting(
    *, error: BaseException, expected: bool
) -> None:
    assert is_lasting(error) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("a: expected b,\n  found c"), "a: expected b, found c"),
        (LastingError("too many rejects"), "too many rejects"),
        (KeyError("study_id"), "KeyError: 'study_id'"),
        (ValueError(), "ValueError"),
        (SystemExit(143), "stopped on request, with exit code 143"),
        (SystemExit(3), "the job ended, with exit code 3"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_reason_is_one_line(error: BaseException, expected: str) -> None:
    assert reason_of(error) == expected


def test_of_a_long_reason_begin_and_end_are_kept() -> None:
    reason = reason_of(RuntimeError(f"begin {'x ' * 2000} end"))

    assert len(reason) < 650
    assert reason.startswith("begin x")
    assert reason.endswith("x end")


def test_a_note_is_taken_once(log: Path) -> None:
    note_failure(log, ValueError("images.size: expected 16 or more"))

    assert take_failure(log) == Failure(
        reason="images.size: expected 16 or more", is_lasting=True
    )
    assert take_failure(log) is None


def test_notes_of_a_whole_folder_are_forgotten(tmp_path: Path) -> None:
    logs = [tmp_path / "a" / "all.log", tmp_path / "b" / "all.log"]
    for log in logs:
        log.parent.mkdir()
        note_failure(log, ValueError("old"))

    forget_failures(folder=tmp_path)

    assert [take_failure(log) for log in logs] == [None, None]


def test_a_note_that_cannot_be_written_hides_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    note_failure(tmp_path / "absent" / "all.log", ValueError("the real one"))

    assert "the reason of the failure is not noted" in caplog.text


def test_the_reason_stands_in_the_engines_message(log: Path) -> None:
    job = EngineJob(7, [str(log)])
    watch = FailureWatch(lambda: [job])
    note_failure(log, ValueError("a: expected b"))
    record = job_error(7, logs=[str(log)])

    watch.handle(record)

    assert record.__dict__["rule_msg"] == "a: expected b"


@pytest.mark.parametrize(
    ("error", "expected"),
    [(ValueError("wrong key"), False), (OSError(5, "Input/output error"), True)],
)
def test_a_lasting_failure_is_not_tried_again(
    *, log: Path, error: BaseException, expected: bool
) -> None:
    job = EngineJob(7, [str(log)])
    note_failure(log, error)

    FailureWatch(lambda: [job]).handle(job_error(7, logs=[str(log)]))

    assert job.is_tried_again is expected


def test_other_messages_change_nothing(log: Path) -> None:
    job = EngineJob(7, [str(log)])
    note_failure(log, ValueError("wrong key"))
    record = job_error(7, logs=[str(log)])
    record.__dict__["event"] = Event.JOB_INFO

    FailureWatch(lambda: [job]).handle(record)

    assert job.is_tried_again
    assert record.__dict__["rule_msg"] is None


def test_the_last_screen_names_item_reason_and_log_of_every_failed_job(
    tmp_path: Path,
) -> None:
    logs = [str(tmp_path / name) for name in ("1.log", "2.log", "3.log")]
    by_itself = EngineJob(1, [logs[0]])
    cancelled = EngineJob(2, [logs[1]], name="build_summary", wildcards_dict={})
    silent = EngineJob(3, [logs[2]], wildcards_dict={"shard": "0000-of-0002"})
    watch = FailureWatch(lambda: [by_itself, cancelled, silent])
    note_failure(
        Path(logs[0]), ValueError("cache_pixels (shard=0001-of-0002): a: expected b")
    )
    said = "SLURM-job '4' failed,\n  SLURM status is: 'CANCELLED'."

    watch.handle(job_error(1, logs=[logs[0]]))
    watch.handle(job_error(2, said=said, logs=[logs[1], "slurm/4.log"]))
    watch.handle(job_error(3, logs=[logs[2]]))
    screen = watch.last_screen([by_itself, silent, cancelled])

    assert screen.splitlines()[:8] == [
        "3 jobs failed:",
        "",
        "build_summary",
        "  SLURM-job '4' failed, SLURM status is: 'CANCELLED'.",
        f"  Log: {logs[1]}, slurm/4.log",
        "",
        "cache_pixels (shard=0000-of-0002)",
        "  it ended without saying why (killed, out of memory, or before its own log "
        "began); see the messages above and its log",
    ]
    assert screen.splitlines()[10:] == [
        "cache_pixels (shard=0001-of-0002)",
        "  a: expected b",
        f"  Log: {logs[0]}",
    ]


def test_nothing_failed_nothing_is_said() -> None:
    nothing: Callable[[], list[EngineJob]] = list

    assert FailureWatch(nothing).last_screen([]) == ""


def test_an_item_is_named_by_its_wildcards() -> None:
    assert item_name("evaluate_encoder", {"encoder": "full", "benchmark": "nih"}) == (
        "evaluate_encoder (encoder=full, benchmark=nih)"
    )
    assert item_name("build_summary", {}) == "build_summary"
