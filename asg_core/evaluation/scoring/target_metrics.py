"""The metrics of one fit, target by target or class by class, before they are computed."""

# Shape suffixes: N = test images, M = validation images, T = targets, R = resamples

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from asg_core.evaluation.scoring.bootstrap import (
    Counts,
    Values,
    Weights,
    decisions,
    ranking,
    weighted_mean,
)
from asg_core.evaluation.scoring.measures import Compute, Mean, Part
from asg_core.evaluation.scoring.score_frames import Scores
from asg_core.terms.targets import ALL

Flags = npt.NDArray[np.bool_]

ONE_CLASS_IN_TEST = "one class in the test labels"
ONE_CLASS_IN_TRAIN = "one class in the training labels"
NO_THRESHOLD = "no positive in the validation part, which the threshold comes from"

_ORACLE = "oracle_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRules:
    """What differs between protocols."""

    means: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Means by name, and the targets they are over; `all` is over every target unless it
    is named here."""

    has_oracle: bool = False
    """Whether thresholds from the test part are tried too."""

    unscored: Mapping[str, str] = field(default_factory=dict)
    """Target -> why it has no scores; others lack a class in the training labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Everything about one target of one fit."""

    target: str
    score_N: Scores  # NaN: no score
    truth_N: Scores  # NaN: unlabelled
    validate_score_M: Scores
    validate_truth_M: Scores

    def rows(self) -> npt.NDArray[np.int64]:
        """Return the places of the labelled images."""
        return np.flatnonzero(~np.isnan(self.truth_N))

    def is_positive(self) -> Flags:
        """Return whether each of the labelled images is positive."""
        return self.truth_N[self.rows()] > 0

    @property
    def is_scored(self) -> bool:
        """Whether there was a fit."""
        return not np.isnan(self.score_N).all()


def best_threshold(score_M: Scores, is_positive_M: Flags) -> float | None:
    """Return from which score on calling images positive has the highest F1.

    Of several scores the highest; null without a positive. As a loop:

        for t in distinct scores:
            f1[t] = 2 TP / (2 TP + FP + FN) when score >= t is called positive
    """
    num_positive = int(is_positive_M.sum())
    if num_positive == 0:
        return None
    order = np.argsort(-score_M, kind="stable")
    ordered_M = score_M[order]
    is_last_M = np.append(np.diff(ordered_M) != 0, [True])
    true_M = np.cumsum(is_positive_M[order])
    f1_M = 2 * true_M / (np.arange(1, len(order) + 1) + num_positive)
    return float(ordered_M[np.argmax(np.where(is_last_M, f1_M, -1))])


def target_part(column: Column, *, rules: ScoreRules) -> Part:
    """Return the metrics of a target that stands on its own.

    Floors: 0.5 for AUC, and for the others what an answer does that is the same for all
    images.
    """
    is_positive_N, score_N = column.is_positive(), column.score_N[column.rows()]
    share = float(is_positive_N.mean()) if len(is_positive_N) else 0.0
    decision_floors = {"f1": 2 * share / (1 + share), "accuracy": max(share, 1 - share)}
    floors: dict[str, float | None] = {"auc": 0.5, "average_precision": share}
    is_known_M = ~np.isnan(column.validate_truth_M)
    thresholds = {
        "": best_threshold(
            column.validate_score_M[is_known_M], column.validate_truth_M[is_known_M] > 0
        )
    }
    if rules.has_oracle:
        thresholds[_ORACLE] = best_threshold(score_N, is_positive_N)
    for prefix in thresholds:
        floors |= {prefix + name: floor for name, floor in decision_floors.items()}

    def compute(weight_NR: Weights) -> dict[str, Values]:
        ranked = ranking(score_N, is_positive_N, weight_NR)
        values = {"auc": ranked.auc_R, "average_precision": ranked.average_precision_R}
        for prefix, threshold in thresholds.items():
            at = np.inf if threshold is None else threshold
            counts = decisions(score_N >= at, is_positive_N, weight_NR)
            undefined = np.nan if threshold is None else 0.0
            values[f"{prefix}f1"] = f1_of(counts) + undefined
            values[f"{prefix}accuracy"] = accuracy_of(counts) + undefined
        return values

    return _part(
        column,
        floors=floors,
        compute=compute,
        rules=rules,
        reasons={
            prefix + name: NO_THRESHOLD
            for prefix, threshold in thresholds.items()
            if threshold is None
            for name in decision_floors
        },
    )


def _part(
    column: Column,
    *,
    floors: Mapping[str, float | None],
    compute: Compute,
    rules: ScoreRules,
    reasons: Mapping[str, str] | None = None,
) -> Part:
    """Return the metrics of a target, undefined where a class or the scores are missing."""
    is_positive_N = column.is_positive()
    why = None
    if not column.is_scored:
        why = rules.unscored.get(column.target, ONE_CLASS_IN_TRAIN)
    elif is_positive_N.all() or not is_positive_N.any():
        why = ONE_CLASS_IN_TEST
    return Part(
        target=column.target,
        rows_N=column.rows(),
        num_positive=int(is_positive_N.sum()),
        floors=floors,
        compute=compute if why is None else None,
        reasons=dict.fromkeys(floors, why) if why else reasons or {},
    )


def class_parts(columns: Sequence[Column], *, rules: ScoreRules) -> list[Part]:
    """Return the metrics of each class, and the accuracy over all of them.

    A class without scores is never the answer; images of it are answered wrongly.
    """
    score_NT = np.stack([column.score_N for column in columns], axis=1)
    is_fitted_T = ~np.isnan(score_NT).all(axis=0)
    chosen_N = np.where(np.isnan(score_NT), -np.inf, score_NT).argmax(axis=1)
    truth_NT = np.stack([column.truth_N for column in columns], axis=1)
    is_right_N = truth_NT[np.arange(len(chosen_N)), chosen_N] > 0
    parts = [
        _class_part(column, is_chosen_N=chosen_N == place, rules=rules)
        for place, column in enumerate(columns)
    ]
    reasons = {}
    if not is_fitted_T.all():
        names = [
            c.target for c, is_in in zip(columns, is_fitted_T, strict=True) if not is_in
        ]
        reasons["accuracy"] = f"not fitted: {', '.join(names)}: {ONE_CLASS_IN_TRAIN}"
    accuracy = Part(
        target=ALL,
        rows_N=np.arange(len(chosen_N)),
        num_positive=None,
        floors={"accuracy": float((truth_NT > 0).mean(axis=0).max())},
        compute=(lambda weight_NR: {"accuracy": weighted_mean(is_right_N, weight_NR)})
        if is_fitted_T.any()
        else None,
        reasons=reasons,
    )
    return [*parts, accuracy]


def _class_part(column: Column, *, is_chosen_N: Flags, rules: ScoreRules) -> Part:
    rows_N, is_positive_N = column.rows(), column.is_positive()
    share = float(is_positive_N.mean()) if len(is_positive_N) else 0.0

    def compute(weight_NR: Weights) -> dict[str, Values]:
        ranked = ranking(column.score_N[rows_N], is_positive_N, weight_NR)
        counts = decisions(is_chosen_N[rows_N], is_positive_N, weight_NR)
        return {
            "auc": ranked.auc_R,
            "average_precision": ranked.average_precision_R,
            "f1": f1_of(counts),
        }

    floors = {"auc": 0.5, "average_precision": share, "f1": 2 * share / (1 + share)}
    return _part(column, floors=floors, compute=compute, rules=rules)


def class_mean(columns: Sequence[Column]) -> Mean:
    """Return the mean over the classes; one constant answer can win one class only."""
    shares = [float(column.is_positive().mean()) for column in columns]
    best = max(2 * share / (1 + share) for share in shares)
    return Mean(
        over=tuple(column.target for column in columns),
        floors={"f1": best / len(columns)},
    )


def f1_of(counts: Counts) -> Values:
    """Return F1 in each resample; undefined where nothing is positive or called so."""
    both_R = counts.false_positive_R + counts.false_negative_R
    with np.errstate(invalid="ignore"):
        f1_R: Values = (
            2 * counts.true_positive_R / (2 * counts.true_positive_R + both_R)
        )
    return f1_R


def accuracy_of(counts: Counts) -> Values:
    """Return the share of right decisions in each resample."""
    right_R = counts.true_positive_R + counts.true_negative_R
    accuracy_R: Values = right_R / (
        right_R + counts.false_positive_R + counts.false_negative_R
    )
    return accuracy_R
