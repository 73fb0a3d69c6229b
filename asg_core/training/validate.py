"""How good a model is on the images of the validation split."""

# Shape suffixes: N = images, F = findings

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import average_precision_score

from asg_core.data.batches import PretrainDataset
from asg_core.data.order import Visit
from asg_core.data.stream import BatchStream
from asg_core.learning.precision import arithmetic
from asg_core.learning.processes import World
from asg_core.learning.step import total_loss
from asg_core.models.asg import AsgModel
from asg_core.settings import Precision
from asg_core.training.objective import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one process found out about one batch."""

    batch_index: int
    metrics: dict[str, float]
    tag_logit_NF: npt.NDArray[np.float32] | None
    tag_NF: npt.NDArray[np.float32]
    is_tag_NF: npt.NDArray[np.bool_]


def validate(
    model: AsgModel,
    dataset: PretrainDataset,
    *,
    objective: Objective,
    world: World,
    batch_size: int,
    precision: Precision,
) -> dict[str, float]:
    """Return the losses and what is watched on all images, by names "validate/...".

    Images come in batches in the order of the corpus, cut at the centre; dropout is off
    and BatchNorm uses its running statistics. A contrastive loss depends on the size of
    the batch, so losses are means over whole batches; only where there is none, the one
    smaller batch counts. Negatives are those of the batch, whatever training uses.
    "validate/tag_map" is over all images, see `mean_average_precision`; it is missing
    where it is undefined. Batches are shared between the processes, which does not change
    the result.

    Args:
        model: It is left in evaluation mode.
        dataset: The validation split, cut at the centre; not empty.
        objective: The losses.
        world: The processes; each gets the whole result.
        batch_size: Images of a whole batch.
        precision: Arithmetic of the forward pass.

    Raises:
        FloatingPointError: If the loss is not finite.
    """
    world.share_buffers(model)
    model.eval()
    alone = Objective(config=objective.config)
    own = _see(
        model, dataset, alone, world=world, batch_size=batch_size, precision=precision
    )
    seen = [one for part in world.collect(own) for one in part]
    seen.sort(key=lambda one: one.batch_index)
    counted = seen[: max(1, len(dataset) // batch_size)]
    values = {
        f"validate/{name}": math.fsum(one.metrics[name] for one in counted)
        / len(counted)
        for name in counted[0].metrics
    }
    if not math.isfinite(values["validate/loss"]):
        raise FloatingPointError(
            f"validate: expected a finite loss, found {values}; lower "
            "pretraining.optimizer.learning_rate"
        )
    tag_map = _tag_map(seen)
    return values if tag_map is None else {**values, "validate/tag_map": tag_map}


def mean_average_precision(
    score_NF: npt.NDArray[np.float32],
    target_NF: npt.NDArray[np.float32],
    is_target_NF: npt.NDArray[np.bool_],
) -> float | None:
    """Return the mean average precision of the tags that have both kinds of image.

    A tag takes part if at least one image has it (target 1) and at least one has not
    (target 0), among those whose target counts; a target between the two counts as
    neither. None if no tag takes part.
    """
    values = []
    for score_N, target_N, is_target_N in zip(
        score_NF.T, target_NF.T, is_target_NF.T, strict=True
    ):
        is_clear_N = is_target_N & ((target_N == 0) | (target_N == 1))
        truth = target_N[is_clear_N] == 1
        if truth.any() and not truth.all():
            values.append(float(average_precision_score(truth, score_N[is_clear_N])))
    return math.fsum(values) / len(values) if values else None


def _see(
    model: AsgModel,
    dataset: PretrainDataset,
    objective: Objective,
    *,
    world: World,
    batch_size: int,
    precision: Precision,
) -> list[_Seen]:
    """Look at the batches of this process: every `world.size`-th, from its rank on."""
    images = range(len(dataset))
    starts = images[::batch_size]
    own = range(len(starts))[world.rank :: world.size]
    draws = [
        [Visit(0, at) for at in images[start : start + batch_size]]
        for start in starts[world.rank :: world.size]
    ]
    seen = []
    with BatchStream(dataset, draws, workers=0) as stream, torch.no_grad():
        for batch_index, batch in zip(own, stream, strict=True):
            with arithmetic(world.device, precision):
                found = objective.evaluate(model, batch.to(world.device))
            loss = total_loss(found.losses, objective.weights)
            metrics = {"loss": loss, **found.losses, **found.watched}
            logit_NF = found.tag_logit_BF
            seen.append(
                _Seen(
                    batch_index=batch_index,
                    metrics={name: value.item() for name, value in metrics.items()},
                    tag_logit_NF=None if logit_NF is None else logit_NF.cpu().numpy(),
                    tag_NF=batch.tag_BF.numpy(),
                    is_tag_NF=batch.is_tag_BF.numpy(),
                )
            )
    return seen


def _tag_map(seen: list[_Seen]) -> float | None:
    logits = [one.tag_logit_NF for one in seen if one.tag_logit_NF is not None]
    if not logits:
        return None
    return mean_average_precision(
        np.concatenate(logits),
        np.concatenate([one.tag_NF for one in seen]),
        np.concatenate([one.is_tag_NF for one in seen]),
    )
