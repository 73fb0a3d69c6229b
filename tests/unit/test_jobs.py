import json
import logging
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from asg_core import job_log, jobs
from asg_core.files import write_json
from asg_core.jobs import Job, RejectLimitError, run_job
from asg_core.tables.catalog import METRICS, REJECTS, STAGE_METRICS
from asg_core.tables.schema import TableError, read_table
from asg_core.tracking.events import CURRENT
from support.clock import Clock
from support.fake_snakemake import FakeSnakemake, Named


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "results/demo/logs/extract_triplets/shard-0001-of-0004.log"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Switch tracking on; return the file that gets the job's events."""
    directory = tmp_path / "results/demo/tracking"
    (directory / "now").mkdir(parents=True)
    switch_on(directory, may_export_examples=True)
    return directory / "now/extract_triplets--0001-of-0004.jsonl"


def switch_on(directory: Path, *, may_export_examples: bool) -> None:
    write_json(
        directory / CURRENT,
        {
            "format": 1,
            "invocation": "now",
            "may_export_examples": may_export_examples,
            "digest_limit_mb": 1.0,
            "tags": {},
        },
    )


def read_events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rejects(*item_ids: str, reason: str = "empty_report") -> pl.DataFrame:
    return REJECTS.frame(
        {
            "stage": "extract_triplets",
            "item_id": item_id,
            "reason": reason,
            "detail": f"report of {item_id}: expected text, found none",
        }
        for item_id in item_ids
    )


def test_the_log_sums_the_job_up_in_one_line(log: Path, tmp_path: Path) -> None:
    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.rows(rows_in=1200, rows_out=3400, sentences=5)
        job.write_rejects(
            rejects("s1"), tmp_path / "rejects.parquet", num_items=1200, max_share=0.1
        )

    last = log.read_text().splitlines()[-1]
    assert (
        "extract_triplets (corpus=demo, shard=0001-of-0004) finished: "
        "1,200 rows in, 3,400 rows out, 5 sentences, 1 rejects, " in last
    )
    assert last.endswith("MB peak memory")


def test_the_log_keeps_our_lines_and_the_warnings_of_others(log: Path) -> None:
    with run_job(FakeSnakemake(log=[str(log)])):
        logging.getLogger("asg_core.reports").info("ours")
        logging.getLogger("other").info("chatter")
        logging.getLogger("other").warning("a warning of theirs")
    logging.getLogger("asg_core.reports").warning("after the end")

    text = log.read_text()
    assert "INFO asg_core.reports: ours\n" in text
    assert "WARNING other: a warning of theirs\n" in text
    assert "chatter" not in text
    assert "after the end" not in text


def test_the_handler_and_the_level_are_taken_back(log: Path) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)

    with (
        pytest.raises(ValueError, match="broken"),
        run_job(FakeSnakemake(log=[str(log)])),
    ):
        raise ValueError("broken")

    assert (list(root.handlers), root.level) == before


def test_a_failure_is_logged_with_its_traceback_and_raised(
    log: Path, events: Path
) -> None:
    with (
        pytest.raises(ValueError, match="patient 17"),
        run_job(FakeSnakemake(log=[str(log)])),
    ):
        raise ValueError("patient 17")

    text = log.read_text()
    assert "Traceback" in text
    assert "ValueError: patient 17" in text
    end = read_events(events)[-1]
    assert (end["event"], end["status"], end["error"]) == (
        "end",
        "FAILED",
        "ValueError",
    )
    assert "patient 17" not in events.read_text()


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (
            ValueError("size: expected 3"),
            {"reason": "size: expected 3", "is_lasting": 1},
        ),
        # No `Exception`: how a job ends that was asked to stop.
        (
            SystemExit(143),
            {"reason": "stopped on request, with exit code 143", "is_lasting": 0},
        ),
    ],
)
def test_a_failure_is_noted_beside_the_log_until_the_next_attempt(
    error: BaseException, note: dict[str, object], log: Path, events: Path
) -> None:
    with (
        pytest.raises(type(error)),
        run_job(FakeSnakemake(log=[str(log)])),
    ):
        raise error
    path = log.with_suffix(".failure.json")

    assert json.loads(path.read_text()) == note
    assert read_events(events)[-1]["status"] == "FAILED"

    with run_job(FakeSnakemake(log=[str(log)])):
        assert not path.exists()


