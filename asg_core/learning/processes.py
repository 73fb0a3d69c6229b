"""Several processes: who is who, what is gathered, and what all agree on."""

# Shape suffixes: B = rows of one process, A = rows of all processes

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The processes of a run, and which of them this is."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes and logs."""
        return self.rank == 0

    def gather_rows(self, rows_B: Tensor) -> Tensor:
        """Return the rows of all processes, in the order of their ranks.

        Gradients flow back: each process gets the sum over the processes of what their
        losses say about its rows. All must have equally many.
        """
        if self.size == 1:
            return rows_B
        gathered: Tensor = _GatherRows.apply(rows_B, self)
        return gathered

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes of a tensor that all of them have."""
        if self.size == 1:
            return values
        summed = values.clone()
        dist.all_reduce(summed)
        return summed / self.size

    def collect(self, item: Any) -> list[Any]:  # noqa: ANN401 - whatever can be sent
        """Return what each process gave, in the order of their ranks."""
        if self.size == 1:
            return [item]
        items: list[Any] = [None] * self.size
        dist.all_gather_object(items, item)
        return items

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the buffers of the first, such as BatchNorm's statistics."""
        if self.size == 1:
            return
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.size > 1:
            dist.barrier()


class _GatherRows(torch.autograd.Function):
    """All-gather whose backward pass sums over the processes."""

    @staticmethod
    def forward(context: Any, rows_B: Tensor, world: World) -> Tensor:  # noqa: ANN401
        context.world, context.num_rows = world, len(rows_B)
        parts = [torch.empty_like(rows_B) for _ in range(world.size)]
        dist.all_gather(parts, rows_B.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient_A: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        summed_A = gradient_A.contiguous().clone()
        dist.all_reduce(summed_A)
        first = context.world.rank * context.num_rows
        return summed_A[first : first + context.num_rows], None


def is_launched() -> bool:
    """Tell whether torchrun, or a scheduler like it, started this process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def is_first() -> bool:
    """Tell whether this process is alone or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def join_world(device: str) -> Iterator[World]:
    """Join the other processes of a run, and leave them at the end.

    A process that torchrun started joins those of its run: over gloo on CPUs, over NCCL
    on GPUs, where each takes the one of its local rank. Any other is alone.

    Args:
        device: As in the configuration.
    """
    size = int(os.environ["WORLD_SIZE"]) if is_launched() else 1
    if size == 1:
        yield World(rank=0, size=1, device=torch.device(device))
        return
    own = torch.device(device)
    if own.type == "cuda":
        own = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(own)
        dist.init_process_group("nccl", device_id=own)
    else:
        dist.init_process_group("gloo")
    try:
        yield World(rank=dist.get_rank(), size=dist.get_world_size(), device=own)
    finally:
        dist.destroy_process_group()


def wrap(model: nn.Module, *, world: World, probe: Callable[[], Tensor]) -> nn.Module:
    """Return the model as it is trained: wrapped where several processes average.

    What the objective does not reach gets no gradient, which is an error to the wrapper;
    such parameters are frozen first. `probe` tells them.

    Args:
        model: On the device of this process.
        world: The processes.
        probe: Computes the loss of some batch, without changing anything.
    """
    if world.size == 1:
        return model
    probe().backward()
    unreached = [
        name
        for name, weight in model.named_parameters()
        if weight.requires_grad and weight.grad is None
    ]
    for name in unreached:
        model.get_parameter(name).requires_grad = False
    model.zero_grad(set_to_none=True)
    if unreached:
        logger.info(
            "%d parameters are not reached by the losses and stay as they are, such as "
            "%s",
            len(unreached),
            unreached[0],
        )
    device_ids = [world.device] if world.device.type == "cuda" else None
    return DistributedDataParallel(model, device_ids=device_ids)
