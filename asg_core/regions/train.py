"""Train a region detector on annotated boxes, resumably."""

# Shape suffixes: B = images of a step, H W = rows and columns of the model frame

import json
import logging
import math
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor

from asg_core.files import replacing, write_json
from asg_core.images.pixel_cache import PixelCache
from asg_core.randomness import own_randomness, seed_of
from asg_core.regions.checkpoint import (
    Progress,
    delete_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from asg_core.regions.config import DetectorTrainingConfig, TrainedBackend
from asg_core.regions.detector_run import RUN_FORMAT, RUN_KIND
from asg_core.regions.detectron2_support import detectron2_problems, detectron2_version
from asg_core.regions.model import LabelledBoxes, RegionDetector, load_backbone_weights
from asg_core.regions.network import Network, build_network
from asg_core.regions.samples import (
    Sample,
    TrainingSet,
    make_training_set,
    read_samples,
)
from asg_core.terms.regions import REGIONS

logger = logging.getLogger(__name__)

_FINAL_RATE = 0.01
_CURVE_POINTS = 200
_LOG_LINES = 10


def train_detector(
    *,
    cache: PixelCache,
    boxes: pl.DataFrame,
    out: Path,
    work: Path,
    config: DetectorTrainingConfig,
    backend: TrainedBackend = "torchvision",
    log: Callable[[int, dict[str, float]], None] | None = None,
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
        work: Folder of checkpoints, which are no results. Each configuration (with its
            boxes and pixels) has one of its own there: a changed one starts anew, and
            going back to the first goes on where that was stopped.
        config: How to train.
        backend: Whose network.
        log: Called after every step with its 0-based number and its metrics.

    Raises:
        ValueError: If there is nothing to learn from, or if the checkpoint is of another
            format version.
        FloatingPointError: If a loss is not finite; the weights are then those of the
            step before.
        ModuleNotFoundError: If the backend is not installed.
    """
    training_set = make_training_set(boxes, cache=cache)
    torch.set_num_threads(config.threads)
    identity = _identity(config, training_set, backend=backend, size=cache.size)
    work = work / blake2b(identity.encode(), digest_size=6).hexdigest()
    with own_randomness(torch.device(config.device)):
        network = _build(config, backend=backend, size=cache.size)
        optimizer = _make_optimizer(network, config=config)
        progress = read_checkpoint(
            work, identity=identity, network=network, optimizer=optimizer
        )
        logger.info(
            "training %s on %d images, steps %d to %d",
            config.architecture.backbone.value,
            len(training_set.image_ids),
            progress.step,
            config.steps,
        )
        while progress.step < config.steps:
            step = progress.step
            samples = read_samples(
                training_set,
                cache=cache,
                step=step,
                batch_size=config.batch_size,
                seed=config.seed,
                augmentation=config.augmentation,
            )
            metrics = train_step(network, optimizer, samples, step=step, config=config)
            progress.losses.append(metrics)
            _report(step, metrics, config=config, log=log)
            if progress.step % config.checkpoint_every == 0:
                write_checkpoint(
                    work,
                    identity=identity,
                    network=network,
                    optimizer=optimizer,
                    progress=progress,
                )
    run = _describe(config, training_set, progress, backend=backend, size=cache.size)
    _publish(network, run, out=out)
    delete_checkpoint(work)


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
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, config=config)
    image_BHW = torch.from_numpy(np.stack([sample.image_HW for sample in samples]))
    targets = [
        LabelledBoxes(
            boxes_L4=torch.from_numpy(sample.boxes_L4).to(config.device),
            region_L=torch.from_numpy(sample.region_L).to(config.device),
        )
        for sample in samples
    ]
    device_type = torch.device(config.device).type
    with torch.autocast(
        device_type, dtype=torch.bfloat16, enabled=config.precision == "bf16"
    ):
        losses = network.losses(image_BHW.to(config.device), targets)
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), config.max_grad_norm)
    metrics = {name: loss.item() for name, loss in losses.items()}
    metrics |= {"loss": total.item(), "grad_norm": norm.item()}
    if not all(math.isfinite(value) for value in metrics.values()):
        raise FloatingPointError(
            f"train_detector, step {step}: expected finite losses, found {metrics}; "
            "lower regions.training.learning_rate or max_grad_norm"
        )
    optimizer.step()
    return metrics


def learning_rate(step: int, *, config: DetectorTrainingConfig) -> float:
    """Return the rate of a 0-based step: a linear rise, then a cosine to 1 % of it."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / (config.warmup + 1)
    share = (step - config.warmup) / (config.steps - config.warmup)
    fall = 0.5 * (1 + math.cos(math.pi * share))
    return config.learning_rate * (_FINAL_RATE + (1 - _FINAL_RATE) * fall)


def _build(
    config: DetectorTrainingConfig, *, backend: TrainedBackend, size: int
) -> Network:
    if backend == "detectron2" and (problems := list(detectron2_problems(config))):
        raise ValueError("\n".join(problems))
    torch.manual_seed(config.seed)
    network = build_network(backend, config.architecture, size=size)
    if config.backbone_weights is not None and isinstance(network, RegionDetector):
        load_backbone_weights(network.network.backbone, config.backbone_weights)
    return network.to(config.device).train()


def _make_optimizer(
    network: Network, *, config: DetectorTrainingConfig
) -> torch.optim.Optimizer:
    learned = [weight for weight in network.parameters() if weight.requires_grad]
    return torch.optim.AdamW(
        [
            {
                "params": [weight for weight in learned if weight.dim() > 1],
                "weight_decay": config.weight_decay,
            },
            {
                "params": [weight for weight in learned if weight.dim() <= 1],
                "weight_decay": 0.0,
            },
        ],
        lr=config.learning_rate,
        fused=True,
    )


def _report(
    step: int,
    metrics: dict[str, float],
    *,
    config: DetectorTrainingConfig,
    log: Callable[[int, dict[str, float]], None] | None,
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
    progress: Progress,
    *,
    backend: TrainedBackend,
    size: int,
) -> dict[str, object]:
    return {
        "format": RUN_FORMAT,
        "kind": RUN_KIND,
        "backend": backend,
        "size": size,
        "regions": list(REGIONS),
        "training": config.model_dump(mode="json"),
        "num_images": len(training_set.image_ids),
        "num_boxes": sum(len(boxes) for boxes in training_set.boxes_model),
        "boxes_digest": training_set.digest(),
        "curve": _curve(progress),
        "versions": _versions(backend),
    }


def _versions(backend: TrainedBackend) -> dict[str, str]:
    found = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    if backend == "detectron2":
        found["detectron2"] = detectron2_version()
    return found


def _curve(progress: Progress) -> list[dict[str, float]]:
    """Return means over equal stretches of steps; `step` counts the steps done."""
    stretch = math.ceil(progress.step / _CURVE_POINTS)
    points: list[dict[str, float]] = []
    for start in range(0, progress.step, stretch):
        steps = progress.losses[start : start + stretch]
        means = {
            name: math.fsum(step[name] for step in steps) / len(steps)
            for name in sorted(steps[0])
        }
        points.append({"step": start + len(steps), **means})
    return points


def _publish(network: Network, run: dict[str, object], *, out: Path) -> None:
    """Write the weights, then the description, each under its name in one step."""
    out.mkdir(parents=True, exist_ok=True)
    weights: dict[str, Tensor] = {
        name: value.detach().cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    with replacing(out / "model.safetensors") as temporary:
        save_file(weights, temporary)
    write_json(out / "run.json", run)
