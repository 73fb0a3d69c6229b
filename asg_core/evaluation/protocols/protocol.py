"""The protocols of an evaluation, each as it is run on one encoder and one benchmark."""

# Shape suffixes: N = images, G = rows, and columns, of a mask

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.config import EvaluationConfig, Protocol
from asg_core.evaluation.encoders import NetworkEncoder, PixelEncoder, crop_of
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.linear_cached import linear_cached
from asg_core.evaluation.protocols.mgca.linear import mgca_linear
from asg_core.evaluation.protocols.mgca.segmentation import mgca_segmentation
from asg_core.evaluation.protocols.result import ProtocolResult
from asg_core.evaluation.protocols.segmentation_cached import segment_cached
from asg_core.evaluation.protocols.zero_shot import (
    prompt_rules,
    tag_rules,
    text_side,
    zero_shot_prompts,
    zero_shot_tags,
)
from asg_core.evaluation.scoring.masks import Masks, mean_mask, read_masks, true_masks
from asg_core.evaluation.scoring.metrics import TestSet, score_metrics
from asg_core.evaluation.scoring.segmentation_metrics import (
    constant_mask_dice,
    segmentation_metrics,
)
from asg_core.evaluation.scoring.target_metrics import ScoreRules
from asg_core.images.crop import Crop, centre_crop
from asg_core.images.pixel_cache import PixelCache

NO_MASKS = "the benchmark has no masks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything that a protocol may ask for."""

    benchmark: Benchmark
    encoder: NetworkEncoder | PixelEncoder
    features: Features
    cache: PixelCache
    config: EvaluationConfig
    test_set: TestSet

    @property
    def seeds(self) -> range:
        """The seeds of the cached protocols."""
        return range(self.config.seed, self.config.seed + self.config.seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Scores of one protocol and their metrics."""

    result: ProtocolResult
    metrics: pl.DataFrame


def _linear_cached(work: Work) -> Outcome | str:
    result = linear_cached(
        work.benchmark,
        work.features,
        config=work.config.linear,
        fractions=work.config.fractions,
        seeds=work.seeds,
        device=work.config.device,
    )
    return _of_scores(work, result, protocol="linear-cached")


def _mgca_linear(work: Work) -> Outcome | str:
    result = mgca_linear(
        work.benchmark,
        work.encoder,
        work.cache,
        config=work.config.mgca_linear,
        fractions=work.config.fractions,
        num_seeds=work.config.seeds,
        batch_size=work.config.batch_size,
    )
    if isinstance(result, str):
        return result
    return _of_scores(work, result, protocol="mgca-linear")


def _zero_shot_tags(work: Work) -> Outcome | str:
    if work.benchmark.is_exclusive:
        return "no tag stands for a class of this benchmark"
    text = text_side(work.encoder, losses=("tags",))
    if isinstance(text, str):
        return text
    result = zero_shot_tags(
        work.benchmark, text, work.cache, batch_size=work.config.batch_size
    )
    rules = tag_rules(work.benchmark.targets)
    return _of_scores(work, result, protocol="zero-shot-tags", rules=rules)


def _zero_shot_prompts(work: Work) -> Outcome | str:
    text = text_side(work.encoder, losses=("image_report", "soft_labels"))
    if isinstance(text, str):
        return text
    result = zero_shot_prompts(
        work.benchmark, text, work.features, config=work.config.prompts
    )
    rules = prompt_rules(work.benchmark.targets)
    return _of_scores(work, result, protocol="zero-shot-prompts", rules=rules)


def _segmentation_cached(work: Work) -> Outcome | str:
    if work.benchmark.segmentation_target is None:
        return NO_MASKS
    config = work.config.segmentation
    crop = crop_of(work.encoder)
    masks_NGG = _masks(work, work.features.image_ids, crop=crop, size=config.size)
    result = segment_cached(
        work.benchmark,
        work.features,
        masks=masks_NGG,
        config=config,
        fractions=work.config.fractions,
        seeds=work.seeds,
        device=work.config.device,
        precision=work.config.precision,
    )
    return _of_masks(
        work,
        result,
        protocol="segmentation-cached",
        crop=crop,
        size=config.size,
    )


def _mgca_segmentation(work: Work) -> Outcome | str:
    if work.benchmark.segmentation_target is None:
        return NO_MASKS
    result = mgca_segmentation(
        work.benchmark,
        work.encoder,
        work.cache,
        config=work.config.mgca_segmentation,
        fractions=work.config.fractions,
        num_seeds=work.config.seeds,
        batch_size=work.config.batch_size,
    )
    if isinstance(result, str):
        return result
    return _of_masks(
        work,
        result,
        protocol="mgca-segmentation",
        # Of this protocol the whole square, not a crop of it, is the encoder's input.
        crop=centre_crop(work.encoder.input_size, work.encoder.input_size),
        size=work.encoder.input_size,
    )


def _mean_mask_dice(work: Work, *, crop: Crop, size: int) -> float | None:
    """Return the `dice_positive` of the mean training mask, the same for every image."""
    has_mask = true_masks(work.benchmark)
    train_NGG, test_NGG = (
        _masks(
            work,
            [
                image_id
                for image_id in work.benchmark.part(part)
                if image_id in has_mask
            ],
            crop=crop,
            size=size,
        )
        for part in ("train", "test")
    )
    return constant_mask_dice(mean_mask(train_NGG), test_NGG)


def _masks(work: Work, image_ids: Sequence[str], *, crop: Crop, size: int) -> Masks:
    return read_masks(
        work.benchmark,
        image_ids,
        letterbox_of=work.cache.letterbox,
        crop=crop,
        size=size,
    )


def _of_scores(
    work: Work,
    result: ProtocolResult,
    *,
    protocol: Protocol,
    rules: ScoreRules | None = None,
) -> Outcome:
    metrics = score_metrics(
        result.frame,
        validation=result.validation,
        fits=[*result.fits, *(skipped.fit for skipped in result.skipped)],
        test_set=work.test_set,
        protocol=protocol,
        encoder=work.encoder.name,
        rules=rules,
    )
    return Outcome(result=result, metrics=metrics)


def _of_masks(
    work: Work,
    result: ProtocolResult,
    *,
    protocol: Protocol,
    crop: Crop,
    size: int,
) -> Outcome:
    metrics = segmentation_metrics(
        result.frame,
        fits=[*result.fits, *(skipped.fit for skipped in result.skipped)],
        test_set=work.test_set,
        protocol=protocol,
        encoder=work.encoder.name,
        target=str(work.benchmark.segmentation_target),
        mean_mask_dice=_mean_mask_dice(work, crop=crop, size=size),
        missing={
            (skipped.fit.fraction, skipped.fit.seed): skipped.reason
            for skipped in result.skipped
        },
    )
    return Outcome(result=result, metrics=metrics)


PROTOCOLS: Mapping[Protocol, Callable[[Work], Outcome | str]] = {
    "linear-cached": _linear_cached,
    "segmentation-cached": _segmentation_cached,
    "mgca-linear": _mgca_linear,
    "mgca-segmentation": _mgca_segmentation,
    "zero-shot-tags": _zero_shot_tags,
    "zero-shot-prompts": _zero_shot_prompts,
}
"""Each returns its outcome, or why it does not apply."""
