"""Batches that are prepared while the model works on others."""

import queue
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

import cv2
import torch
from torch.utils.data import DataLoader

from asg_core.data.batches import PretrainDataset
from asg_core.data.order import Visit
from asg_core.models.batch import PretrainBatch

_DEPTH = 2
"""Batches that wait: one would do, were all equally fast."""

_POLL_SECONDS = 0.05


class BatchStream:
    """The batches of a sequence of draws, in its order, prepared ahead of their use.

        with BatchStream(dataset, draws, workers=0) as stream:
            for batch in stream: ...

    It counts the time that its user waited. Leaving the block ends what prepares them.
    """

    def __init__(
        self,
        dataset: PretrainDataset,
        draws: Iterable[Sequence[Visit]],
        *,
        workers: int,
        pin_memory: bool = False,
    ) -> None:
        """Keep what to prepare; nothing starts before the block is entered.

        Args:
            dataset: Makes the batches.
            draws: What each batch shows.
            workers: Processes that prepare them; 0 is one thread of this process.
            pin_memory: Whether they lie in page-locked memory, for a GPU.
        """
        self._dataset = dataset
        self._draws = draws
        self._workers = workers
        self._pin_memory = pin_memory
        self._thread: _Thread | None = None
        self._batches: Iterator[PretrainBatch] = iter(())
        self.wait_seconds = 0.0
        """Time that `next` took so far."""

    def __enter__(self) -> Self:
        if self._workers:
            self._batches = iter(self._loader())
        else:
            self._thread = _Thread(
                self._dataset, self._draws, pin_memory=self._pin_memory
            )
            self._batches = iter(self._thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._thread.stop()
        # A loader ends its processes when its iterator goes.
        self._batches = iter(())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> PretrainBatch:
        begin = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.wait_seconds += time.perf_counter() - begin

    def _loader(self) -> DataLoader[PretrainBatch]:
        return DataLoader(
            self._dataset,
            sampler=_Draws(self._draws),
            batch_size=None,  # the sampler gives whole batches
            num_workers=self._workers,
            pin_memory=self._pin_memory,
            prefetch_factor=_DEPTH,
            worker_init_fn=_start_worker,
            # Not one of its own: drawing its seed would move the global generator.
            generator=torch.Generator(),
        )


class _Draws:
    """A sampler: what DataLoader iterates over."""

    def __init__(self, draws: Iterable[Sequence[Visit]]) -> None:
        self._draws = draws

    def __iter__(self) -> Iterator[Sequence[Visit]]:
        return iter(self._draws)


def _start_worker(_: int) -> None:
    # OpenCV's threads do not survive a fork; the images are small anyway.
    cv2.setNumThreads(0)
    # Schedulers send SIGTERM to all processes of a job. The one that trains wants to end
    # its step, and then ends these.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class _Thread:
    """Prepares batches in a thread of this process."""

    def __init__(
        self,
        dataset: PretrainDataset,
        draws: Iterable[Sequence[Visit]],
        *,
        pin_memory: bool,
    ) -> None:
        self._dataset = dataset
        self._draws = draws
        self._pin_memory = pin_memory
        self._ready: queue.Queue[PretrainBatch | BaseException | None] = queue.Queue(
            _DEPTH
        )
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._work, name="batch-stream", daemon=True
        )

    def __iter__(self) -> Iterator[PretrainBatch]:
        self._thread.start()
        while True:
            item = self._ready.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """End the thread, whatever it is doing."""
        self._is_stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        try:
            for draws in self._draws:
                batch = self._dataset[draws]
                if not self._put(batch.pin_memory() if self._pin_memory else batch):
                    return
        except BaseException as error:  # noqa: BLE001 - raised where batches are used
            self._put(error)
            return
        self._put(None)

    def _put(self, item: PretrainBatch | BaseException | None) -> bool:
        """Wait for a place for `item`; return False if nobody wants it any more."""
        while not self._is_stopped.is_set():
            try:
                self._ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False
