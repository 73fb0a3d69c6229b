"""SCORES -> METRICS: what the scores of a protocol are worth, on the test part.

Metrics of a target on its own:

- `auc`: area under the ROC curve, equal scores count half.
- `average_precision`: area under the precision-recall curve, as a step function.
- `f1`, `accuracy`: of the decision at the threshold of the highest F1 on the validation
  part; undefined without a positive there.
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

from asg_core.evaluation.scoring.bootstrap import Resamples
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject
from asg_core.evaluation.scoring.measures import Mean, measure
from asg_core.evaluation.scoring.score_frames import Scores, score_arrays
from asg_core.evaluation.scoring.target_metrics import (
    Column,
    ScoreRules,
    class_mean,
    class_parts,
    target_part,
)
from asg_core.tables.catalog import METRICS, SCORES
from asg_core.terms.targets import ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """The test part of a benchmark: what every metric is over."""

    __test__ = False  # not a test of pytest

    test_digest: str
    targets: tuple[str, ...]
    is_exclusive: bool
    image_ids: tuple[str, ...]
    validate_ids: tuple[str, ...]
    truth_NT: Scores
    """Labels of `image_ids`: 1, 0, or NaN where unlabelled."""

    resamples: Resamples
    """Of the patients of `image_ids`, in that order."""

    def common(self, subject: Subject, draw: Draw) -> dict[str, object]:
        """Return the columns that all metrics of one fit share."""
        return {**draw.columns(subject), "test_digest": self.test_digest}


def score_metrics(
    outcomes: Sequence[Fit | Skipped],
    *,
    test_set: TestSet,
    subject: Subject,
    rules: ScoreRules,
) -> pl.DataFrame:
    """Return METRICS of every fit: of each target, and of their means.

    A metric that is undefined is null with a reason and never 0; so are all metrics of a
    fit that was not made. No fits give no rows.

    Args:
        outcomes: Fits with SCORES of the test and the validation images; a target without
            scores is undefined.
        test_set: The images and their patients.
        subject: Whose scores they are.
        rules: What is special about the protocol.

    Raises:
        ValueError: If there are scores of other images or targets, or of some images of
            a target only.
    """
    rows: list[dict[str, object]] = []
    for outcome in outcomes:
        columns = _columns(outcome, test_set=test_set)
        if test_set.is_exclusive:
            parts = class_parts(columns, rules=rules)
            means = [class_mean(columns)]
        else:
            parts = [target_part(column, rules=rules) for column in columns]
            named = {ALL: test_set.targets, **rules.means}
            means = [Mean(target=name, over=over) for name, over in named.items()]
        rows += measure(
            parts,
            means,
            resamples=test_set.resamples,
            draw=outcome.draw,
            common=test_set.common(subject, outcome.draw),
        )
    return METRICS.frame(rows)


def _columns(outcome: Fit | Skipped, *, test_set: TestSet) -> list[Column]:
    test, validation = (
        (outcome.test, outcome.validation)
        if isinstance(outcome, Fit)
        else (SCORES.empty(), SCORES.empty())
    )
    score_NT, truth_NT = score_arrays(
        test, image_ids=test_set.image_ids, targets=test_set.targets
    )
    validate_score_MT, validate_truth_MT = score_arrays(
        validation, image_ids=test_set.validate_ids, targets=test_set.targets
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
    return [
        Column(
            target=target,
            score_N=score_NT[:, column],
            truth_N=(truth_NT if is_scored_T[column] else test_set.truth_NT)[:, column],
            validate_score_M=validate_score_MT[:, column],
            validate_truth_M=validate_truth_MT[:, column],
        )
        for column, target in enumerate(test_set.targets)
    ]
