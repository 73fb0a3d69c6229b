"""The steps of a run, one after the other, from where it stands to its end."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import torch
from torch import nn

from asg_core.data.batches import PretrainDataset
from asg_core.data.order import Order
from asg_core.data.stream import BatchStream
from asg_core.failed_jobs import STOPPED
from asg_core.learning.checkpoint import Checkpoints
from asg_core.learning.processes import World
from asg_core.learning.schedule import WarmupCosine
from asg_core.models.asg import AsgModel
from asg_core.training.config import PretrainingSettings
from asg_core.training.objective import Objective
from asg_core.training.progress import RunProgress
from asg_core.training.step import train_step
from asg_core.training.validate import validate

logger = logging.getLogger(__name__)

Log = Callable[[int, dict[str, float]], None]
"""Gets the number of steps done, and metrics by name."""


@dataclass(frozen=True, kw_only=True)
class RunParts:
    """The parts of a run."""

    model: AsgModel
    wrapped: nn.Module
    """The model, or what averages its gradients over the processes."""

    optimizer: torch.optim.Optimizer
    objective: Objective
    world: World
    settings: PretrainingSettings
    order: Order
    train: PretrainDataset
    validate: PretrainDataset | None
    """None where there is nothing to validate on."""

    num_steps: int
    schedule: WarmupCosine
    checkpoints: Checkpoints
    log: Log


def run_steps(parts: RunParts, progress: RunProgress, *, asked: Event) -> None:
    """Train from where `progress` stands until the last step, or until it stalls.

    Args:
        parts: What the run is made of.
        progress: Changed on the way.
        asked: Set when the process should stop: the run then writes a checkpoint after
            the step it is in.

    Raises:
        SystemExit: If the run was asked to stop; its code is that of SIGTERM.
        FloatingPointError: If the run diverges.
    """
    workers, on_gpu = parts.settings.workers, parts.world.device.type == "cuda"
    draws = parts.order.draws(first=progress.step, end=parts.num_steps)
    with BatchStream(parts.train, draws, workers=workers, pin_memory=on_gpu) as stream:
        parts.wrapped.train()
        while True:
            _validate_if_due(parts, progress)
            if _is_over(parts, progress):
                _log_point(parts, progress)
                return
            is_stop_asked = _do_step(parts, progress, stream, asked=asked)
            if is_stop_asked:
                _save(parts, progress)
                logger.info("asked to stop: a checkpoint holds %d steps", progress.step)
                raise SystemExit(STOPPED)
            if progress.step % parts.settings.checkpoint_every == 0:
                _save(parts, progress)


def _do_step(
    parts: RunParts, progress: RunProgress, stream: BatchStream, *, asked: Event
) -> bool:
    """Do one step and note it; return whether the run was asked to stop."""
    settings, step = parts.settings, progress.step
    begin, waited = time.perf_counter(), stream.wait_seconds
    batch = next(stream).to(parts.world.device)
    result = train_step(
        parts.wrapped,
        parts.optimizer,
        batch,
        objective=parts.objective,
        world=parts.world,
        step=step,
        seed=settings.seed,
        rate=parts.schedule.rate(step),
        max_grad_norm=settings.optimizer.max_grad_norm,
        precision=settings.precision,
        is_stop_asked=asked.is_set(),
    )
    progress.step += 1
    progress.pending.append(result.metrics)
    progress.train_seconds += time.perf_counter() - begin
    progress.wait_seconds += stream.wait_seconds - waited
    is_last = progress.step == parts.num_steps
    if progress.step % settings.log_every == 0 or is_last:
        _log_point(parts, progress)
    return result.is_stop_asked


def _log_point(parts: RunParts, progress: RunProgress) -> None:
    point = progress.mean_of_pending()
    if not point:
        return
    speed = throughput(progress, settings=parts.settings, world=parts.world)
    timing = {f"train/{name}": value for name, value in speed.items()}
    parts.log(progress.step, point | timing)
    logger.info(
        "step %d of %d: loss %.4f, %.1f images a second",
        progress.step,
        parts.num_steps,
        point["train/loss"],
        speed["images_per_second"],
    )


def throughput(
    progress: RunProgress, *, settings: PretrainingSettings, world: World
) -> dict[str, float]:
    """Return images a second over all steps and processes, and the share of waiting.

    They depend on the machine, so they are in no table.
    """
    num_images = progress.step * settings.batch_size * world.size
    seconds = max(progress.train_seconds, 1e-9)
    return {
        "images_per_second": num_images / seconds,
        "data_wait_share": progress.wait_seconds / seconds,
    }


def _validate_if_due(parts: RunParts, progress: RunProgress) -> None:
    """Validate after each epoch and after the last step, and keep the best weights."""
    is_end = progress.step == parts.num_steps
    is_epoch = progress.step > 0 and progress.step % parts.order.steps_per_epoch == 0
    is_done = progress.validated_step == progress.step
    if parts.validate is None or is_done or not (is_end or is_epoch):
        return
    settings = parts.settings
    values = validate(
        parts.model,
        parts.validate,
        objective=parts.objective,
        world=parts.world,
        batch_size=settings.batch_size,
        precision=settings.precision,
    )
    parts.wrapped.train()
    progress.add_point(values)
    parts.log(progress.step, values)
    loss = values["validate/loss"]
    _, warm_step = parts.schedule.rise
    is_best = progress.judge(loss, is_warm=progress.step > warm_step)
    logger.info(
        "after %d steps: validation loss %.4f%s",
        progress.step,
        loss,
        ", the lowest so far" if is_best else "",
    )
    if is_best and settings.keep == "best":
        if parts.world.is_first:
            parts.checkpoints.write_best(parts.model, progress.step)
        _save(parts, progress)


def _is_over(parts: RunParts, progress: RunProgress) -> bool:
    patience = parts.settings.patience
    if patience is not None and progress.num_worse >= patience:
        logger.info(
            "no lower validation loss in %d epochs: the run ends after %d steps",
            patience,
            progress.step,
        )
        return True
    return progress.step >= parts.num_steps


def _save(parts: RunParts, progress: RunProgress) -> None:
    if parts.world.is_first:
        parts.checkpoints.write(
            parts.model,
            parts.optimizer,
            progress.state(),
            best_step=progress.best_step,
        )
    parts.world.wait()
