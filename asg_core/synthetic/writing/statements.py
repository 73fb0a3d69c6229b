"""What a sentence is to say, the chance that shapes it, and what a report has settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import numpy as np

from asg_core.synthetic.writing.words import ABSENT, POSITIVE, Places
from asg_core.terms.existence import Context, Existence

_T = TypeVar("_T")


class Kind(StrEnum):
    """What a statement says about its finding."""

    PRESENT = "present"
    UNCERTAIN = "uncertain"
    MAYBE = "maybe"
    """An alternative the reader considers for what claim 1 names, at its places."""

    NEW = "new"
    UNCHANGED = "unchanged"
    LARGER = "larger"
    SMALLER = "smaller"
    REFERENCE_NEW = "reference new"
    """The same changes as NEW and so on, of the finding that the sentence before was about."""

    REFERENCE_UNCHANGED = "reference unchanged"
    REFERENCE_LARGER = "reference larger"
    REFERENCE_SMALLER = "reference smaller"
    REMOVED = "removed"
    ABSENT = "absent"


_EXISTENCE = {
    Kind.UNCERTAIN: Existence.UNCERTAIN,
    Kind.MAYBE: Existence.UNCERTAIN,
    Kind.REMOVED: Existence.ABSENT,
    Kind.ABSENT: Existence.ABSENT,
}
_CURRENT = (Kind.PRESENT, Kind.UNCERTAIN, Kind.MAYBE, Kind.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One claim to be put into words."""

    kind: Kind
    finding: str
    places: Places
    severity: float = 0.5

    @property
    def existence(self) -> Existence:
        """What the statement claims."""
        return _EXISTENCE.get(self.kind, Existence.PRESENT)

    @property
    def context(self) -> Context:
        """Which examination it is about."""
        if self.kind is Kind.REMOVED:
            return Context.REMOVAL
        return Context.CURRENT if self.kind in _CURRENT else Context.COMPARISON

    @property
    def polarity(self) -> str:
        """Which words fit it: a removed thing is named like one that is there."""
        return ABSENT if self.kind is Kind.ABSENT else POSITIVE


class Draws:
    """Random choices from one generator, drawn in blocks because reports need many."""

    _BLOCK = 256

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._block: list[float] = []

    def number(self) -> float:
        """Return a number in [0, 1)."""
        if not self._block:
            self._block = self._rng.random(self._BLOCK).tolist()
        return self._block.pop()

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.number() < probability

    def pick(self, options: Sequence[_T]) -> _T:
        """Return one of the options; there must be one."""
        return options[int(self.number() * len(options))]

    def pick_weighted(self, weights: Mapping[str, float]) -> str:
        """Return one of the keys, in proportion to its weight; there must be one."""
        left = self.number() * sum(weights.values())
        for name, weight in weights.items():
            left -= weight
            if left < 0:
                return name
        return next(reversed(list(weights)))

    def integer(self, low: int, high: int) -> int:
        """Return an integer in [low, high]."""
        return low + int(self.number() * (high - low + 1))


@dataclass(slots=True)
class Memory:
    """What the words of one report have settled so far."""

    draws: Draws
    direction: str
    """Where the mediastinum or the trachea has moved to: "left" or "right"."""

    last_number: str = ""
    """ "one", "many" or "mass": the number of the noun of the last sentence."""

    variants: dict[str, str] = field(default_factory=dict)
    used_words: set[tuple[str, str]] = field(default_factory=set)
    used_frames: set[str] = field(default_factory=set)