def test_an_error_that_the_results_tell_of_fails_the_job_and_not_the_run(
    log: Path, events: Path
) -> None:
    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.note_failure(RuntimeError("no weights of patient 17"))

    end = read_events(events)[-1]
    assert (end["status"], end["error"]) == ("FAILED", "RuntimeError")
    assert "no weights of patient 17" in log.read_text()
    assert not log.with_suffix(".failure.json").exists()


def test_rejects_up_to_the_limit_pass(tmp_path: Path, log: Path) -> None:
    path = tmp_path / "rejects.parquet"

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.write_rejects(rejects("s1", "s2"), path, num_items=20, max_share=0.1)

    assert read_table(path, schema=REJECTS)["item_id"].to_list() == ["s1", "s2"]
    assert not log.with_suffix(".rejects.tsv").exists()


def test_rejects_above_the_limit_stop_the_job_with_a_sentence(
    tmp_path: Path, log: Path
) -> None:
    frame = pl.concat([rejects("s1", "s2"), rejects("s0", reason="no_sentence")])
    copy = log.with_suffix(".rejects.tsv")

    with (
        pytest.raises(RejectLimitError) as caught,
        run_job(FakeSnakemake(log=[str(log)])) as job,
    ):
        job.write_rejects(
            frame,
            tmp_path / "rejects.parquet",
            num_items=20,
            max_share=0.1,
            config_key="reports.max_reject_share",
        )

    assert str(caught.value) == (
        "extract_triplets (corpus=demo, shard=0001-of-0004): 3 of 20 items are rejected, "
        "15.0%, and reports.max_reject_share = 10.0% is the limit: empty_report 2, "
        "no_sentence 1; such as s1: report of s1: expected text, found none. "
        f"See {copy}. Mend the input, or raise reports.max_reject_share; the jobs that "
        "read the key then run again."
    )
    assert pl.read_csv(copy, separator="\t")["item_id"].to_list() == ["s0", "s1", "s2"]


def test_rows_that_are_not_items_count_by_the_items_that_are_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rejects.parquet"
    boxes = rejects("i1/left lung", "i1/spine", "i2/spine")

    Job.silent().write_rejects(boxes, path, num_items=2, num_rejected=0, max_share=0.05)
    with pytest.raises(RejectLimitError, match=r"1 of 2 items are rejected, 50\.0%"):
        Job.silent().write_rejects(
            boxes, path, num_items=2, num_rejected=1, max_share=0.05
        )

    assert len(read_table(path, schema=REJECTS)) == 3


def test_the_next_attempt_removes_the_copy_of_the_rejects(log: Path) -> None:
    log.parent.mkdir(parents=True)
    log.with_suffix(".rejects.tsv").write_text("old")

    with run_job(FakeSnakemake(log=[str(log)])):
        pass

    assert not log.with_suffix(".rejects.tsv").exists()


def test_no_rejects_of_no_items_pass_and_some_do_not(tmp_path: Path) -> None:
    path = tmp_path / "rejects.parquet"

    Job.silent().write_rejects(REJECTS.empty(), path, num_items=0, max_share=0.0)
    with pytest.raises(RejectLimitError, match="silent: 1 of 0 items are rejected"):
        Job.silent().write_rejects(rejects("s1"), path, num_items=0, max_share=0.5)


def test_rejects_of_two_tables_are_counted_together(
    tmp_path: Path, log: Path, events: Path
) -> None:
    with run_job(FakeSnakemake(log=[str(log)])) as job:
        for name, frame in (("a", rejects("1")), ("b", rejects("2", "3"))):
            job.write_rejects(frame, tmp_path / name, num_items=9, max_share=1.0)

    assert read_events(events)[-1]["metrics"]["rejects"] == 3


