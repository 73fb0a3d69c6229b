"""What MGCA's two protocols share: draws, batches, and when training ends."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.protocols.batches import in_batches
from asg_core.evaluation.protocols.result import NotApplicable

# Shape suffixes: N = training images, K = images drawn

logger = logging.getLogger(__name__)

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a training went."""

    num_epochs: int
    """Epochs that were run."""

    best_epoch: int
    """The one, from 1, whose weights were kept."""

    best_loss: float
    """Validation loss of that epoch."""

    def sentence(self) -> str:
        """Return it in words."""
        return (
            f"{self.num_epochs} epochs, tested with the weights of epoch "
            f"{self.best_epoch} (validation loss {self.best_loss:.4f})"
        )


def parts_missing(benchmark: Benchmark) -> NotApplicable | None:
    """Return why a benchmark cannot be trained on; None where it can."""
    num_train, num_validate = (
        len(benchmark.part(split)) for split in ("train", "validate")
    )
    if num_train and num_validate:
        return None
    return NotApplicable(
        reason=f"training ends by the validation loss, and '{benchmark.name}' has "
        f"{num_train} training and {num_validate} validation images"
    )


def draw_training_images(benchmark: Benchmark, fraction: float, seed: int) -> list[str]:
    """Return the training images of a fraction, in the order of the draw.

    MGCA samples the rows of its training file, whose order is that of the split. A drawn
    image that is not there is left out, and no other takes its place.
    """
    listed = benchmark.listed("train")
    rows = sample_rows(len(listed), fraction=fraction, seed=seed)
    return [image_id for row in rows if (image_id := listed[row]) is not None]


def sample_rows(
    num_rows: int, *, fraction: float, seed: int, rounds_down: bool = False
) -> Rows:
    """Return the rows (K,) that `DataFrame.sample(frac, random_state)` draws, in its order.

    pandas draws without replacement from `RandomState(seed)`, and rounds the number half
    to even; `rounds_down` does not. At least one row is drawn, where there is one; of all
    rows all, in order.
    """
    if fraction == 1:
        return np.arange(num_rows)
    share = fraction * num_rows
    num_drawn = min(num_rows, max(1, int(share) if rounds_down else round(share)))
    # The generator is the one that pandas uses, so that equal tables give equal draws.
    state = np.random.RandomState(seed)
    return state.choice(num_rows, size=num_drawn, replace=False).astype(np.int64)


def batches(rows_N: Rows, batch_size: int) -> Iterator[Rows]:
    """Yield rows in whole batches, as MGCA's loaders do in training and validation.

    What does not fill a batch is left out, unless it is all there is.
    """
    end = len(rows_N) - len(rows_N) % batch_size or len(rows_N)
    for part in in_batches(end, batch_size):
        yield rows_N[part]


def num_in_batches(num_rows: int, batch_size: int) -> int:
    """Return how many rows `batches` yields in all."""
    return sum(len(batch) for batch in batches(np.arange(num_rows), batch_size))


def train_with_patience(
    module: nn.Module,
    *,
    run_epoch: Callable[[int], None],
    validate: Callable[[], float],
    epochs: int,
    patience: int,
) -> Training:
    """Train until the validation loss stops falling, and go back to the best weights.

    Args:
        module: What is trained; its trained weights and all its buffers are kept of the
            best epoch.
        run_epoch: Does the updates of an epoch, numbered from 0.
        validate: Returns the validation loss.
        epochs: Most of them.
        patience: Epochs without a lower loss after which training ends before that.

    Raises:
        FloatingPointError: If a validation loss is not finite.
    """
    best_loss, best_epoch, epoch = math.inf, 0, 0
    best: dict[str, Tensor] = {}
    while epoch < epochs and epoch - best_epoch < patience:
        run_epoch(epoch)
        epoch += 1
        loss = validate()
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"train_with_patience, epoch {epoch}: expected a finite validation loss, "
                f"found {loss}; look at the features of this encoder"
            )
        logger.debug("epoch %d: validation loss %.5f", epoch, loss)
        if loss < best_loss:
            best_loss, best_epoch = loss, epoch
            best = {name: value.clone() for name, value in moving_tensors(module)}
    for name, value in moving_tensors(module):
        value.copy_(best[name])
    return Training(num_epochs=epoch, best_epoch=best_epoch, best_loss=best_loss)


def moving_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield trained weights and buffers by name, outside of the graph of gradients."""
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            yield name, weight.detach()
    yield from module.named_buffers()
