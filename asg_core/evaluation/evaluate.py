"""One encoder on one benchmark: every protocol that applies -> scores and metrics."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from asg_core.benchmarks.form import Benchmark
from asg_core.benchmarks.registry import shared_patients
from asg_core.evaluation.config import EvaluationConfig, Protocol
from asg_core.evaluation.encoders import NetworkEncoder, PixelEncoder
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.protocol import PROTOCOLS, Outcome, Work
from asg_core.evaluation.protocols.result import ProtocolResult
from asg_core.evaluation.scoring.bootstrap import Resamples
from asg_core.evaluation.scoring.metrics import TestSet
from asg_core.images.pixel_cache import PixelCache
from asg_core.tables.catalog import METRICS, SCORES, SEGMENTATION_SCORES
from asg_core.tables.schema import TableSchema

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """What one encoder scores on one benchmark."""

    scores: pl.DataFrame
    """In SCORES, of the test images."""

    segmentation_scores: pl.DataFrame
    """In SEGMENTATION_SCORES, of the test images."""

    metrics: pl.DataFrame
    """In METRICS."""

    not_applicable: tuple[tuple[str, str], ...]
    """Protocol, and why there is no result."""

    notes: tuple[str, ...]
    """Sentences that a reader of the scores must know."""


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
        test_set=_test_set(benchmark, config=config),
    )
    outcomes: dict[Protocol, Outcome] = {}
    reasons: list[tuple[str, str]] = []
    for protocol in config.protocols:
        found = PROTOCOLS[protocol](work)
        if isinstance(found, Outcome):
            outcomes[protocol] = found
            continue
        reasons.append((protocol, found))
        logger.info("%s of %s does not apply: %s", protocol, encoder.name, found)
    results = [outcome.result for outcome in outcomes.values()]
    return EvaluationResult(
        scores=_joined(results, schema=SCORES),
        segmentation_scores=_joined(results, schema=SEGMENTATION_SCORES),
        metrics=pl.concat([METRICS.empty(), *(o.metrics for o in outcomes.values())]),
        not_applicable=tuple(reasons),
        notes=(
            *seen_before(encoder.pretrained_on, benchmark=benchmark.name),
            *(
                note
                for protocol, outcome in outcomes.items()
                for note in _notes(outcome.result, protocol=protocol)
            ),
        ),
    )


def without_results() -> EvaluationResult:
    """Return what an encoder has that failed: no rows, no notes."""
    return EvaluationResult(
        scores=SCORES.empty(),
        segmentation_scores=SEGMENTATION_SCORES.empty(),
        metrics=METRICS.empty(),
        not_applicable=(),
        notes=(),
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


def _notes(result: ProtocolResult, *, protocol: Protocol) -> Iterator[str]:
    yield from result.notes
    for skipped in result.skipped:
        yield skipped.sentence(protocol)


def _joined(results: Sequence[ProtocolResult], *, schema: TableSchema) -> pl.DataFrame:
    """Return the rows of those protocols that fill this table."""
    columns = list(schema.columns)
    frames = [result.frame for result in results if result.frame.columns == columns]
    return pl.concat([schema.empty(), *frames])


def _test_set(benchmark: Benchmark, *, config: EvaluationConfig) -> TestSet:
    image_ids = benchmark.part("test")
    return TestSet(
        benchmark=benchmark.name,
        split=benchmark.split,
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