def test_rejects_must_be_of_their_table(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"missing \['detail'\]"):
        Job.silent().write_rejects(
            rejects("s1").drop("detail"),
            tmp_path / "rejects.parquet",
            num_items=1,
            max_share=1.0,
        )


def test_events_tell_what_was_done_with_what(
    log: Path, events: Path, tmp_path: Path
) -> None:
    table = tmp_path / "reports.parquet"
    table.write_bytes(b"abc")
    snakemake = FakeSnakemake(
        log=[str(log)],
        input=Named({"reports": str(table), "both": [str(table), str(table)]}),
        params=Named(
            {"config": {"parser": {"name": "lexicon", "size": 3}}, "code": "c0de"}
        ),
    )

    with run_job(snakemake) as job:
        job.metric("f1", 0.5, target="edema")
        job.metric("train/loss", 2.0, step=7)
        job.metric("undefined", None)
        job.rows(rows_in=2, rows_out=1)

    told = read_events(events)
    assert [event["event"] for event in told] == [
        *("start", "inputs", "metrics", "artifact", "end")
    ]
    start, inputs, metrics, artifact, end = told
    assert start["rule"] == "extract_triplets"
    assert start["params"] == {"parser.name": "lexicon", "parser.size": "3"}
    assert start["tags"]["asg.code"] == "c0de"
    assert "triplets:1" in start["tags"]["asg.tables"]
    assert inputs["inputs"][0] == {
        "name": "reports",
        "source": str(table),
        # sha256 of "abc", from the standard's own example
        "digest": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert inputs["inputs"][1]["source"] == f"{table} and 1 more"
    assert [value[:3] for value in metrics["metrics"]] == [
        ["f1/edema", 0.5, None],
        ["train/loss", 2.0, 7],
        ["undefined", None, None],
    ]
    assert artifact["path"] == str(log)
    assert end["status"] == "FINISHED"
    assert end["metrics"]["rows_in"] == 2
    assert end["metrics"]["rows_out"] == 1
    assert end["metrics"]["seconds"] < 60
    assert {event["attempt"] for event in read_events(events)} == {start["attempt"]}


def test_what_shows_examples_stays_unless_it_may_be_exported(
    log: Path, events: Path, tmp_path: Path
) -> None:
    switch_on(events.parent.parent, may_export_examples=False)

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.artifact(tmp_path / "curve.png")
        job.artifact(tmp_path / "examples.png", has_examples=True)

    paths = [event.get("path") for event in read_events(events)]
    assert paths == [None, None, str(tmp_path / "curve.png"), None]


def test_stage_metrics_become_metrics(log: Path, events: Path) -> None:
    row = {"stage": "align_regions", "num_items": 4}
    frame = STAGE_METRICS.frame(
        [
            row | {"metric": "f1", "target": "all", "value": 0.25},
            row | {"metric": "f1", "target": "spine", "value": None},
        ]
    )

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.stage_metrics(frame)

    _, _, headline, metrics, *_ = read_events(events)
    values = [value[:2] for value in metrics["metrics"]]
    assert values == [["f1", 0.25], ["f1/spine", None]]
    assert headline["is_headline"]
    assert [v[:2] for v in headline["metrics"]] == [["align_regions/f1", 0.25]]


def test_metrics_of_several_stages_are_named_by_their_stage(
    log: Path, events: Path, tmp_path: Path
) -> None:
    frame = STAGE_METRICS.frame(
        {"stage": stage, "metric": "f1", "target": "all", "value": 0.5, "num_items": 4}
        for stage in ("align_regions", "detect_regions")
    )

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.write_stage_metrics(frame, tmp_path / "metrics.parquet", rows_in=7)

    # Each once: a curve that has a value twice is drawn as two.
    _, _, headline, metrics, _, end = read_events(events)
    names = ["align_regions/f1", "detect_regions/f1"]
    assert [name for name, *_ in metrics["metrics"]] == names
    assert [name for name, *_ in headline["metrics"]] == names
    assert read_table(tmp_path / "metrics.parquet", schema=STAGE_METRICS).equals(frame)
    assert (end["metrics"]["rows_in"], end["metrics"]["rows_out"]) == (7, 2)


def test_scores_of_a_benchmark_are_named_by_protocol_fraction_and_seed(
    log: Path, events: Path
) -> None:
    shared: dict[str, object] = dict.fromkeys(METRICS.columns)
    shared |= {"benchmark": "nih", "encoder": "ours", "protocol": "linear-cached"}
    shared |= {"metric": "auc", "fraction": 0.1, "seed": 2, "split": "given"}
    shared |= {"num_items": 9, "num_train": 5, "test_digest": "d"}
    rows = [{"target": "all", "value": 0.75}, {"target": "Mass", "value": 0.5}]
    frame = METRICS.frame(shared | row for row in rows)

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.benchmark_metrics(frame)

    _, _, headline, metrics, *_ = read_events(events)
    name = "linear-cached/auc/0.1/seed2"
    assert [value[:2] for value in metrics["metrics"]] == [
        [name, 0.75],
        [f"{name}/Mass", 0.5],
    ]
    assert [value[:2] for value in headline["metrics"]] == [[f"ours/nih/{name}", 0.75]]


def test_metrics_are_told_every_few_seconds_and_each_once(
    log: Path, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(jobs, "time", clock)
    told: list[int] = []

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        for step, seconds in enumerate((2, 2, 2, 1)):
            clock.sleep(seconds)
            job.metric("loss", 1.0, step=step)
            told.append(len(read_events(events)) - 2)  # start and inputs

    steps = [
        [step for _, _, step, _ in event["metrics"]]
        for event in read_events(events)
        if event["event"] == "metrics"
    ]
    assert told == [0, 0, 1, 1]  # after five seconds
    assert steps == [[0, 1, 2], [3]]


def test_five_hundred_metrics_wait_for_no_clock(
    log: Path, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "time", Clock())

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        for step in range(499):
            job.metric("loss", 1.0, step=step)
        before = len(read_events(events))
        job.metric("loss", 1.0, step=499)
        after = read_events(events)

    assert len(after) == before + 1
    assert len(after[-1]["metrics"]) == 500


def test_without_tracking_only_the_log_is_written(log: Path, tmp_path: Path) -> None:
    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.metric("f1", 0.5)
        job.headline({"f1": 0.5})

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [log]


def test_events_that_cannot_be_written_do_not_stop_the_job(
    log: Path, events: Path
) -> None:
    events.mkdir(parents=True)  # a folder of this name: opening it to write fails

    with run_job(FakeSnakemake(log=[str(log)])) as job:
        job.rows(rows_in=1, rows_out=1)

    assert log.read_text().count("events are not written") == 1
    assert "finished: 1 rows in" in log.read_text()


def test_a_damaged_current_file_does_not_stop_the_job(log: Path, events: Path) -> None:
    (events.parent.parent / CURRENT).write_text('{"inv')

    with run_job(FakeSnakemake(log=[str(log)])):
        pass

    assert "this job is not tracked" in log.read_text()
    assert not events.exists()


def test_progress_logs_sparsely(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(0, 1000, 20))  # each look at the clock is 20 s later
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    caplog.set_level(logging.INFO)

    seen = list(job_log.log_lines("abcd", description="decoding", total=4))

    assert seen == ["a", "b", "c", "d"]
    assert [record.getMessage() for record in caplog.records] == [
        "decoding: begins, 4",
        "decoding: 2 of 4, 40 s",
        "decoding: 4 of 4, 80 s",
        "decoding: ends, 4 in 100.0 s",
    ]


def test_progress_passes_the_items_on() -> None:
    assert list(Job.silent().progress([3, 1, 2], description="counting")) == [3, 1, 2]
