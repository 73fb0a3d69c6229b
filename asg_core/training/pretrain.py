"""Pre-train an image encoder and a text encoder on aligned images and reports.

`pretrain` makes a whole run; `python -m asg_core.training.pretrain --job FILE` does the
same for a job in a JSON file, and is what torchrun starts in each process.
"""

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from asg_core.data.make_corpora import Corpora
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.processes import is_first, is_launched, join_world
from asg_core.learning.randomness import own_randomness
from asg_core.learning.stop import stop_requests
from asg_core.training.job import PretrainJob
from asg_core.training.launch import launch, send_metrics
from asg_core.training.loop import Log, RunParts, run_steps
from asg_core.training.prepare import make_order, prepare, read_corpora
from asg_core.training.progress import RunProgress
from asg_core.training.publish import publish

logger = logging.getLogger(__name__)


def pretrain(
    job: PretrainJob,
    *,
    log: Log | None = None,
    check: Callable[[Corpora], None] | None = None,
) -> None:
    """Make one run; `publish` says what its folder holds.

    A step depends on the seed and its number only, so a run that was stopped goes on from
    its last checkpoint, on a CPU with exactly the losses it would have had. Checkpoints
    lie in a folder of `job.work` that belongs to these settings and this corpus, and are
    deleted in the end. On SIGTERM one is written after the step of that moment.

    With `settings.processes` above 1 this process starts as many under torchrun and
    waits for them. A process that torchrun started itself joins the others of its run.
    The number of threads of the process is set to `settings.threads`.

    Args:
        job: What to read, how to train, where to write.
        log: Called with the number of steps done and with metrics by name.
        check: Called with what was read of the corpus before any work; what it raises
            stops the run.

    Raises:
        ValueError: If there are fewer images than one batch has, or if weights,
            tokenizer or checkpoint do not fit.
        FloatingPointError: If the run diverges; the weights are then those of the step
            before.
        SystemExit: If the run was asked to stop.
    """
    cache = PixelCache(job.pixels)
    corpora = read_corpora(job, cache=cache)
    if check is not None:
        check(corpora)
    num_processes = job.settings.processes
    if num_processes > 1 and not is_launched():
        make_order(corpora, job.settings, size=num_processes, rank=0)
        del corpora, cache  # the processes read their own
        launch(job, log=log or _ignore)
    else:
        _run(job, corpora, cache=cache, log=log or _ignore)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a job of a JSON file, as one process of several or as the only one."""
    parser = argparse.ArgumentParser(prog="python -m asg_core.training.pretrain")
    parser.add_argument("--job", type=Path, required=True, help="a PretrainJob as JSON")
    path: Path = parser.parse_args(arguments).job
    job = PretrainJob.model_validate_json(path.read_text(encoding="utf-8"))
    logging.basicConfig(
        level=logging.INFO if is_first() else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(capture=True)
    pretrain(job, log=send_metrics)


def _run(job: PretrainJob, corpora: Corpora, *, cache: PixelCache, log: Log) -> None:
    """Do the part of this process."""
    settings = job.settings
    torch.set_num_threads(settings.threads)
    with (
        stop_requests() as asked,
        join_world(settings.device) as world,
        own_randomness(world.device),
    ):
        own_log = log if world.is_first else _ignore
        parts = prepare(job, corpora, cache=cache, world=world, log=own_log)
        state = parts.checkpoints.read(parts.model, parts.optimizer)
        progress = RunProgress.of_state(state)
        if world.is_first:
            _announce(parts, progress, corpora)
        run_steps(parts, progress, asked=asked)
        if world.is_first:
            _finish(job, corpora, parts, progress)
        world.wait()


def _announce(parts: RunParts, progress: RunProgress, corpora: Corpora) -> None:
    logger.info(
        "pre-training on %d images in %d x %d a step, steps %d to %d",
        len(corpora.train),
        parts.world.size,
        parts.settings.batch_size,
        progress.step,
        parts.num_steps,
    )
    if parts.validate is None:
        logger.info(
            "the split 'validate' has no image: no validation, no early stop, and the "
            "weights of the last step are kept"
        )


def _finish(
    job: PretrainJob, corpora: Corpora, parts: RunParts, progress: RunProgress
) -> None:
    if job.settings.keep == "best" and progress.best_step is not None:
        parts.model.load_state_dict(parts.checkpoints.read_best(progress.best_step))
    publish(job, corpora, parts, progress)
    parts.checkpoints.delete()


def _ignore(step: int, metrics: dict[str, float]) -> None:
    del step, metrics


if __name__ == "__main__":
    main()
