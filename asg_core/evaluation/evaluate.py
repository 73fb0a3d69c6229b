"""One encoder on one benchmark: every protocol that applies -> scores and metrics."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asg_core.benchmarks.form import Benchmark
from asg_core.benchmarks.registry import shared_patients
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.evaluation.encoders import (
    NetworkEncoder,
    PixelEncoder,
    prepare_encoder,
)
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.protocol import PROTOCOLS, Work
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.scoring.bootstrap import Resamples
from asg_core.evaluation.scoring.fits import Fit
from asg_core.evaluation.scoring.metrics import TestSet, score_metrics
from asg_core.evaluation.scoring.segmentation_metrics import (
    MaskRules,
    segmentation_metrics,
)
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import METRICS, SCORES, SEGMENTATION_SCORES

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """What one encoder scores on one benchmark."""

    scores: pl.DataFrame = field(default_factory=SCORES.empty)
    """In SCORES, of the test images."""

    segmentation_scores: pl.DataFrame = field(default_factory=SEGMENTATION_SCORES.empty)
    """In SEGMENTATION_SCORES, of the test images."""

    metrics: pl.DataFrame = field(default_factory=METRICS.empty)
    """In METRICS."""

    not_applicable: tuple[tuple[str, str], ...] = ()
    """Protocol, and why there is no result."""

    notes: tuple[str, ...] = ()
    """Sentences that a reader of the scores must know."""


def evaluate_encoder(
    benchmark: Benchmark,
    features: Features,
    cache: PixelCache,
    *,
    encoder: EncoderConfig,
    run_folder: Path | None,
    config: EvaluationConfig,
) -> EvaluationResult:
    """Load the encoder that the features are of, and evaluate it.

    Args:
        benchmark: Labels, masks and parts.
        features: Of every image of the benchmark.
        cache: The pixels of every image of the benchmark.
        encoder: Which encoder.
        run_folder: Of its run, where it is of one.
        config: Protocols and their settings.
    """
    loaded = prepare_encoder(
        encoder,
        name=features.encoder,
        cache=cache,
        train_ids=benchmark.part("train"),
        run_folder=run_folder,
        config=config,
    )
    return evaluate(benchmark, loaded, features, cache, config=config)


def evaluate(
    benchmark: Benchmark,
    encoder: NetworkEncoder | PixelEncoder,
    features: Features,
    cache: PixelCache,
    *,
    config: EvaluationConfig,
) -> EvaluationResult:
    """Run the protocols of the configuration, and measure what comes out.

    A protocol that does not apply has no rows and is named in `not_applicable`; a fit
    that could not be made has rows without values, which say why.

    Args:
        benchmark: Labels, masks and parts.
        encoder: Frozen; its batch norms calibrated where its weights are random.
        features: Of this encoder, of every image of the benchmark.
        cache: The pixels of every image of the benchmark.
        config: Protocols and their settings; of its encoders and benchmarks nothing is
            read here.
    """
    work = Work(
        benchmark=benchmark,
        encoder=encoder,
        features=features,
        cache=cache,
        config=config,
    )
    results: list[ProtocolResult] = []
    not_applicable: list[tuple[str, str]] = []
    for protocol in config.protocols:
        found = PROTOCOLS[protocol](work)
        if isinstance(found, NotApplicable):
            not_applicable.append((protocol, found.reason))
            logger.info("%s of %s: %s", protocol, encoder.name, found.reason)
        else:
            results.append(found)
    of_masks = [one for one in results if isinstance(one.rules, MaskRules)]
    of_scores = [one for one in results if not isinstance(one.rules, MaskRules)]
    test_set = _test_set(benchmark, config=config)
    return EvaluationResult(
        scores=pl.concat([SCORES.empty(), *_frames(of_scores)]),
        segmentation_scores=pl.concat(
            [SEGMENTATION_SCORES.empty(), *_frames(of_masks)]
        ),
        metrics=pl.concat(
            [METRICS.empty(), *(_metrics(one, test_set) for one in results)]
        ),
        not_applicable=tuple(not_applicable),
        notes=(
            *seen_before(encoder.pretrained_on, benchmark=benchmark.name),
            *(note for one in results for note in one.notes()),
        ),
    )


def seen_before(pretrained_on: Sequence[str], *, benchmark: str) -> list[str]:
    """Return what an encoder has learnt from, and why it may know the test patients."""
    notes = []
    if pretrained_on:
        notes.append(f"the encoder has learnt from {', '.join(pretrained_on)}")
    if benchmark in pretrained_on:
        notes.append(
            f"its scores may be of patients that it knows: it has learnt from '{benchmark}'"
        )
    shared = sorted(shared_patients(benchmark) & set(pretrained_on))
    if shared:
        notes.append(
            f"its scores may be of patients that it knows: {', '.join(shared)} and "
            f"'{benchmark}' share some"
        )
    return notes


def _frames(results: Sequence[ProtocolResult]) -> list[pl.DataFrame]:
    """Return the scores of the test images by every fit that was made."""
    outcomes = [outcome for result in results for outcome in result.outcomes]
    return [outcome.test for outcome in outcomes if isinstance(outcome, Fit)]


def _metrics(result: ProtocolResult, test_set: TestSet) -> pl.DataFrame:
    rules, subject = result.rules, result.subject
    if isinstance(rules, MaskRules):
        return segmentation_metrics(
            result.outcomes, test_set=test_set, subject=subject, rules=rules
        )
    return score_metrics(
        result.outcomes, test_set=test_set, subject=subject, rules=rules
    )


def _test_set(benchmark: Benchmark, *, config: EvaluationConfig) -> TestSet:
    image_ids = benchmark.part("test")
    return TestSet(
        test_digest=benchmark.test_digest,
        targets=benchmark.targets,
        is_exclusive=benchmark.is_exclusive,
        image_ids=tuple(image_ids),
        validate_ids=tuple(benchmark.part("validate")),
        truth_NT=benchmark.truth(image_ids),
        resamples=Resamples(
            benchmark.patients(image_ids), num=config.bootstrap, seed=config.seed
        ),
    )
