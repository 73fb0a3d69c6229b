import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from asg_core.evaluation.scoring.bootstrap import Resamples
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject
from asg_core.evaluation.scoring.metrics import TestSet, score_metrics
from asg_core.evaluation.scoring.score_frames import Scores, score_frame
from asg_core.evaluation.scoring.target_metrics import ScoreRules, best_threshold
from asg_core.tables.catalog import METRICS

DRAW = Draw(
    fraction=0.1,
    seed=0,
    image_ids=tuple("abcdefghij"),
    num_positive={"Mass": 4, "Hernia": 1},
)
SUBJECT = Subject(
    benchmark="nih", split="by hand", protocol="linear-cached", encoder="full"
)
TARGETS = ("Mass", "Hernia")


def _test_set(
    truth_NT: Scores, *, targets: tuple[str, ...] = TARGETS, is_exclusive: bool = False
) -> TestSet:
    image_ids = tuple(f"t{place}" for place in range(len(truth_NT)))
    return TestSet(
        test_digest="0",
        targets=targets,
        is_exclusive=is_exclusive,
        image_ids=image_ids,
        validate_ids=tuple(f"v{place}" for place in range(4)),
        truth_NT=truth_NT,
        resamples=Resamples(image_ids, num=50, seed=0),
    )


def _frame(
    score_NT: Scores,
    truth_NT: Scores,
    *,
    targets: tuple[str, ...] = TARGETS,
    letter: str = "t",
) -> pl.DataFrame:
    return score_frame(
        score_NT,
        truth_NT,
        image_ids=[f"{letter}{place}" for place in range(len(score_NT))],
        targets=targets,
        subject=SUBJECT,
        draw=DRAW,
    )


def _metrics(
    scores: pl.DataFrame | Skipped,
    test_set: TestSet,
    *,
    validation: pl.DataFrame | None = None,
    rules: ScoreRules | None = None,
) -> pl.DataFrame:
    if isinstance(scores, Skipped):
        outcome: Fit | Skipped = scores
    elif validation is None:
        outcome = Fit(draw=DRAW, test=scores)
    else:
        outcome = Fit(draw=DRAW, test=scores, validation=validation)
    return score_metrics(
        [outcome], test_set=test_set, subject=SUBJECT, rules=rules or ScoreRules()
    )


def _row(metrics: pl.DataFrame, metric: str, target: str) -> dict[str, object]:
    rows = metrics.filter((pl.col("metric") == metric) & (pl.col("target") == target))
    return rows.row(0, named=True)


TRUTH = np.array([[1, 0], [1, 0], [0, 0], [0, 1], [0, np.nan]], dtype=np.float32)
SCORE = np.array(
    [[0.9, 0.1], [0.4, 0.2], [0.4, 0.3], [0.1, 0.6], [0.0, 0.5]], dtype=np.float32
)


def test_auc_and_precision_by_hand_with_their_support_and_floors() -> None:
    metrics = _metrics(_frame(SCORE, TRUTH), _test_set(TRUTH))

    METRICS.check(metrics, where="here")
    # Mass: pairs (0.9 | 0.4 0.1 0.0) 3, (0.4 | 0.4 0.1 0.0) 2.5 of 6.
    auc = _row(metrics, "auc", "Mass")
    assert auc["value"] == pytest.approx(5.5 / 6)
    assert (auc["floor"], auc["num_items"], auc["num_positive"]) == (0.5, 5, 2)
    assert (auc["num_train"], auc["num_train_positive"]) == (10, 4)
    assert _row(metrics, "average_precision", "Mass")["floor"] == pytest.approx(0.4)
    hernia = _row(metrics, "auc", "Hernia")  # its last image is unlabelled
    assert (hernia["value"], hernia["num_items"], hernia["num_positive"]) == (1.0, 4, 1)
    every = _row(metrics, "auc", "all")
    assert every["value"] == pytest.approx((5.5 / 6 + 1) / 2)
    assert (every["num_items"], every["num_positive"]) == (5, None)


def test_without_validation_scores_decisions_are_undefined() -> None:
    metrics = _metrics(_frame(SCORE, TRUTH), _test_set(TRUTH))

    for name in ("f1", "accuracy"):
        row = _row(metrics, name, "Mass")
        assert row["value"] is None
        assert "no positive in the validation part" in str(row["reason"])
        assert row["floor"] is not None


