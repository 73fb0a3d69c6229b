"""How fast the logistic regressions of `linear-cached` are, beside scikit-learn's.

    python bench/bench_logistic.py [--images 4000] [--width 768] [--rounds 3]

The problem is that of one fit of the protocol on NIH: as many features as a ViT-B has, 14
targets that some images have no label for, four weights of the penalty. Ours solves the 56
problems together; scikit-learn has one call for each (lbfgs, its own default tolerance of
1e-4 on the same gradient, at most 200 iterations), on the labelled images of the target. A
second problem has three classes that exclude each other, as COVIDx.

Both run in one process on one thread, in 32 bit as the protocol does and, for the loss that
both are measured by, in 64 bit. CPU seconds are the best of the rounds, in which the two
take turns. What is compared is the objective that both minimise, and the probabilities.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression

from asg_core.evaluation.protocols.linear_cached import LINEAR_CACHED
from asg_core.evaluation.protocols.logistic import fit_classes, fit_targets

# Shape suffixes: N = images, E = width of the features, T = targets, or classes,
#   L = weights of the penalty, D = parameters of a problem

Floats = npt.NDArray[np.float64]

TARGETS, CLASSES = 14, 3
UNLABELLED = 0.05
"""Share of the labels that are missing."""


def draw_problem(*, num: int, width: int, num_targets: int) -> tuple[Floats, Floats]:
    """Return standardised features (N, E), correlated as those of a network, and logits."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(num, width // 4)) @ rng.normal(size=(width // 4, width))
    feature_NE = latent / np.sqrt(width / 4) + 0.5 * rng.normal(size=(num, width))
    feature_NE = (feature_NE - feature_NE.mean(0)) / feature_NE.std(0)
    direction_ET = rng.normal(size=(width, num_targets)) / np.sqrt(width)
    return feature_NE, 2 * feature_NE @ direction_ET + rng.normal(
        size=(num, num_targets)
    )


def fit_ours(feature_NE: Floats, truth_NT: Floats, *, is_exclusive: bool) -> Floats:
    """Return the parameters (L, T, D) of all problems, solved together."""
    settings = LINEAR_CACHED
    inputs = torch.from_numpy(feature_NE.astype(np.float32))
    answers = torch.from_numpy(truth_NT.astype(np.float32))
    fit = (
        partial(fit_classes, inputs, answers.argmax(1))
        if is_exclusive
        else partial(fit_targets, inputs, answers)
    )
    found = fit(
        l2=settings.l2, max_iter=settings.max_iter, tolerance=settings.tolerance
    )
    return np.asarray(found, np.float64)


def fit_theirs(feature_NE: Floats, truth_NT: Floats, *, is_exclusive: bool) -> Floats:
    """Return the same by one call of scikit-learn for each problem."""
    inputs = feature_NE.astype(np.float32)
    found = []
    for l2 in LINEAR_CACHED.l2:
        answers = (
            [truth_NT.argmax(1)]
            if is_exclusive
            else list(truth_NT.astype(np.float32).T)
        )
        rows = []
        for answer_N in answers:
            is_known_N = ~np.isnan(answer_N)
            model = LogisticRegression(
                C=1 / (l2 * is_known_N.sum()),
                tol=LINEAR_CACHED.tolerance,
                max_iter=LINEAR_CACHED.max_iter,
            ).fit(inputs[is_known_N], answer_N[is_known_N])
            rows.append(np.column_stack([model.coef_, model.intercept_]))
        found.append(np.concatenate(rows))
    return np.asarray(found, np.float64)


def objective(
    parameter_LTD: Floats, feature_NE: Floats, truth_NT: Floats, *, is_exclusive: bool
) -> Floats:
    """Return mean log-loss plus penalty in 64 bit: (L, T), or (L,) over classes."""
    ones_ND = np.column_stack([feature_NE, np.ones(len(feature_NE))])
    logit_LNT = np.einsum("nd,ltd->lnt", ones_ND, parameter_LTD)
    squares_LT = (parameter_LTD[..., :-1] ** 2).sum(-1)
    penalty_LT = np.array(LINEAR_CACHED.l2)[:, None] / 2 * squares_LT
    if is_exclusive:
        log_sum_LN = np.logaddexp.reduce(logit_LNT, axis=2)
        chosen_LN = (logit_LNT * truth_NT).sum(2)
        return np.asarray((log_sum_LN - chosen_LN).mean(1) + penalty_LT.sum(1))
    loss_LNT = np.logaddexp(0, logit_LNT) - np.nan_to_num(truth_NT) * logit_LNT
    is_known_NT = ~np.isnan(truth_NT)
    mean_LT = (loss_LNT * is_known_NT).sum(1) / is_known_NT.sum(0)
    return np.asarray(mean_LT + penalty_LT)


def cpu_seconds(work: Callable[[], Floats]) -> tuple[float, Floats]:
    """Return the CPU seconds of some work, and what it returned."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def compare(
    name: str, *, num: int, width: int, rounds: int, is_exclusive: bool
) -> None:
    """Print the times of both on one problem, and how far their answers are apart."""
    feature_NE, logit_NT = draw_problem(
        num=num, width=width, num_targets=CLASSES if is_exclusive else TARGETS
    )
    truth_NT = (logit_NT > 1).astype(np.float64)
    if is_exclusive:
        truth_NT = np.eye(CLASSES)[logit_NT.argmax(1)]
    else:
        rng = np.random.default_rng(1)
        truth_NT[rng.random(truth_NT.shape) < UNLABELLED] = np.nan
    seconds: dict[str, float] = {}
    answers: dict[str, Floats] = {}
    for _ in range(rounds):
        for key, fit in (("ours", fit_ours), ("scikit-learn", fit_theirs)):
            work = partial(fit, feature_NE, truth_NT, is_exclusive=is_exclusive)
            spent, answers[key] = cpu_seconds(work)
            seconds[key] = min(spent, seconds.get(key, np.inf))
    ours, theirs = (
        objective(found, feature_NE, truth_NT, is_exclusive=is_exclusive)
        for found in answers.values()
    )
    ones_ND = np.column_stack([feature_NE, np.ones(num)])
    one, other = (np.einsum("nd,ltd->lnt", ones_ND, p) for p in answers.values())
    if is_exclusive:  # softmax leaves a shift open
        one, other = (x - x.mean(2, keepdims=True) for x in (one, other))
    print(f"{name}: {num} images, {width} features, penalties {LINEAR_CACHED.l2}")
    for key, spent in seconds.items():
        print(f"  {key}: {spent:.2f} CPU seconds")
    print(f"  scikit-learn / ours: {seconds['scikit-learn'] / seconds['ours']:.1f}")
    print(
        f"  objective, ours less scikit-learn's: {(ours - theirs).min():.1e} .. "
        f"{(ours - theirs).max():.1e} of {theirs.mean():.3f}"
    )
    shares = np.abs(1 / (1 + np.exp(-one)) - 1 / (1 + np.exp(-other)))
    print(f"  probabilities: {shares.mean():.1e} apart, {shares.max():.1e} at most")


def main() -> None:
    """Compare the two on independent targets and on classes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name, is_exclusive in (("14 targets", False), ("3 classes", True)):
        compare(
            name,
            num=given.images,
            width=given.width,
            rounds=given.rounds,
            is_exclusive=is_exclusive,
        )


if __name__ == "__main__":
    main()
