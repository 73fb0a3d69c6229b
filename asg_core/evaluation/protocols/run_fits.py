"""The loop of every protocol that learns from labels: fractions, seeds, draws, skips."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject

logger = logging.getLogger(__name__)

FitOne = Callable[[Draw], Fit | Skipped]
"""What a protocol is: from the training images of one fit to the scores of that fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """Which fits a protocol makes for one encoder on one benchmark."""

    subject: Subject
    repetitions: Sequence[tuple[float, int]]
    """Fraction and seed of each fit, in the order in which they are made."""

    draw_images: Callable[[float, int], Sequence[str]]
    """Returns the training images of a fraction and a seed."""

    count_positive: Callable[[Sequence[str]], Mapping[str, int]]
    """Returns how many of the images have each target."""


def run_fits(plan: FitPlan, fit_one: FitOne) -> Iterator[Fit | Skipped]:
    """Draw the training images of every fit, and yield what becomes of it."""
    num_made = num_skipped = 0
    for fraction, seed in plan.repetitions:
        image_ids = plan.draw_images(fraction, seed)
        outcome = fit_one(
            Draw(
                fraction=fraction,
                seed=seed,
                image_ids=tuple(image_ids),
                num_positive=plan.count_positive(image_ids),
            )
        )
        num_made += isinstance(outcome, Fit)
        num_skipped += isinstance(outcome, Skipped)
        yield outcome
    logger.info(
        "%s of %s on %s: %d fits, %d left out",
        plan.subject.protocol,
        plan.subject.encoder,
        plan.subject.benchmark,
        num_made,
        num_skipped,
    )


def subject_of(benchmark: Benchmark, *, protocol: str, encoder: str) -> Subject:
    """Return whose scores a protocol makes on a benchmark."""
    return Subject(
        benchmark=benchmark.name,
        split=benchmark.split,
        protocol=protocol,
        encoder=encoder,
    )
