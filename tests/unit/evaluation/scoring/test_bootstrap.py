import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from asg_core.evaluation.scoring.bootstrap import (
    Resamples,
    decisions,
    interval,
    ranking,
    weighted_mean,
)
from asg_core.evaluation.scoring.target_metrics import f1_of

images = st.lists(
    st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 3)),
    min_size=1,
    max_size=25,
)


@given(images=images)
def test_ranking_is_that_of_sklearn_on_repeated_images(
    images: list[tuple[int, bool, int]],
) -> None:
    score_N = np.array([score for score, _, _ in images], dtype=np.float32)
    is_positive_N = np.array([positive for _, positive, _ in images])
    weight_N = np.array([weight for _, _, weight in images])

    if not is_positive_N.any():
        return
    found = ranking(score_N, is_positive_N, weight_N[:, None].astype(np.float32))

    repeated = np.repeat(np.arange(len(images)), weight_N)
    truth, score = is_positive_N[repeated], score_N[repeated]
    if truth.any() and not truth.all():
        assert found.auc_R[0] == pytest.approx(roc_auc_score(truth, score), abs=1e-6)
    else:
        assert np.isnan(found.auc_R[0])
    if truth.any():
        expected = average_precision_score(truth, score)
        assert found.average_precision_R[0] == pytest.approx(expected, abs=1e-6)
    else:
        assert np.isnan(found.average_precision_R[0])


def test_ranking_by_hand() -> None:
    # Positives 0.9 and 0.4, negatives 0.4 and 0.1. Pairs: (0.9, 0.4) 1, (0.9, 0.1) 1,
    # (0.4, 0.4) 1/2, (0.4, 0.1) 1: AUC 3.5 / 4. Precision at 0.9 is 1, at 0.4 it is 2/3:
    # average precision 5 / 6.
    score_N = np.array([0.9, 0.4, 0.4, 0.1], dtype=np.float32)
    is_positive_N = np.array([True, True, False, False])

    found = ranking(score_N, is_positive_N, np.ones((4, 1), np.float32))

    assert found.auc_R[0] == pytest.approx(0.875)
    assert found.average_precision_R[0] == pytest.approx(5 / 6)


def test_all_resamples_at_once_are_those_of_the_loop() -> None:
    rng = np.random.default_rng(0)
    score_N = np.round(rng.normal(size=60), 1).astype(np.float32)
    is_positive_N = rng.random(60) < 0.3
    patients = [f"patient-{place // 3}" for place in range(60)]
    resamples = Resamples(patients, num=40, seed=7)
    weight_NR = resamples.weights(np.arange(60), slice(0, 40))

    ranked = ranking(score_N, is_positive_N, weight_NR)
    counts = decisions(score_N > 0, is_positive_N, weight_NR)
    f1_R, mean_R = f1_of(counts), weighted_mean(score_N, weight_NR)

    for resample in range(40):
        drawn = np.repeat(np.arange(60), weight_NR[:, resample].astype(int))
        truth, score = is_positive_N[drawn], score_N[drawn]
        assert ranked.auc_R[resample] == pytest.approx(roc_auc_score(truth, score))
        assert f1_R[resample] == pytest.approx(f1_score(truth, score > 0))
        assert mean_R[resample] == pytest.approx(score.mean(), abs=1e-6)


def test_a_resample_draws_as_many_patients_as_there_are_and_all_of_their_images() -> (
    None
):
    patients = ["a", "a", "b", "c", "c", "c"]
    resamples = Resamples(patients, num=50, seed=1)

    weight_NR = resamples.weights(np.arange(6), slice(0, 50))

    assert (weight_NR[0] == weight_NR[1]).all()
    assert (weight_NR[3:] == weight_NR[3]).all()
    assert (weight_NR[[0, 2, 3]].sum(axis=0) == 3).all()
    assert len(np.unique(weight_NR, axis=1).T) > 5
    some_NR = resamples.weights(np.array([2, 5]), slice(10, 20))
    np.testing.assert_array_equal(some_NR, weight_NR[[2, 5], 10:20])


def test_another_seed_draws_other_patients() -> None:
    patients = [str(number) for number in range(20)]

    one_NR, again_NR, other_NR = (
        Resamples(patients, num=3, seed=seed).weights(np.arange(20), slice(0, 3))
        for seed in (1, 1, 2)
    )

    assert (one_NR == again_NR).all()
    assert (one_NR != other_NR).any(axis=0).all()


def test_chunks_cover_all_resamples_once() -> None:
    resamples = Resamples(["a"], num=1000, seed=0)

    chunks = resamples.chunks(3000)

    assert [k for chunk in chunks for k in range(1000)[chunk]] == list(range(1000))
    assert len(chunks) > 1
    assert Resamples(["a"], num=0, seed=0).chunks(3000) == []


def test_the_interval_is_that_of_the_resamples_around_their_middle() -> None:
    value_R = np.linspace(0, 1, 1001)

    assert interval(0.5, value_R) == pytest.approx((0.025, 0.975), abs=1e-3)


def test_the_interval_of_a_biased_statistic_moves_to_its_value() -> None:
    value_R = np.random.default_rng(0).normal(0.6, 0.05, 4000)

    low, high = interval(0.5, value_R) or (0.0, 0.0)

    assert low < 0.5 < high


def test_undefined_resamples_do_not_count_and_none_give_no_interval() -> None:
    assert interval(1.0, np.array([1.0, np.nan, 1.0])) == (1.0, 1.0)
    assert interval(1.0, np.array([np.nan])) is None
    assert interval(1.0, np.empty(0)) is None


@settings(max_examples=20)
@given(seed=st.integers(0, 5))
def test_the_interval_of_the_auc_of_noise_holds_one_half(seed: int) -> None:
    rng = np.random.default_rng(seed + 100)
    score_N = rng.normal(size=400).astype(np.float32)
    is_positive_N = rng.random(400) < 0.3
    resamples = Resamples([str(k) for k in range(400)], num=400, seed=seed)
    weight_NR = resamples.weights(np.arange(400), slice(0, 400))

    value = ranking(score_N, is_positive_N, np.ones((400, 1), np.float32)).auc_R[0]
    bounds = interval(value, ranking(score_N, is_positive_N, weight_NR).auc_R)

    assert bounds is not None
    low, high = bounds
    assert low < value < high
    # The known standard error of AUC 0.5 with 120 and 280 images is about 0.032.
    assert high - low == pytest.approx(4 * 0.032, rel=0.25)
