"""Runs of two processes, which torchrun starts."""

import json
from collections.abc import Callable

import polars as pl
import pytest

from asg_core.tables.catalog import HISTORY
from asg_core.tables.schema import read_table
from asg_core.training.job import PretrainJob
from asg_core.training.pretrain import pretrain

MakeJob = Callable[..., PretrainJob]


@pytest.mark.slow
@pytest.mark.parametrize("negatives", ["local", "global"])
def test_two_processes_make_a_run(make_job: MakeJob, negatives: str) -> None:
    seen: dict[int, dict[str, float]] = {}
    job = make_job(
        processes=2,
        batch_size=4,
        epochs=2,
        losses={"negatives": negatives, "tags": 0},
    )

    pretrain(job, log=lambda step, values: seen.setdefault(step, {}).update(values))

    run = json.loads((job.out / "run.json").read_text())
    assert (run["processes"], run["steps"]) == (2, 4)
    assert sorted(seen) == [2, 4]
    history = read_table(job.out / "history.parquet", schema=HISTORY)
    sent = {
        (step, name): value
        for step, values in seen.items()
        for name, value in values.items()
        if name not in ("train/images_per_second", "train/data_wait_share")
    }
    assert sent == {(step, name): value for step, name, value in history.iter_rows()}
    assert not job.work.exists()


@pytest.mark.slow
def test_the_processes_log_and_their_failure_is_told(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    optimizer = {"learning_rate": 1e30, "warmup_share": 0.0}
    job = make_job(processes=2, batch_size=4, optimizer=optimizer)

    with (
        caplog.at_level("INFO"),
        pytest.raises(RuntimeError, match="expected 2 processes to end well"),
    ):
        pretrain(job)

    assert "pre-training on 16 images in 2 x 4 a step" in caplog.text
    assert "FloatingPointError" in caplog.text


@pytest.mark.slow
def test_validation_does_not_depend_on_the_number_of_processes(
    make_job: MakeJob,
) -> None:
    # A rate of almost nothing: the weights stay, so validation sees the same model.
    frozen = {"learning_rate": 1e-30, "min_learning_rate": 0, "weight_decay": 0}
    one = make_job("one", batch_size=3, max_steps=1, optimizer=frozen)
    two = make_job("two", batch_size=3, max_steps=1, optimizer=frozen, processes=2)

    for job in (one, two):
        pretrain(job)

    validations = [
        read_table(job.out / "history.parquet", schema=HISTORY).filter(
            pl.col("metric").is_in(["validate/tags", "validate/tag_map"])
        )
        for job in (one, two)
    ]
    # The tag decoder has no BatchNorm, whose statistics follow the batches.
    assert validations[0]["value"].to_list() == pytest.approx(
        validations[1]["value"].to_list(), rel=1e-6
    )
