"""Logistic regressions on the same features, all of them at once.

The 14 targets of NIH with four penalties take a quarter of the CPU time of as many calls of
scikit-learn (60,000 images, 768 features: 6.3 s and 25 s, bench/bench_logistic.py), and
they can run on a GPU.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

# Shape suffixes:
#   N = images, E = width of the features, T = targets, or classes, L = weights of the
#   penalty, Q = problems that are solved at once, D = parameters of a problem,
#   H = pairs of steps that are remembered

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Parameters (Q, D) -> losses (Q,) and gradients (Q, D)."""

_HISTORY = 10
_SUFFICIENT = 1e-4
_HALVINGS = 20


def fit_targets(
    feature_NE: Tensor,
    truth_NT: Tensor,
    *,
    l2: tuple[float, ...],
    max_iter: int,
    tolerance: float,
) -> Tensor:
    """Fit one regression for each target and each weight of the penalty.

    Each minimises, over the images that have a label for its target, the mean log-loss
    plus l2 / 2 times the squared norm of the coefficients; the intercept is free.

    Args:
        feature_NE: About standardised; the arithmetic is of its type.
        truth_NT: 1, 0, or NaN where unlabelled; both classes in every column.
        l2: Weights of the penalty, greater than 0.
        max_iter: Most iterations.
        tolerance: Largest entry of a gradient at which its problem is solved.

    Returns:
        (L, T, E + 1): coefficients, then the intercept.
    """
    input_ND = _with_ones(feature_NE)
    shape = (len(l2), truth_NT.shape[1], input_ND.shape[1])
    is_labelled_NT = ~truth_NT.isnan()
    weight_NQ = (is_labelled_NT / is_labelled_NT.sum(0)).repeat(1, len(l2))
    weight_NQ = weight_NQ.to(input_ND.dtype)
    target_NQ = truth_NT.nan_to_num().to(input_ND.dtype).repeat(1, len(l2))
    penalty_QD = _penalty(l2, shape=shape, like=input_ND)

    def objective(parameter_QD: Tensor) -> tuple[Tensor, Tensor]:
        logit_NQ = input_ND @ parameter_QD.T
        log_loss_NQ = functional.softplus(logit_NQ) - target_NQ * logit_NQ
        residual_NQ = (logit_NQ.sigmoid() - target_NQ) * weight_NQ
        shrunk_QD = penalty_QD * parameter_QD
        loss_Q = (log_loss_NQ * weight_NQ).sum(0) + (shrunk_QD * parameter_QD).sum(
            1
        ) / 2
        return loss_Q, residual_NQ.T @ input_ND + shrunk_QD

    start_QD = input_ND.new_zeros(shape[0] * shape[1], shape[2])
    return minimise(objective, start_QD, max_iter=max_iter, tolerance=tolerance).view(
        shape
    )


def fit_classes(
    feature_NE: Tensor,
    class_N: Tensor,
    *,
    l2: tuple[float, ...],
    max_iter: int,
    tolerance: float,
) -> Tensor:
    """Fit one multinomial regression for each weight of the penalty.

    As `fit_targets`, with the log-loss of the softmax over the classes.

    Args:
        feature_NE: About standardised; the arithmetic is of its type.
        class_N: 0-based classes; every class up to the greatest has an image.
        l2: Weights of the penalty, greater than 0.
        max_iter: Most iterations.
        tolerance: Largest entry of a gradient at which its problem is solved.

    Returns:
        (L, T, E + 1): coefficients of each class, then its intercept.
    """
    input_ND = _with_ones(feature_NE)
    is_class_NT = functional.one_hot(class_N).to(input_ND.dtype)
    num_images, num_classes = is_class_NT.shape
    shape = (len(l2), num_classes, input_ND.shape[1])
    penalty_QD = _penalty(l2, shape=shape, like=input_ND).view(len(l2), -1)

    def objective(parameter_QD: Tensor) -> tuple[Tensor, Tensor]:
        logit_NLT = (input_ND @ parameter_QD.view(-1, shape[2]).T).unflatten(
            1, shape[:2]
        )
        log_prob_NLT = logit_NLT.log_softmax(2)
        residual_NLT = (log_prob_NLT.exp() - is_class_NT[:, None]) / num_images
        shrunk_QD = penalty_QD * parameter_QD
        log_loss_L = -(log_prob_NLT * is_class_NT[:, None]).sum((0, 2)) / num_images
        loss_L = log_loss_L + (shrunk_QD * parameter_QD).sum(1) / 2
        gradient_QD = (residual_NLT.flatten(1).T @ input_ND).view_as(parameter_QD)
        return loss_L, gradient_QD + shrunk_QD

    start_QD = input_ND.new_zeros(shape[0], shape[1] * shape[2])
    return minimise(objective, start_QD, max_iter=max_iter, tolerance=tolerance).view(
        shape
    )