def test_thresholds_come_from_the_validation_part() -> None:
    # Mass, validation: F1 is highest (1) at 0.3. Test at >= 0.3: 0.9, 0.4, 0.4 are called
    # positive: TP 2, FP 1, FN 0: F1 4 / 5, accuracy 4 / 5.
    validate_truth = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], dtype=np.float32)
    validate_score = np.array(
        [[0.8, 0], [0.3, 0], [0.2, 0], [0.1, 0]], dtype=np.float32
    )
    validation = _frame(validate_score, validate_truth, letter="v")

    metrics = _metrics(_frame(SCORE, TRUTH), _test_set(TRUTH), validation=validation)

    f1, accuracy = (_row(metrics, name, "Mass") for name in ("f1", "accuracy"))
    assert f1["value"] == pytest.approx(0.8)
    assert f1["floor"] == pytest.approx(2 * 0.4 / 1.4)  # all called positive
    assert accuracy["value"] == pytest.approx(0.8)
    assert accuracy["floor"] == pytest.approx(0.6)  # all called negative
    hernia = _row(metrics, "f1", "Hernia")
    assert hernia["value"] is None
    assert "no positive in the validation part" in str(hernia["reason"])
    assert _row(metrics, "f1", "all")["value"] == pytest.approx(0.8)
    assert "without Hernia" in str(_row(metrics, "f1", "all")["reason"])


def test_thresholds_from_the_test_part_have_names_of_their_own() -> None:
    metrics = _metrics(
        _frame(SCORE, TRUTH), _test_set(TRUTH), rules=ScoreRules(has_oracle=True)
    )

    assert _row(metrics, "oracle_f1", "Mass")["value"] == pytest.approx(0.8)
    assert _row(metrics, "oracle_accuracy", "Mass")["value"] == pytest.approx(0.8)
    assert _row(metrics, "f1", "Mass")["value"] is None


def test_one_class_in_the_test_labels_is_null_and_not_zero() -> None:
    truth_NT = np.array([[1, 0], [0, 0]], dtype=np.float32)
    score_NT = np.array([[0.9, 0.4], [0.1, 0.6]], dtype=np.float32)

    metrics = _metrics(_frame(score_NT, truth_NT), _test_set(truth_NT))

    row = _row(metrics, "auc", "Hernia")
    assert (row["value"], row["reason"]) == (None, "one class in the test labels")
    assert (row["num_items"], row["num_positive"]) == (2, 0)
    assert _row(metrics, "auc", "all")["value"] == 1.0


def test_a_target_that_was_not_fitted_is_null_and_keeps_its_support() -> None:
    scores = _frame(SCORE[:, :1], TRUTH[:, :1], targets=("Mass",))

    metrics = _metrics(scores, _test_set(TRUTH))

    row = _row(metrics, "auc", "Hernia")
    assert (row["value"], row["reason"]) == (None, "one class in the training labels")
    assert (row["num_items"], row["num_positive"], row["num_train_positive"]) == (
        4,
        1,
        1,
    )
    every = _row(metrics, "auc", "all")
    assert every["value"] == _row(metrics, "auc", "Mass")["value"]
    assert str(every["reason"]).startswith("mean over 1 of 2 targets, without Hernia")


def test_a_fit_that_was_not_made_has_rows_without_values() -> None:
    skipped = Skipped(draw=DRAW, reason="one class in all labels")

    metrics = _metrics(skipped, _test_set(TRUTH))

    assert metrics["value"].null_count() == len(metrics) == 12  # 4 of 2 and of the mean
    assert set(metrics["num_train"]) == {10}


def test_further_means_are_over_the_targets_they_name() -> None:
    rules = ScoreRules(means={"all": ("Mass",), "both": TARGETS})

    metrics = _metrics(_frame(SCORE, TRUTH), _test_set(TRUTH), rules=rules)

    mass = _row(metrics, "auc", "Mass")["value"]
    assert _row(metrics, "auc", "all")["value"] == mass
    assert _row(metrics, "auc", "both")["value"] == pytest.approx((5.5 / 6 + 1) / 2)


CLASSES = ("normal", "pneumonia", "COVID-19")


def _classes(class_N: list[int]) -> Scores:
    return np.eye(3, dtype=np.float32)[class_N]


