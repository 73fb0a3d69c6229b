"""A clock that only goes on while somebody sleeps."""

from collections.abc import Callable


class Clock:
    """Stands in for the module `time` of a module under test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.on_sleep()
