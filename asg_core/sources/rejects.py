"""What readers could not use: the rows of the table `rejects`."""

from collections import Counter

import polars as pl

from asg_core.redaction import without_folders
from asg_core.sources.reading.item_files import Problem
from asg_core.tables.catalog import REJECTS
from asg_core.terms.stages import Stage


class RejectLog:
    """Collects what cannot be used, under ids that are unique within a stage.

    An item that is rejected again gets "#2", "#3", ... behind its id.
    """

    def __init__(self, stage: str = Stage.READ_SOURCE) -> None:
        self._stage = stage
        self._rows: list[dict[str, str]] = []
        self._times: Counter[tuple[str, str]] = Counter()

    def add(
        self, item_id: str, *, reason: str, detail: str, stage: str | None = None
    ) -> None:
        """Record one item, of the log's own stage unless another is named."""
        stage = stage or self._stage
        self._times[stage, item_id] += 1
        times = self._times[stage, item_id]
        self._rows.append(
            {
                "stage": stage,
                "item_id": item_id if times == 1 else f"{item_id}#{times}",
                "reason": reason,
                "detail": without_folders(detail),
            }
        )

    def add_problem(
        self, item_id: str, problem: Problem, *, where: str, stage: str | None = None
    ) -> None:
        """Record one item whose detail begins with the place it stands at."""
        reason, detail = problem
        self.add(item_id, reason=reason, detail=f"{where}: {detail}", stage=stage)

    def counts(self) -> dict[str, int]:
        """Return the number of rejects per reason, in order of reason."""
        return dict(sorted(Counter(row["reason"] for row in self._rows).items()))

    def frame(self) -> pl.DataFrame:
        """Return the rejects as the table `rejects`."""
        return REJECTS.frame(self._rows)