def test_classes_that_exclude_each_other_have_accuracy_and_macro_f1() -> None:
    truth_NT = _classes([0, 0, 0, 1, 2, 2])
    score_NT = _classes([0, 0, 1, 1, 2, 0]) * 0.6 + 0.1

    metrics = _metrics(
        _frame(score_NT, truth_NT, targets=CLASSES),
        _test_set(truth_NT, targets=CLASSES, is_exclusive=True),
    )

    METRICS.check(metrics, where="here")
    truth, called = [0, 0, 0, 1, 2, 2], [0, 0, 1, 1, 2, 0]
    accuracy = _row(metrics, "accuracy", "all")
    assert accuracy["value"] == pytest.approx(accuracy_score(truth, called))
    assert accuracy["floor"] == pytest.approx(0.5)  # the majority class
    macro = _row(metrics, "f1", "all")
    assert macro["value"] == pytest.approx(f1_score(truth, called, average="macro"))
    # Always "normal": F1 2/3 for it and 0 for the other two.
    assert macro["floor"] == pytest.approx(2 / 9)
    expected = roc_auc_score(truth_NT, score_NT, average="macro")
    assert _row(metrics, "auc", "all")["value"] == pytest.approx(expected)
    one = _row(metrics, "f1", "COVID-19")
    assert one["value"] == pytest.approx(2 / 3)
    assert (one["num_items"], one["num_positive"]) == (6, 2)


def test_a_class_that_was_not_fitted_is_never_the_answer() -> None:
    truth_NT = _classes([0, 1, 2, 2])
    score_NT = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]], np.float32)

    metrics = _metrics(
        _frame(score_NT, truth_NT[:, :2], targets=CLASSES[:2]),
        _test_set(truth_NT, targets=CLASSES, is_exclusive=True),
    )

    accuracy = _row(metrics, "accuracy", "all")
    assert accuracy["value"] == pytest.approx(0.5)
    assert "not fitted: COVID-19" in str(accuracy["reason"])
    assert _row(metrics, "f1", "COVID-19")["value"] is None
    assert str(_row(metrics, "f1", "all")["reason"]).startswith("mean over 2 of 3")


def test_a_fit_of_no_class_has_no_accuracy() -> None:
    truth_NT = _classes([0, 1, 2, 2])

    metrics = _metrics(
        Skipped(draw=DRAW, reason="one class"),
        _test_set(truth_NT, targets=CLASSES, is_exclusive=True),
    )

    assert metrics["value"].null_count() == len(metrics)
    assert "not fitted" in str(_row(metrics, "accuracy", "all")["reason"])


def test_the_same_scores_give_the_same_metrics_in_any_order() -> None:
    scores = _frame(SCORE, TRUTH)

    metrics = _metrics(scores, _test_set(TRUTH))

    assert _metrics(scores.reverse(), _test_set(TRUTH)).equals(metrics)


def test_scores_of_some_images_only_are_refused() -> None:
    scores = _frame(SCORE, TRUTH)

    with pytest.raises(ValueError, match="every labelled test image of 'Mass'"):
        _metrics(scores.filter(pl.col("image_id") != "t3"), _test_set(TRUTH))
    with pytest.raises(ValueError, match="rows of others"):
        _metrics(scores, _test_set(TRUTH[:3]))


def test_the_best_threshold_by_hand() -> None:
    score_M = np.array([0.1, 0.4, 0.4, 0.8], dtype=np.float32)

    # At 0.8: F1 2/3; at 0.4, where two tie: TP 2, FP 1: 4/5; at 0.1: 4/6.
    found = best_threshold(score_M, np.array([False, True, False, True]))

    assert found == pytest.approx(0.4)
    assert best_threshold(score_M, np.zeros(4, bool)) is None
    assert best_threshold(score_M[:0], np.zeros(0, bool)) is None


@given(
    images=st.lists(
        st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=15
    )
)
def test_no_threshold_has_a_higher_f1(images: list[tuple[int, bool]]) -> None:
    score_M = np.array([score for score, _ in images], dtype=np.float32)
    truth_M = np.array([truth for _, truth in images])

    found = best_threshold(score_M, truth_M)

    if found is None:
        assert not truth_M.any()
        return
    all_f1 = {t: f1_score(truth_M, score_M >= t) for t in sorted(set(score_M))}
    best = max(all_f1.values())
    assert all_f1[found] == pytest.approx(best)
    assert found == max(t for t, f1 in all_f1.items() if f1 == pytest.approx(best))
