"""Resamples of the patients of a test set, and metrics over all resamples at once.

A resample draws as many patients as there are, with replacement; an image weighs as often
as its patient was drawn. So a metric over resamples is a metric of weighted images, and
sorting is done once. Every function here takes weights (N, R) and returns one number for
each of the R resamples, NaN where it is undefined (such as no positive was drawn).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

# Shape suffixes:
#   N = images, R = resamples, P = patients, G = groups of images of equal score,
#   K = groups with a positive

Weights = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

_NORMAL = NormalDist()
_EDGE = _NORMAL.inv_cdf(0.975)
_CHUNK_BYTES = 2**20
"""Weights that are worked on at once: as much as a core keeps near (measured: 2.5 times
as fast as all at once)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The AUC and the average precision of each resample."""

    auc_R: Values
    average_precision_R: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a decision gets right and wrong, in each resample."""

    true_positive_R: Values
    false_positive_R: Values
    false_negative_R: Values
    true_negative_R: Values


class Resamples:
    """The resamples of one test set: the same for every metric that is asked for.

    So the interval of a mean over targets is over patients drawn once for all targets.
    """

    def __init__(self, patients: Sequence[str], *, num: int, seed: int) -> None:
        """Draw `num` resamples of the patients of the images, named in image order."""
        names, self._patient_N = np.unique(np.array(patients, str), return_inverse=True)
        rng = np.random.default_rng(seed)
        # Counts, not numbers of patients: they fit into 16 bits.
        self._count_PR = np.empty((len(names), num), dtype=np.uint16)
        for resample in range(num):
            drawn = rng.integers(0, len(names), size=len(names))
            self._count_PR[:, resample] = np.bincount(drawn, minlength=len(names))

    def __len__(self) -> int:
        """Return the number of resamples."""
        return self._count_PR.shape[1]

    def weights(self, rows: npt.NDArray[np.int64], chunk: slice) -> Weights:
        """Return the weights (N, R) of some images, in some of the resamples."""
        return self._count_PR[self._patient_N[rows], chunk].astype(np.float32)

    def chunks(self, num_images: int) -> list[slice]:
        """Return parts of the resamples whose weights are about 1 MB each, or less."""
        step = max(1, _CHUNK_BYTES // (4 * max(1, num_images)))
        return [slice(k, min(k + step, len(self))) for k in range(0, len(self), step)]


def interval(value: float, value_R: Values) -> tuple[float, float] | None:
    """Return the 95 % interval: percentiles of the resamples, around the value.

    The percentiles are moved so that the value is in their middle: with p the share of
    resamples below it, they are Phi(Phi^-1(p) +- 1.96) and not Phi(+- 1.96). It matters
    for average precision alone, which grows when images are drawn twice, as they then tie
    with themselves: plain percentiles can miss the value. Resamples without a value do
    not count; with none left there is no interval.
    """
    defined = value_R[~np.isnan(value_R)]
    if defined.size == 0:
        return None
    below = float(np.mean(defined < value) + np.mean(defined == value) / 2)
    least = 0.5 / defined.size
    shift = _NORMAL.inv_cdf(min(max(below, least), 1 - least))
    levels = [100 * _NORMAL.cdf(shift + edge) for edge in (-_EDGE, _EDGE)]
    low, high = np.percentile(defined, levels)
    return float(low), float(high)


def ranking(
    score_N: npt.NDArray[np.float32],
    is_positive_N: npt.NDArray[np.bool_],
    weight_NR: Weights,
) -> Ranking:
    """Return AUC and average precision of weighted images.

    AUC is the share of pairs of a positive and a negative that the scores order rightly;
    equal scores count half. Average precision is the mean over the positives of the
    precision at their score, images of equal score taken together. As loops, with the
    weights w of one resample:

        auc = sum over positives i, negatives j of
            w[i] * w[j] * (1 if s[i] > s[j] else 0.5 if s[i] == s[j] else 0)
            / (sum of w over positives * sum of w over negatives)
        average precision = sum over positives i of
            w[i] * (sum of w over positives at or above s[i])
                 / (sum of w over images at or above s[i])
            / sum of w over positives

    Args:
        score_N: Higher is more likely positive; finite.
        is_positive_N: The truth.
        weight_NR: Whole numbers.
    """
    order = np.argsort(-score_N, kind="stable")
    ordered_N, is_positive_N = score_N[order], is_positive_N[order]
    last_G = np.append(np.flatnonzero(np.diff(ordered_N)), len(order) - 1)
    positive_N = np.flatnonzero(is_positive_N)
    # Only groups with a positive count; ties of them are joined.
    group_N = np.searchsorted(last_G, positive_N)
    group_K, first_K = np.unique(group_N, return_index=True)
    weight_NR = weight_NR[order]
    cumulative_NR = np.cumsum(weight_NR, axis=0)
    total_R = cumulative_NR[-1].astype(np.float64)
    positive_KR = np.add.reduceat(weight_NR[positive_N], first_K, axis=0)
    true_KR = np.cumsum(positive_KR, axis=0)  # positives at or above the group
    above_KR = cumulative_NR[last_G[group_K]]  # all images at or above it
    has_below_K = group_K > 0
    before_KR = cumulative_NR[last_G[group_K - 1]] * has_below_K[:, None]

    num_positive_R = true_KR[-1].astype(np.float64)
    num_negative_R = total_R - num_positive_R
    false_KR = above_KR - true_KR  # negatives at or above the group
    better_KR = before_KR - (true_KR - positive_KR)  # negatives above it
    half_KR = (false_KR + better_KR) * np.float32(0.5)
    lost_R = np.einsum("kr,kr->r", positive_KR, half_KR, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        auc_R = 1 - lost_R / (num_positive_R * num_negative_R)
        precision_KR = np.where(above_KR > 0, true_KR / above_KR, 0)
        sum_R = np.einsum("kr,kr->r", positive_KR, precision_KR, dtype=np.float64)
        average_precision_R = sum_R / num_positive_R
    auc_R[(num_positive_R == 0) | (num_negative_R == 0)] = np.nan
    return Ranking(auc_R=auc_R, average_precision_R=average_precision_R)


def decisions(
    is_predicted_N: npt.NDArray[np.bool_],
    is_positive_N: npt.NDArray[np.bool_],
    weight_NR: Weights,
) -> Counts:
    """Return the weights of right and wrong decisions, in each resample."""
    kinds_4N = np.stack(
        [
            is_predicted_N & is_positive_N,
            is_predicted_N & ~is_positive_N,
            ~is_predicted_N & is_positive_N,
            ~is_predicted_N & ~is_positive_N,
        ]
    ).astype(np.float32)
    sums_4R = (kinds_4N @ weight_NR).astype(np.float64)
    return Counts(
        true_positive_R=sums_4R[0],
        false_positive_R=sums_4R[1],
        false_negative_R=sums_4R[2],
        true_negative_R=sums_4R[3],
    )


def weighted_mean(value_N: npt.ArrayLike, weight_NR: Weights) -> Values:
    """Return the weighted mean of a number of each image, in each resample."""
    value_N = np.asarray(value_N, dtype=np.float64)
    sums_2R = np.stack([value_N, np.ones_like(value_N)]) @ weight_NR
    with np.errstate(invalid="ignore"):
        mean_R: Values = sums_2R[0] / sums_2R[1]
    return mean_R