def logits(feature_NE: Tensor, parameter_LTD: Tensor) -> Tensor:
    """Return what the regressions say of images: (L, N, T)."""
    return _with_ones(feature_NE) @ parameter_LTD.mT


def minimise(
    objective: Objective, start_QD: Tensor, *, max_iter: int, tolerance: float
) -> Tensor:
    """Minimise Q strictly convex functions at once by L-BFGS; return (Q, D).

    Every problem has its own memory and its own step length (halved until the loss falls
    enough), so each is solved as if it were alone; what they share are the products with
    the features, which is where the time goes.
    """
    x_QD = start_QD
    loss_Q, gradient_QD = objective(x_QD)
    is_stuck_Q = torch.zeros_like(loss_Q, dtype=torch.bool)
    steps: list[Tensor] = []
    changes: list[Tensor] = []
    for _ in range(max_iter):
        is_open_Q = (gradient_QD.abs().amax(1) > tolerance) & ~is_stuck_Q
        if not is_open_Q.any():
            break
        direction_QD = _direction(gradient_QD, steps, changes)
        slope_Q = (direction_QD * gradient_QD).sum(1)
        length_Q = is_open_Q.to(x_QD.dtype)
        if not steps:
            length_Q = length_Q / gradient_QD.norm(dim=1).clamp(min=1)
        for _ in range(_HALVINGS):
            next_QD = x_QD + length_Q[:, None] * direction_QD
            next_loss_Q, next_gradient_QD = objective(next_QD)
            allowed_Q = loss_Q + _SUFFICIENT * length_Q * slope_Q
            is_high_Q = is_open_Q & (next_loss_Q > allowed_Q)
            if not is_high_Q.any():
                break
            length_Q = torch.where(is_high_Q, length_Q / 2, length_Q)
        else:
            # Flat to the last digit: such a problem stays where it is.
            is_stuck_Q = is_stuck_Q | is_high_Q
            next_QD = torch.where(is_high_Q[:, None], x_QD, next_QD)
            next_loss_Q, next_gradient_QD = objective(next_QD)
        steps = [*steps, next_QD - x_QD][-_HISTORY:]
        changes = [*changes, next_gradient_QD - gradient_QD][-_HISTORY:]
        x_QD, loss_Q, gradient_QD = next_QD, next_loss_Q, next_gradient_QD
    return x_QD


def _direction(
    gradient_QD: Tensor, steps: list[Tensor], changes: list[Tensor]
) -> Tensor:
    """Return the quasi-Newton directions from the latest steps; downhill always.

    A problem that stood still in a step has a zero there, which changes nothing.
    """
    direction_QD = -gradient_QD
    curvatures = [
        (step * change).sum(1) for step, change in zip(steps, changes, strict=True)
    ]
    inverses = [torch.where(c > 0, 1 / c, 0) for c in curvatures]
    shares = []
    for step, change, inverse_Q in reversed(
        list(zip(steps, changes, inverses, strict=True))
    ):
        share_Q = inverse_Q * (step * direction_QD).sum(1)
        direction_QD = direction_QD - share_Q[:, None] * change
        shares.append(share_Q)
    if steps:
        square_Q = (changes[-1] * changes[-1]).sum(1)
        scale_Q = torch.where(square_Q > 0, curvatures[-1] / square_Q, 1)
        direction_QD = direction_QD * scale_Q[:, None]
    for step, change, inverse_Q, share_Q in zip(
        steps, changes, inverses, reversed(shares), strict=True
    ):
        back_Q = inverse_Q * (change * direction_QD).sum(1)
        direction_QD = direction_QD + (share_Q - back_Q)[:, None] * step
    return direction_QD


def _with_ones(feature_NE: Tensor) -> Tensor:
    return functional.pad(feature_NE, (0, 1), value=1.0)


def _penalty(
    l2: tuple[float, ...], *, shape: tuple[int, int, int], like: Tensor
) -> Tensor:
    """Return the weight of the penalty of each parameter (L T, D); 0 of intercepts."""
    penalty_LTD = like.new_tensor(l2)[:, None, None].repeat(1, *shape[1:])
    penalty_LTD[..., -1] = 0
    return penalty_LTD.flatten(0, 1)
