"""How far a run has come, and its curves."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import polars as pl

from asg_core.tables.catalog import HISTORY


@dataclass(kw_only=True)
class RunProgress:
    """Everything of a run that changes, but for weights and optimizer."""

    step: int = 0
    """Optimizer steps done."""

    points: list[tuple[int, str, float]] = field(default_factory=list)
    """Step, name and value of each point of the curves."""

    pending: list[dict[str, float]] = field(default_factory=list)
    """Metrics of the steps since the last point."""

    validated_step: int = 0
    """Steps done when the model was last validated."""

    best_step: int | None = None
    """Steps done when the validation loss was lowest; None before any validation."""

    best_loss: float | None = None
    num_worse: int = 0
    """Validations after the warm-up since the best one."""

    train_seconds: float = 0.0
    """Time in optimizer steps, waiting for their batches included."""

    wait_seconds: float = 0.0
    """Time in which steps waited for their batches."""

    @classmethod
    def of_state(cls, state: Mapping[str, Any] | None) -> Self:
        """Return what `state` wrote down; without a state a run that has not begun."""
        progress = cls(**(state or {}))
        progress.points = [(step, name, value) for step, name, value in progress.points]
        return progress

    def state(self) -> dict[str, Any]:
        """Return everything as plain values, for a checkpoint."""
        return asdict(self)

    def mean_of_pending(self) -> dict[str, float]:
        """Turn the steps since the last point into a point; return it by name.

        Without such steps nothing happens.
        """
        if not self.pending:
            return {}
        point = {
            f"train/{name}": math.fsum(step[name] for step in self.pending)
            / len(self.pending)
            for name in self.pending[0]
        }
        self.pending = []
        self.add_point(point)
        return point

    def add_point(self, values: Mapping[str, float]) -> None:
        """Add values by name to the curves, at the current step."""
        self.points.extend((self.step, name, value) for name, value in values.items())

    def judge(self, loss: float, *, is_warm: bool) -> bool:
        """Note a validation at the current step; return whether it is the best so far.

        Args:
            loss: Of the validation split.
            is_warm: Whether the warm-up is over: before, no lack of progress counts.
        """
        self.validated_step = self.step
        if self.best_loss is None or loss < self.best_loss:
            self.best_loss, self.best_step, self.num_worse = loss, self.step, 0
            return True
        self.num_worse += is_warm
        return False

    def history(self) -> pl.DataFrame:
        """Return the curves as the table `history`."""
        return HISTORY.frame(
            {"step": step, "metric": name, "value": value}
            for step, name, value in self.points
        )
