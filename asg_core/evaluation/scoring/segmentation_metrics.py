"""SEGMENTATION_SCORES -> METRICS: what predicted masks are worth, on the test part.

- `dice`: the mean over all images; an image without a true mask scores 1 when nothing is
  predicted and 0 otherwise. Predicting nothing anywhere scores the share of such images.
- `dice_positive`: the mean over the images with a true mask.
- `false_positive_rate`: the share of the images without one in which anything is predicted.
"""

# Shape suffixes: N = test images, R = resamples

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.evaluation.scoring.bootstrap import Values, Weights, weighted_mean
from asg_core.evaluation.scoring.fits import Fit, Skipped, Subject
from asg_core.evaluation.scoring.masks import Masks
from asg_core.evaluation.scoring.measures import Mean, Part, measure
from asg_core.evaluation.scoring.metrics import TestSet
from asg_core.evaluation.scoring.pixel_counts import PixelCounts, mean_mask_dice
from asg_core.tables.catalog import METRICS
from asg_core.terms.targets import ALL

NO_POSITIVE = "no test image has a mask"
NO_NEGATIVE = "every test image has a mask"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRules:
    """What is measured of predicted masks."""

    target: str
    """What the masks are of."""

    mean_mask_dice: float | None
    """`dice_positive` of the mean training mask as the answer for every image: its floor;
    null: unknown."""


def mask_rules(target: str, masks_of: Callable[[str], Masks]) -> MaskRules:
    """Return the rules, with the floor of the masks that a part of the benchmark has."""
    floor = mean_mask_dice(masks_of("train"), masks_of("test"))
    return MaskRules(target=target, mean_mask_dice=floor)


def segmentation_metrics(
    outcomes: Sequence[Fit | Skipped],
    *,
    test_set: TestSet,
    subject: Subject,
    rules: MaskRules,
) -> pl.DataFrame:
    """Return METRICS of every fit: of the target, and the same numbers as those of `all`.

    Args:
        outcomes: Fits with SEGMENTATION_SCORES of the test images; a fit that was not made
            has rows without values, which say why.
        test_set: The images and their patients.
        subject: Whose scores they are.
        rules: The target and its floor.

    Raises:
        ValueError: If a fit has scores of some of the images only.
    """
    rows: list[dict[str, object]] = []
    for outcome in outcomes:
        parts = (
            _parts(outcome.test, test_set, rules=rules)
            if isinstance(outcome, Fit)
            else _missing_parts(outcome, test_set, rules=rules)
        )
        for part in parts:
            rows += measure(
                [part],
                [Mean(target=ALL, over=(rules.target,))],
                resamples=test_set.resamples,
                draw=outcome.draw,
                common=test_set.common(subject, outcome.draw),
            )
    return METRICS.frame(rows)


def _missing_parts(
    skipped: Skipped, test_set: TestSet, *, rules: MaskRules
) -> list[Part]:
    every_N = np.arange(len(test_set.image_ids))
    return [
        Part(
            target=rules.target,
            rows_N=every_N,
            num_positive=None,
            floors={metric: None},
            compute=None,
            reasons={metric: skipped.reason},
        )
        for metric in ("dice", "dice_positive", "false_positive_rate")
    ]


def _parts(scores: pl.DataFrame, test_set: TestSet, *, rules: MaskRules) -> list[Part]:
    """Return the three metrics: each is over other images."""
    counts = _counts(scores, test_set)
    dice_N, has_mask_N = counts.dice(), counts.true_N > 0
    is_predicted_N = (counts.predicted_N > 0).astype(np.float64)
    every_N, num_positive = np.arange(len(dice_N)), int(has_mask_N.sum())
    positive_N, negative_N = np.flatnonzero(has_mask_N), np.flatnonzero(~has_mask_N)
    empty_share = len(negative_N) / len(dice_N)
    prior = rules.mean_mask_dice
    return [
        _part(
            metric,
            value_N[rows_N],
            rows_N=rows_N,
            target=rules.target,
            floor=floor,
            num_positive=of_them,
            why=why,
        )
        for metric, value_N, rows_N, floor, of_them, why in (
            ("dice", dice_N, every_N, empty_share, num_positive, ""),
            ("dice_positive", dice_N, positive_N, prior, num_positive, NO_POSITIVE),
            ("false_positive_rate", is_predicted_N, negative_N, 0.0, 0, NO_NEGATIVE),
        )
    ]


def _counts(scores: pl.DataFrame, test_set: TestSet) -> PixelCounts:
    """Return the pixels of the test images, in their order."""
    place_of = {image_id: place for place, image_id in enumerate(test_set.image_ids)}
    ordered = scores.with_columns(
        pl.col("image_id").replace_strict(place_of, default=-1).alias("place")
    ).sort("place")
    if ordered["place"].to_list() != list(range(len(place_of))):
        raise ValueError(
            f"segmentation_metrics: expected one score of each of {len(place_of)} test "
            f"images, found {len(scores)} rows; the scores are not of this benchmark as "
            "it is now"
        )
    predicted_N, true_N, shared_N = (
        ordered[name].to_numpy().astype(np.int64)
        for name in ("num_predicted", "num_true", "num_shared")
    )
    return PixelCounts(predicted_N=predicted_N, true_N=true_N, shared_N=shared_N)


def _part(
    metric: str,
    value_N: npt.NDArray[np.float64],
    *,
    rows_N: npt.NDArray[np.int64],
    target: str,
    floor: float | None,
    num_positive: int,
    why: str,
) -> Part:
    """Return one metric over the images of its rows; without any it is undefined."""

    def compute(weight_NR: Weights) -> dict[str, Values]:
        return {metric: weighted_mean(value_N, weight_NR)}

    return Part(
        target=target,
        rows_N=rows_N,
        num_positive=num_positive,
        floors={metric: floor},
        compute=compute if len(rows_N) else None,
        reasons={} if len(rows_N) else {metric: why},
    )
