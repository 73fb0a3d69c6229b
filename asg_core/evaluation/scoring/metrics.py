"""SCORES -> METRICS: what the scores of a protocol are worth, on the test part.

Metrics of a target on its own:

- `auc`: area under the ROC curve, equal scores count half.
- `average_precision`: area under the precision-recall curve, as a step function.
- `f1`, `accuracy`: of the decision at the threshold of the highest F1 on the validation
  part; there are none without validation scores.
- `oracle_f1`, `oracle_accuracy`: the same with the threshold taken from the test part, as
  some papers do; never to be compared with the two above.

Metrics of targets that exclude each other: `auc` and `average_precision` of each class
against the others; `accuracy` and `f1` of the class with the highest score, where `f1` of
all is the macro F1.
"""

# Shape suffixes: N = test images, M = validation images, T = targets, R = resamples

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from asg_core.evaluation.protocols.result import Fit
from asg_core.evaluation.scoring.bootstrap import Resamples
from asg_core.evaluation.scoring.measures import ALL, Mean, measure
from asg_core.evaluation.scoring.score_frames import Scores, score_arrays
from asg_core.evaluation.scoring.target_metrics import (
    Column,
    ScoreRules,
    class_mean,
    class_parts,
    target_part,
)
from asg_core.tables.catalog import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """The test part of a benchmark: what every metric is over."""

    __test__ = False  # not a test of pytest

    benchmark: str
    split: str
    test_digest: str
    targets: tuple[str, ...]
    is_exclusive: bool
    image_ids: tuple[str, ...]
    validate_ids: tuple[str, ...]
    truth_NT: Scores
    """Labels of `image_ids`: 1, 0, or NaN where unlabelled."""

    resamples: Resamples
    """Of the patients of `image_ids`, in that order."""

    def common(self, *, protocol: str, encoder: str) -> dict[str, object]:
        """Return the columns that all metrics of a protocol and an encoder share."""
        return {
            "benchmark": self.benchmark,
            "protocol": protocol,
            "encoder": encoder,
            "split": self.split,
            "test_digest": self.test_digest,
        }


def score_metrics(
    scores: pl.DataFrame,
    *,
    validation: pl.DataFrame | None,
    fits: Sequence[Fit],
    test_set: TestSet,
    protocol: str,
    encoder: str,
    rules: ScoreRules | None = None,
) -> pl.DataFrame:
    """Return METRICS of every fit: of each target, and of their means.

    A metric that is undefined is null with a reason and never 0. No fits give no rows.

    Args:
        scores: SCORES of the test images, of one protocol, encoder and benchmark.
        validation: The same of the validation images, which thresholds come from; null
            where the protocol has none: then there are no metrics of decisions.
        fits: What was fitted; a target of a fit without scores is undefined.
        test_set: The images and their patients.
        protocol: Its name.
        encoder: Its name.
        rules: What is special about the protocol.

    Raises:
        ValueError: If there are scores of other images or targets, or of some images of
            a target only.
    """
    rules = rules or ScoreRules()
    rows: list[dict[str, object]] = []
    for fit in fits:
        columns = _columns(scores, validation, fit=fit, test_set=test_set)
        if test_set.is_exclusive:
            parts = class_parts(columns, rules=rules)
            means = [class_mean(columns)]
        else:
            has_threshold = validation is not None
            parts = [
                target_part(column, rules=rules, has_threshold=has_threshold)
                for column in columns
            ]
            named = {ALL: test_set.targets, **rules.means}
            means = [Mean(target=name, over=over) for name, over in named.items()]
        rows += measure(
            parts,
            means,
            resamples=test_set.resamples,
            fit=fit,
            common=test_set.common(protocol=protocol, encoder=encoder),
        )
    return METRICS.frame(rows)


def _columns(
    scores: pl.DataFrame,
    validation: pl.DataFrame | None,
    *,
    fit: Fit,
    test_set: TestSet,
) -> list[Column]:
    is_of_fit = (pl.col("fraction") == fit.fraction) & (pl.col("seed") == fit.seed)
    score_NT, truth_NT = score_arrays(
        scores.filter(is_of_fit), image_ids=test_set.image_ids, targets=test_set.targets
    )
    is_scored_T = ~np.isnan(score_NT).all(axis=0)
    is_labelled_NT = ~np.isnan(test_set.truth_NT)
    is_partial_T = is_scored_T & (np.isnan(score_NT) == is_labelled_NT).any(axis=0)
    if is_partial_T.any():
        target = test_set.targets[int(np.argmax(is_partial_T))]
        raise ValueError(
            f"score_metrics: expected a score of every labelled test image of '{target}' "
            f"and of no other, found {int((~np.isnan(score_NT)).sum(0)[is_partial_T][0])} "
            "scores; the scores are not of this benchmark as it is now"
        )
    validate_NT = np.full((2, 0, len(test_set.targets)), np.nan, dtype=np.float32)
    if validation is not None:
        validate_NT = np.stack(
            score_arrays(
                validation.filter(is_of_fit),
                image_ids=test_set.validate_ids,
                targets=test_set.targets,
            )
        )
    return [
        Column(
            target=target,
            score_N=score_NT[:, column],
            truth_N=(truth_NT if is_scored_T[column] else test_set.truth_NT)[:, column],
            validate_score_M=validate_NT[0, :, column],
            validate_truth_M=validate_NT[1, :, column],
        )
        for column, target in enumerate(test_set.targets)
    ]
