"""Which images each step of each process shows: a function of the seed and the step."""

# Shape suffixes: N = images of the corpus

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_ORDER = 0
"""First number of this module's random streams; crops have another one."""


class Visit(NamedTuple):
    """What a batch is asked for: an image of the corpus, in an epoch."""

    epoch: int
    position: int
    """0-based index of the image in the corpus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order in which a run goes through its images.

    Each epoch has one order of all images. It is cut into batches of `world_size` x
    `batch_size` images, and each of these into one part of `batch_size` per process, by
    rank. So W processes with a batch of B see at each step what one process with a batch
    of W x B sees. What is left at the end of an epoch is not shown in it.
    """

    num_images: int
    batch_size: int  # of one process
    seed: int
    world_size: int = 1
    rank: int = 0

    def __post_init__(self) -> None:
        if self.steps_per_epoch == 0:
            raise ValueError(
                f"Order: expected at least one batch of {self.world_size} x "
                f"{self.batch_size} images, found {self.num_images} images; lower "
                "pretraining.batch_size or processes, or give more images"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which an epoch's images are shown, without the partial batch."""
        return self.num_images // (self.batch_size * self.world_size)

    def draws(self, *, first: int, end: int) -> Iterator[list[Visit]]:
        """Yield what this process shows at the steps `first` <= step < `end`, 0-based."""
        epoch, order_N = -1, np.zeros(0, dtype=np.int64)
        for step in range(first, end):
            if step // self.steps_per_epoch != epoch:
                epoch = step // self.steps_per_epoch
                order_N = epoch_order(self.num_images, seed=self.seed, epoch=epoch)
            batch = step % self.steps_per_epoch
            start = (batch * self.world_size + self.rank) * self.batch_size
            positions = order_N[start : start + self.batch_size]
            yield [Visit(epoch, int(position)) for position in positions]


def epoch_order(num_images: int, *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return the order (N,) of the images in an epoch: indices into the corpus."""
    rng = np.random.default_rng((seed, _ORDER, epoch))
    return rng.permutation(num_images)
