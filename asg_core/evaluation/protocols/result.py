"""What a protocol returns for one encoder on one benchmark."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from asg_core.evaluation.scoring.fits import Fit, Skipped, Subject
from asg_core.evaluation.scoring.segmentation_metrics import MaskRules
from asg_core.evaluation.scoring.target_metrics import ScoreRules


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable:
    """A protocol that has no result of an encoder on a benchmark."""

    reason: str
    """Why, for people to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolResult:
    """Every fit of a protocol, and what a reader of its scores must know."""

    subject: Subject
    outcomes: tuple[Fit | Skipped, ...]
    about: tuple[str, ...] = ()
    """Sentences about all fits: what is trained, what moves, what was asked for."""

    rules: ScoreRules | MaskRules = field(default_factory=ScoreRules)
    """What is measured: of scores, or of masks."""

    def notes(self) -> Iterator[str]:
        """Yield what was said of the protocol, then of each fit in its turn."""
        for sentence in self.about:
            yield f"{self.subject.protocol}: {sentence}"
        for outcome in self.outcomes:
            draw = outcome.draw
            where = f"fraction {draw.fraction:g}, seed {draw.seed}"
            said = outcome.notes if isinstance(outcome, Fit) else (outcome.reason,)
            for sentence in said:
                yield f"{self.subject.protocol}, {where}: {sentence}"
