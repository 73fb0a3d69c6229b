import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from asg_core.evaluation.protocols.logistic import (
    fit_classes,
    fit_targets,
    logits,
    minimise,
)

L2 = (1e-2, 1e-1, 1.0)


def _features(num: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    feature_NE = torch.randn(num, width, generator=generator, dtype=torch.float64)
    return (feature_NE - feature_NE.mean(0)) / feature_NE.std(0)


def _sklearn(feature_NE: Tensor, truth_N: Tensor, l2: float) -> LogisticRegression:
    model = LogisticRegression(C=1 / (len(truth_N) * l2), tol=1e-10, max_iter=5000)
    return model.fit(feature_NE.numpy(), truth_N.numpy())


def test_targets_are_fitted_as_sklearn_fits_each_of_them_alone() -> None:
    feature_NE = _features(80, 6)
    truth_NT = (feature_NE[:, :3] + 0.5 * feature_NE[:, 3:] > 0.4).double()
    truth_NT[:10, 1] = torch.nan  # unlabelled
    truth_NT[50:, 2] = torch.nan

    parameter_LTD = fit_targets(
        feature_NE, truth_NT, l2=L2, max_iter=500, tolerance=1e-8
    )

    for place, l2 in enumerate(L2):
        for target in range(3):
            rows = ~truth_NT[:, target].isnan()
            model = _sklearn(feature_NE[rows], truth_NT[rows, target], l2)
            expected = np.append(model.coef_[0], model.intercept_)
            found = parameter_LTD[place, target].numpy()
            np.testing.assert_allclose(found, expected, atol=1e-5)
    expected = model.decision_function(feature_NE.numpy())
    found = logits(feature_NE, parameter_LTD)[-1, :, -1].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_classes_are_fitted_as_sklearn_fits_them() -> None:
    feature_NE = _features(90, 5)
    class_N = feature_NE[:, :3].argmax(dim=1)

    parameter_LTD = fit_classes(
        feature_NE, class_N, l2=L2, max_iter=500, tolerance=1e-8
    )

    for place, l2 in enumerate(L2):
        model = _sklearn(feature_NE, class_N, l2)
        np.testing.assert_allclose(
            parameter_LTD[place, :, :-1].numpy(), model.coef_, atol=1e-5
        )


def test_the_arithmetic_is_of_the_type_of_the_features() -> None:
    feature_NE = _features(60, 4)
    truth_NT = (feature_NE[:, :2] > 0.3).float()

    wide, narrow = (
        fit_targets(features, truth_NT, l2=L2, max_iter=200, tolerance=1e-5)
        for features in (feature_NE, feature_NE.float())
    )

    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow.double(), wide, atol=1e-2, rtol=1e-2)


def test_problems_that_are_solved_together_are_solved_as_if_alone() -> None:
    scale_QD = torch.tensor([[1.0, 1.0], [100.0, 0.01]], dtype=torch.float64)
    goal_QD = torch.tensor([[1.0, -2.0], [3.0, 4.0]], dtype=torch.float64)

    def objective(x_QD: Tensor) -> tuple[Tensor, Tensor]:
        gap_QD = x_QD - goal_QD
        return (scale_QD * gap_QD**2).sum(1) / 2, scale_QD * gap_QD

    found_QD = minimise(
        objective, torch.zeros_like(goal_QD), max_iter=100, tolerance=1e-10
    )

    torch.testing.assert_close(found_QD, goal_QD)


def test_a_function_that_is_flat_to_the_last_digit_ends() -> None:
    def objective(x_QD: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(x_QD)), torch.ones_like(x_QD)  # a gradient that lies

    found_QD = minimise(objective, torch.zeros(2, 3), max_iter=50, tolerance=1e-6)

    torch.testing.assert_close(found_QD, torch.zeros(2, 3))


@pytest.mark.parametrize("num", [2, 3])
def test_two_separable_images_have_a_finite_fit(num: int) -> None:
    feature_NE = torch.tensor([[1.0], [-1.0], [0.5]])[:num]
    truth_NT = torch.tensor([[1.0], [0.0], [1.0]])[:num]

    parameter_LTD = fit_targets(
        feature_NE, truth_NT, l2=(1e-3,), max_iter=200, tolerance=1e-5
    )

    assert parameter_LTD.isfinite().all()
    assert parameter_LTD[0, 0, 0] > 1
