"""The protocol `linear-cached`: logistic regression on frozen image features.

Ours: quick, without augmentation, the same for every encoder. The features are
standardised with the training images of the fraction; the validation part chooses the
strength of the penalty, one for all targets.
"""

# Shape suffixes:
#   N = images, T = targets, E = width of the features, L = weights of the penalty

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.batches import in_batches
from asg_core.evaluation.protocols.fractions import (
    count_positive,
    draw_fraction,
    fitted_columns,
    repetitions,
)
from asg_core.evaluation.protocols.logistic import fit_classes, fit_targets, logits
from asg_core.evaluation.protocols.result import ProtocolResult
from asg_core.evaluation.protocols.run_fits import FitPlan, run_fits, subject_of
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject
from asg_core.evaluation.scoring.score_frames import Scores, score_frame

PROTOCOL = "linear-cached"

Rows = npt.NDArray[np.int64]
Moments = npt.NDArray[np.float64]

_CHUNK = 4096
"""Images whose features are in 64 bit at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearCached:
    """What the name of the protocol fixes."""

    l2: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0)
    """Weights of half the squared norm of the coefficients beside the mean log-loss. The
    one with the lowest log-loss on the validation part, as a mean over the targets, is
    taken for all targets; without a validation part the middle one (of an even number the
    greater)."""

    max_iter: int = 200
    """Most iterations of L-BFGS."""

    tolerance: float = 1e-4
    """Largest entry of the gradient at which a fit is done."""


LINEAR_CACHED: Final = LinearCached()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Images of one part, standardised, with their labels."""

    image_ids: Sequence[str]
    feature_NE: Tensor
    truth_NT: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """Scores of validation and test images by the chosen regressions, in [0, 1]."""

    columns: list[int]
    """The targets that could be fitted."""

    validate_NT: npt.NDArray[np.float32]
    test_NT: npt.NDArray[np.float32]
    l2: float
    """The chosen weight of the penalty."""


def linear_cached(
    benchmark: Benchmark,
    features: Features,
    *,
    fractions: Sequence[float],
    seeds: Sequence[int],
    settings: LinearCached = LINEAR_CACHED,
    device: str = "cpu",
) -> ProtocolResult:
    """Fit regressions for every fraction and seed, and score the test images.

    Targets are independent of each other, each over the images that have a label for it;
    targets that exclude each other are the classes of one multinomial regression. A
    target with one class only among the training labels has no regression and no rows; a
    class without a training image has no rows, the others are fitted without it. On the
    whole training part only the first seed is run, as all would come out the same.

    Args:
        benchmark: Labels and parts.
        features: Of every image of the benchmark.
        fractions: Shares of the training images.
        seeds: Of the draws of training images.
        settings: Those of the protocol.
        device: Where the regressions are fitted.

    Returns:
        Fits with SCORES of the test and validation images: probabilities.
    """
    subject = subject_of(benchmark, protocol=PROTOCOL, encoder=features.encoder)
    parts = [benchmark.part("validate"), benchmark.part("test")]

    def fit_one(draw: Draw) -> Fit | Skipped:
        train, validate, test = _standardised(
            benchmark, features, [draw.image_ids, *parts], device=device
        )
        answer = _fit(train, validate, test, benchmark=benchmark, settings=settings)
        if answer is None:
            return Skipped(draw=draw, reason=_missing(draw, benchmark.targets))
        to_frame = partial(
            _frame, answer.columns, benchmark=benchmark, subject=subject, draw=draw
        )
        return Fit(
            draw=draw,
            test=to_frame(test, answer.test_NT),
            validation=to_frame(validate, answer.validate_NT),
            notes=_notes(draw, answer, benchmark=benchmark),
        )

    plan = FitPlan(
        subject=subject,
        repetitions=repetitions(fractions, seeds),
        draw_images=partial(draw_fraction, benchmark.part("train")),
        count_positive=partial(count_positive, benchmark),
    )
    return ProtocolResult(subject=subject, outcomes=tuple(run_fits(plan, fit_one)))


def _frame(
    columns: Sequence[int],
    part: _Part,
    score_NT: Scores,
    *,
    benchmark: Benchmark,
    subject: Subject,
    draw: Draw,
) -> pl.DataFrame:
    return score_frame(
        score_NT,
        part.truth_NT[:, columns].cpu().numpy(),
        image_ids=part.image_ids,
        targets=[benchmark.targets[column] for column in columns],
        subject=subject,
        draw=draw,
    )


def _notes(draw: Draw, answer: _Answer, *, benchmark: Benchmark) -> tuple[str, ...]:
    has_validation = bool(benchmark.part("validate"))
    how = "chosen on the validation part" if has_validation else "no validation part"
    chosen = f"weight of the penalty {answer.l2:g}, {how}"
    left_out = [
        target
        for column, target in enumerate(benchmark.targets)
        if column not in answer.columns
    ]
    return (_missing(draw, left_out), chosen) if left_out else (chosen,)


