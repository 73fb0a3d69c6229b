"""Train a region detector on annotated boxes, resumably."""

# Shape suffixes: B = images of a step, H W = rows and columns of the model frame

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import torch
import torchvision

from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.checkpoint import Checkpoints
from asg_core.learning.optimizer import make_optimizer
from asg_core.learning.precision import arithmetic
from asg_core.learning.randomness import own_randomness, seed_of
from asg_core.learning.run_folder import DETECTOR, write_run
from asg_core.learning.schedule import WarmupCosine
from asg_core.learning.step import update_weights
from asg_core.regions.backends.boxes import LabelledBoxes
from asg_core.regions.backends.detectron2_support import detectron2_version
from asg_core.regions.backends.network import Network, start_network
from asg_core.regions.config import DetectorTrainingConfig, TrainedBackend
from asg_core.regions.curve import StepLosses, pack, summarise, unpack
from asg_core.regions.samples import (
    Sample,
    TrainingSet,
    make_training_set,
    read_samples,
)
from asg_core.terms.regions import REGIONS

logger = logging.getLogger(__name__)

Log = Callable[[int, dict[str, float]], None]
"""Gets the 0-based number of a step, and its metrics by name."""

_FINAL_RATE = 0.01
_LOG_LINES = 10


def train_detector(
    *,
    cache: PixelCache,
    boxes: pl.DataFrame,
    out: Path,
    work: Path,
    config: DetectorTrainingConfig,
    backend: TrainedBackend = "torchvision",
    log: Log | None = None,
) -> None:
    """Train on the boxes of split `train`, then write `out`/model.safetensors, run.json.

    What a step shows and draws depends on (seed, step) only, so a run that was stopped
    goes on from its last checkpoint with exactly the losses it would have had. The
    number of threads of the process is set to `config.threads`. run.json comes last: a
    folder that has it is complete. The checkpoint is deleted in the end.

    Args:
        cache: The pixels.
        boxes: A frame in ANNOTATED_BOXES.
        out: Folder of the result.
        work: Folder of checkpoints, which are no results; see `Checkpoints`.
        config: How to train.
        backend: Whose network.
        log: Called after every step.

    Raises:
        ValueError: If there is nothing to learn from, or if the checkpoint is damaged or
            of another format version.
        FloatingPointError: If a loss is not finite; the weights are then those of the
            step before.
        ModuleNotFoundError: If the backend is not installed.
    """
    training_set = make_training_set(boxes, cache=cache)
    torch.set_num_threads(config.threads)
    checkpoints = Checkpoints(
        work=work,
        identity=_identity(config, training_set, backend=backend, size=cache.size),
    )
    with own_randomness(torch.device(config.device)):
        torch.manual_seed(config.seed)
        network = start_network(backend, config, size=cache.size)
        losses = _run_steps(
            network, training_set, checkpoints, cache=cache, config=config, log=log
        )
    run = _describe(config, training_set, losses, backend=backend, size=cache.size)
    write_run(out, network.state_dict(), run, kind=DETECTOR)
    checkpoints.delete()


def train_step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    samples: list[Sample],
    *,
    step: int,
    config: DetectorTrainingConfig,
) -> dict[str, float]:
    """Do one update and return the losses by name, their sum and the gradient's norm.

    Raises:
        FloatingPointError: If one of them is not finite; nothing is then updated.
    """
    # torchvision and detectron2 choose the boxes of a loss with the global generator.
    torch.manual_seed(seed_of(config.seed, step))
    image_BHW = torch.from_numpy(np.stack([sample.image_HW for sample in samples]))
    targets = [
        LabelledBoxes(
            boxes_L4=torch.from_numpy(sample.boxes_L4).to(config.device),
            region_L=torch.from_numpy(sample.region_L).to(config.device),
        )
        for sample in samples
    ]
    with arithmetic(config.device, config.precision):
        losses = network.losses(image_BHW.to(config.device), targets)
    return update_weights(
        network,
        optimizer,
        losses,
        rate=make_schedule(config).rate(step),
        max_grad_norm=config.max_grad_norm,
        where=f"train_detector, step {step}",
        advice="lower regions.training.learning_rate or max_grad_norm",
    )


def make_schedule(config: DetectorTrainingConfig) -> WarmupCosine:
    """Return the rates: a linear rise from 0, then a cosine to 1 % of the peak."""
    return WarmupCosine(
        peak=config.learning_rate,
        final=_FINAL_RATE * config.learning_rate,
        rise=(-1, config.warmup),
        fall=(config.warmup, config.steps),
    )


def _run_steps(
    network: Network,
    training_set: TrainingSet,
    checkpoints: Checkpoints,
    *,
    cache: PixelCache,
    config: DetectorTrainingConfig,
    log: Log | None,
) -> StepLosses:
    """Train from the latest checkpoint to the last step; return what each step lost."""
    optimizer = make_optimizer(
        network,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        decay_everything=False,
    )
    losses = unpack(checkpoints.read(network, optimizer))
    logger.info(
        "training %s on %d images, steps %d to %d",
        config.architecture.backbone.value,
        len(training_set.image_ids),
        len(losses),
        config.steps,
    )
    for step in range(len(losses), config.steps):
        samples = read_samples(
            training_set,
            cache=cache,
            step=step,
            batch_size=config.batch_size,
            seed=config.seed,
            augmentation=config.augmentation,
        )
        metrics = train_step(network, optimizer, samples, step=step, config=config)
        losses.append(metrics)
        _report(step, metrics, config=config, log=log)
        if len(losses) % config.checkpoint_every == 0:
            checkpoints.write(network, optimizer, pack(losses))
    return losses


def _report(
    step: int,
    metrics: dict[str, float],
    *,
    config: DetectorTrainingConfig,
    log: Log | None,
) -> None:
    if log is not None:
        log(step, metrics)
    every = max(1, config.steps // _LOG_LINES)
    if (step + 1) % every == 0:
        logger.info("step %d of %d: loss %.4f", step + 1, config.steps, metrics["loss"])


def _identity(
    config: DetectorTrainingConfig,
    training_set: TrainingSet,
    *,
    backend: TrainedBackend,
    size: int,
) -> str:
    """Return what decides the losses, as text: checkpoints belong to it."""
    parts = {
        "backend": backend,
        "size": size,
        "config": config.model_dump(mode="json", exclude={"checkpoint_every"}),
        "boxes": training_set.digest(),
    }
    return json.dumps(parts, sort_keys=True)


def _describe(
    config: DetectorTrainingConfig,
    training_set: TrainingSet,
    losses: StepLosses,
    *,
    backend: TrainedBackend,
    size: int,
) -> dict[str, object]:
    return {
        "backend": backend,
        "size": size,
        "regions": list(REGIONS),
        "training": config.model_dump(mode="json"),
        "num_images": len(training_set.image_ids),
        "num_boxes": sum(len(boxes) for boxes in training_set.boxes_model),
        "boxes_digest": training_set.digest(),
        "curve": summarise(losses),
        "versions": _versions(backend),
    }


def _versions(backend: TrainedBackend) -> dict[str, str]:
    found = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    if backend == "detectron2":
        found["detectron2"] = detectron2_version()
    return found
