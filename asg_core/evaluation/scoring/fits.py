"""Fits: what each of them learnt from and says of the images, or why it was not made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from asg_core.tables.catalog import SCORES


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One encoder under one protocol on one split of one benchmark."""

    benchmark: str
    split: str
    protocol: str
    encoder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The training images whose labels one fit may see."""

    fraction: float
    """Share of the training part; 0 where no label is used."""

    seed: int
    image_ids: tuple[str, ...] = ()
    """In the order of the draw, before any are left out for balance."""

    num_positive: Mapping[str, int] = field(default_factory=dict)
    """How many of the images have each target."""

    def columns(self, subject: Subject) -> dict[str, object]:
        """Return the columns of RESULT_KEY in the scores and metrics of the fit."""
        return {
            "benchmark": subject.benchmark,
            "split": subject.split,
            "protocol": subject.protocol,
            "encoder": subject.encoder,
            "fraction": self.fraction,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fit that was made."""

    draw: Draw
    test: pl.DataFrame
    """Of the test images, in SCORES or SEGMENTATION_SCORES."""

    validation: pl.DataFrame = field(default_factory=SCORES.empty)
    """Of the validation images, in SCORES: the thresholds of decisions come from them."""

    notes: tuple[str, ...] = ()
    """What a reader of the scores must know, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A fit that could not be made; it is undefined, and no fit that scores 0."""

    draw: Draw
    reason: str
    """Why, for people to read."""
