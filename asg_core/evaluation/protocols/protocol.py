"""The protocols of an evaluation, each as it is run on one encoder and one benchmark."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.config import EvaluationConfig, Protocol
from asg_core.evaluation.encoders import NetworkEncoder, PixelEncoder, crop_of
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.linear_cached import linear_cached
from asg_core.evaluation.protocols.mgca.linear import mgca_linear
from asg_core.evaluation.protocols.mgca.segmentation import mgca_segmentation
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.protocols.segmentation_cached import (
    SEGMENTATION_CACHED,
    Name,
    segment_cached,
)
from asg_core.evaluation.protocols.zero_shot import zero_shot_prompts, zero_shot_tags
from asg_core.evaluation.scoring.masks import read_masks, true_masks
from asg_core.images.pixel_cache import PixelCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything that a protocol may ask for."""

    benchmark: Benchmark
    encoder: NetworkEncoder | PixelEncoder
    features: Features
    cache: PixelCache
    config: EvaluationConfig

    @property
    def seeds(self) -> range:
        """The seeds of the cached protocols; others have their own."""
        return range(self.config.seed, self.config.seed + self.config.seeds)


RunProtocol = Callable[[Work], ProtocolResult | NotApplicable]


def _linear_cached(work: Work) -> ProtocolResult:
    return linear_cached(
        work.benchmark,
        work.features,
        fractions=work.config.fractions,
        seeds=work.seeds,
        device=work.config.device,
    )


def _segmentation_cached(
    work: Work, *, protocol: Name
) -> ProtocolResult | NotApplicable:
    if work.benchmark.segmentation_target is None:
        return NotApplicable(reason="the benchmark has no masks")
    masks_NGG = read_masks(
        true_masks(work.benchmark),
        work.features.image_ids,
        letterbox_of=work.cache.letterbox,
        crop=crop_of(work.encoder),
        size=SEGMENTATION_CACHED[protocol].size,
    )
    return segment_cached(
        work.benchmark,
        work.features,
        protocol=protocol,
        masks=masks_NGG,
        fractions=work.config.fractions,
        seeds=work.seeds,
        device=work.config.device,
        precision=work.config.precision,
    )


def _mgca_linear(work: Work) -> ProtocolResult | NotApplicable:
    return mgca_linear(
        work.benchmark,
        work.encoder,
        work.cache,
        fractions=work.config.fractions,
        num_seeds=work.config.seeds,
        batch_size=work.config.batch_size,
    )


def _mgca_segmentation(work: Work) -> ProtocolResult | NotApplicable:
    if work.benchmark.segmentation_target is None:
        return NotApplicable(reason="the benchmark has no masks")
    return mgca_segmentation(
        work.benchmark,
        work.encoder,
        work.cache,
        fractions=work.config.fractions,
        num_seeds=work.config.seeds,
        batch_size=work.config.batch_size,
    )


def _zero_shot_tags(work: Work) -> ProtocolResult | NotApplicable:
    return zero_shot_tags(
        work.benchmark, work.encoder, work.cache, batch_size=work.config.batch_size
    )


def _zero_shot_prompts(work: Work) -> ProtocolResult | NotApplicable:
    return zero_shot_prompts(
        work.benchmark, work.encoder, work.features, config=work.config.prompts
    )


PROTOCOLS: Mapping[Protocol, RunProtocol] = {
    "linear-cached": _linear_cached,
    "segmentation-cached": partial(
        _segmentation_cached, protocol="segmentation-cached"
    ),
    "segmentation-cached-quick": partial(
        _segmentation_cached, protocol="segmentation-cached-quick"
    ),
    "mgca-linear": _mgca_linear,
    "mgca-segmentation": _mgca_segmentation,
    "zero-shot-tags": _zero_shot_tags,
    "zero-shot-prompts": _zero_shot_prompts,
}
"""Each returns the result of one encoder on one benchmark, or why there is none."""
