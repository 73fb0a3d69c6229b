import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from asg_core.training.job import PretrainJob
from asg_core.training.pretrain import pretrain

MakeJob = Callable[..., PretrainJob]


def test_a_run_that_is_asked_stops_after_its_step_and_goes_on_from_there(
    make_job: MakeJob,
) -> None:
    job = make_job(checkpoint_every=100, patience=None)

    def ask(step: int, _: dict[str, float]) -> None:
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as stopped:
        pretrain(job, log=ask)
    steps: list[int] = []
    pretrain(job, log=lambda step, _: steps.append(step))

    assert stopped.value.code == 143
    # Asked when step 4 was done, it does the fifth and then writes.
    assert steps[0] == 6


def _start(job: PretrainJob) -> "subprocess.Popen[str]":
    path = job.out.parent / "job.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(job.model_dump_json())
    command = [sys.executable, "-m", "asg_core.training.pretrain", "--job", str(path)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "workers"), [(1, 0), (1, 2), (2, 0)])
def test_a_killed_process_leaves_a_checkpoint_and_its_code(
    make_job: MakeJob, processes: int, workers: int
) -> None:
    job = make_job(
        processes=processes,
        workers=workers,
        batch_size=4,
        epochs=100_000,
        patience=None,
        checkpoint_every=1_000_000,
    )

    with _start(job) as process:
        if process.stdout is None:
            pytest.fail("no output to read")
        for line in process.stdout:
            if line.startswith("asg-metrics"):
                break
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGTERM)  # all of them, as a scheduler does
        rest = process.stdout.read()
        code = process.wait(60)

    assert code == 143, rest
    assert "asked to stop: a checkpoint holds" in rest
    assert len(list(job.work.glob("*/checkpoint.pt"))) == 1
    assert not job.out.exists()
