"""SEGMENTATION_SCORES -> METRICS: what predicted masks are worth, on the test part.

- `dice`: the mean over all images; an image without a true mask scores 1 when nothing is
  predicted and 0 otherwise. Predicting nothing anywhere scores the share of such images.
- `dice_positive`: the mean over the images with a true mask.
- `false_positive_rate`: the share of the images without one in which anything is predicted.
"""

# Shape suffixes: N = test images, R = resamples

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.evaluation.protocols.result import Fit
from asg_core.evaluation.scoring.bootstrap import Values, Weights, weighted_mean
from asg_core.evaluation.scoring.measures import ALL, Mean, Part, measure
from asg_core.evaluation.scoring.metrics import TestSet
from asg_core.tables.catalog import METRICS

NO_POSITIVE = "no test image has a mask"
NO_NEGATIVE = "every test image has a mask"


def segmentation_metrics(
    scores: pl.DataFrame,
    *,
    fits: Sequence[Fit],
    test_set: TestSet,
    protocol: str,
    encoder: str,
    target: str,
    mean_mask_dice: float | None,
    missing: Mapping[tuple[float, int], str] | None = None,
) -> pl.DataFrame:
    """Return METRICS of every fit: of the target, and the same numbers as those of `all`.

    Args:
        scores: SEGMENTATION_SCORES of the test images, of one protocol, encoder,
            benchmark and target.
        fits: What was fitted, or could not be.
        test_set: The images and their patients.
        protocol: Its name.
        encoder: Its name.
        target: The target of the masks.
        mean_mask_dice: `dice_positive` of one mask for all images, drawn from the training
            masks: its floor; null: unknown.
        missing: (fraction, seed) of fits without scores -> why.

    Raises:
        ValueError: If a fit has scores of some of the images only.
    """
    rows: list[dict[str, object]] = []
    for fit in fits:
        of_fit = scores.filter(
            (pl.col("fraction") == fit.fraction) & (pl.col("seed") == fit.seed)
        )
        why = (missing or {}).get((fit.fraction, fit.seed), "there was no fit")
        parts = _parts(
            of_fit, test_set, target=target, floor=mean_mask_dice, missing=why
        )
        rows += _rows_of(
            parts, fit=fit, test_set=test_set, protocol=protocol, encoder=encoder
        )
    return METRICS.frame(rows)


def dice_scores(
    num_predicted_N: npt.ArrayLike,
    num_true_N: npt.ArrayLike,
    num_shared_N: npt.ArrayLike,
) -> npt.NDArray[np.float64]:
    """Return the Dice of each image; two empty masks score 1."""
    both_N = np.asarray(num_predicted_N, np.float64) + np.asarray(
        num_true_N, np.float64
    )
    shared_N = 2 * np.asarray(num_shared_N, np.float64)
    return np.divide(shared_N, both_N, out=np.ones_like(both_N), where=both_N > 0)


def constant_mask_dice(
    mask_GG: npt.NDArray[np.bool_], is_inside_NGG: npt.NDArray[np.bool_]
) -> float | None:
    """Return the mean Dice of one mask with every true mask that is not empty.

    Null where all are empty.
    """
    num_true_N = is_inside_NGG.sum(axis=(1, 2))
    num_shared_N = (is_inside_NGG & mask_GG).sum(axis=(1, 2))
    has_mask_N = num_true_N > 0
    if not has_mask_N.any():
        return None
    num_predicted_N = np.full_like(num_true_N, mask_GG.sum())
    return float(
        dice_scores(num_predicted_N, num_true_N, num_shared_N)[has_mask_N].mean()
    )


def _parts(
    scores: pl.DataFrame,
    test_set: TestSet,
    *,
    target: str,
    floor: float | None,
    missing: str,
) -> list[Part]:
    """Return the three metrics: each is over other images."""
    if scores.is_empty():
        every_N = np.arange(len(test_set.image_ids))
        return [
            _part(metric, rows_N=every_N, target=target, num_positive=None, why=missing)
            for metric in ("dice", "dice_positive", "false_positive_rate")
        ]
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
    num_true_N = ordered["num_true"].to_numpy()
    num_predicted_N = ordered["num_predicted"].to_numpy()
    dice_N = dice_scores(num_predicted_N, num_true_N, ordered["num_shared"].to_numpy())
    positive_N = np.flatnonzero(num_true_N > 0)
    negative_N = np.flatnonzero(num_true_N == 0)
    every_N, num_positive = np.arange(len(dice_N)), len(positive_N)
    empty_share = len(negative_N) / len(dice_N)
    return [
        _part(
            metric,
            rows_N=rows_N,
            value_N=value_N,
            target=target,
            floor=its_floor,
            num_positive=of_them,
            why=why,
        )
        for metric, rows_N, value_N, its_floor, of_them, why in (
            ("dice", every_N, dice_N, empty_share, num_positive, None),
            ("dice_positive", positive_N, dice_N, floor, num_positive, NO_POSITIVE),
            (
                "false_positive_rate",
                negative_N,
                num_predicted_N > 0,
                0.0,
                0,
                NO_NEGATIVE,
            ),
        )
    ]


def _part(
    metric: str,
    *,
    rows_N: npt.NDArray[np.int64],
    target: str,
    num_positive: int | None,
    value_N: npt.NDArray[np.float64] | npt.NDArray[np.bool_] | None = None,
    floor: float | None = None,
    why: str | None = None,
) -> Part:
    def compute(weight_NR: Weights) -> dict[str, Values]:
        if value_N is None:
            return {metric: np.full(weight_NR.shape[1], np.nan)}
        return {metric: weighted_mean(value_N[rows_N], weight_NR)}

    return Part(
        target=target,
        rows_N=rows_N,
        num_positive=num_positive,
        floors={metric: floor},
        compute=compute if value_N is not None and len(rows_N) else None,
        reasons={metric: why} if why and (value_N is None or not len(rows_N)) else {},
    )


def _rows_of(
    parts: Sequence[Part], *, fit: Fit, test_set: TestSet, protocol: str, encoder: str
) -> list[dict[str, object]]:
    return [
        row
        for part in parts
        for row in measure(
            [part],
            [Mean(target=ALL, over=(part.target,))],
            resamples=test_set.resamples,
            fit=fit,
            common=test_set.common(protocol=protocol, encoder=encoder),
        )
    ]