def _missing(draw: Draw, targets: Sequence[str]) -> str:
    return (
        f"no fit of {', '.join(targets)}: one class in the training labels of "
        f"{len(draw.image_ids)} images"
    )


def _standardised(
    benchmark: Benchmark,
    features: Features,
    parts: Sequence[Sequence[str]],
    *,
    device: str,
) -> list[_Part]:
    """Return the parts with zero mean and unit variance of the first in each feature."""
    mean_E, std_E = _moments(features.pooled_NE, features.rows(parts[0]))
    std_E[std_E == 0] = 1
    return [
        _Part(
            image_ids=image_ids,
            feature_NE=_scaled(
                features.pooled_NE, features.rows(image_ids), mean_E, std_E
            ).to(device),
            truth_NT=torch.from_numpy(benchmark.truth(image_ids)).to(device),
        )
        for image_ids in parts
    ]


def _moments(feature_NE: Scores, rows: Rows) -> tuple[Moments, Moments]:
    """Return mean and standard deviation of each feature over some images.

    In 64 bit, of a few thousand images at a time: of a large benchmark all would take
    gigabytes.
    """
    total_E = np.zeros(feature_NE.shape[1])
    for part in in_batches(len(rows), _CHUNK):
        total_E += feature_NE[rows[part]].sum(axis=0, dtype=np.float64)
    mean_E = total_E / len(rows)
    squares_E = np.zeros_like(mean_E)
    for part in in_batches(len(rows), _CHUNK):
        squares_E += np.square(feature_NE[rows[part]] - mean_E).sum(axis=0)
    return mean_E, np.sqrt(squares_E / len(rows))


def _scaled(feature_NE: Scores, rows: Rows, mean_E: Moments, std_E: Moments) -> Tensor:
    scaled_NE = np.empty((len(rows), feature_NE.shape[1]), dtype=np.float32)
    for part in in_batches(len(rows), _CHUNK):
        scaled_NE[part] = (feature_NE[rows[part]] - mean_E) / std_E
    return torch.from_numpy(scaled_NE)


def _fit(
    train: _Part,
    validate: _Part,
    test: _Part,
    *,
    benchmark: Benchmark,
    settings: LinearCached,
) -> _Answer | None:
    """Return the scores by the regressions of the best penalty; null: none possible."""
    columns = fitted_columns(
        train.truth_NT.cpu().numpy(), is_exclusive=benchmark.is_exclusive
    )
    if not columns:
        return None
    truth_NT = train.truth_NT[:, columns]
    fit = (
        partial(fit_classes, train.feature_NE, truth_NT.argmax(1))
        if benchmark.is_exclusive
        else partial(fit_targets, train.feature_NE, truth_NT)
    )
    parameter_LTD = fit(
        l2=settings.l2, max_iter=settings.max_iter, tolerance=settings.tolerance
    )
    best = _choose(
        logits(validate.feature_NE, parameter_LTD),
        validate.truth_NT[:, columns],
        is_exclusive=benchmark.is_exclusive,
    )
    scores = [
        _probabilities(
            logits(part.feature_NE, parameter_LTD[best : best + 1])[0],
            is_exclusive=benchmark.is_exclusive,
        )
        for part in (validate, test)
    ]
    return _Answer(
        columns=columns, validate_NT=scores[0], test_NT=scores[1], l2=settings.l2[best]
    )


def _choose(logit_LNT: Tensor, truth_NT: Tensor, *, is_exclusive: bool) -> int:
    """Return which penalty has the lowest log-loss, as a mean over the targets.

    Without any label it is the middle one.
    """
    is_labelled_NT = ~truth_NT.isnan()
    if is_exclusive:
        # Images of a class that was not fitted say nothing about the fit of the others.
        is_fitted_N = truth_NT.nan_to_num().sum(1) > 0
        loss_LN = -(logit_LNT.log_softmax(2) * truth_NT.nan_to_num()).sum(2)
        loss_L = loss_LN[:, is_fitted_N].mean(1)
    else:
        target_NT = truth_NT.nan_to_num()
        loss_LNT = functional.softplus(logit_LNT) - target_NT * logit_LNT
        num_T = is_labelled_NT.sum(0)
        loss_LT = (loss_LNT * is_labelled_NT).sum(1) / num_T
        loss_L = loss_LT[:, num_T > 0].mean(1)
    if loss_L.isnan().any():
        return len(loss_L) // 2
    return int(loss_L.argmin())


def _probabilities(logit_NT: Tensor, *, is_exclusive: bool) -> npt.NDArray[np.float32]:
    prob_NT = logit_NT.softmax(1) if is_exclusive else logit_NT.sigmoid()
    found: npt.NDArray[np.float32] = prob_NT.float().cpu().numpy()
    return found
