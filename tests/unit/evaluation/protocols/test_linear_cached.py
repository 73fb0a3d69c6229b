from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.config import LinearConfig
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols import linear_cached as module
from asg_core.evaluation.protocols.fractions import draw_fraction
from asg_core.evaluation.protocols.linear_cached import linear_cached
from asg_core.evaluation.protocols.result import ProtocolResult
from asg_core.tables.catalog import SCORES
from support.small_evaluation import (
    drawn_features,
    labelled,
    small_discs,
    without_labels,
)

CONFIG = LinearConfig(l2=(1e-2, 1.0), max_iter=500, tolerance=1e-6)
TARGETS = ("Mass", "Nodule", "Edema")
BENCHMARK = labelled(small_discs(train=60, validate=20, test=40), TARGETS)
FEATURES = drawn_features(BENCHMARK)


def _run(
    benchmark: Benchmark = BENCHMARK,
    features: Features = FEATURES,
    *,
    fractions: tuple[float, ...] = (1.0,),
    config: LinearConfig = CONFIG,
) -> ProtocolResult:
    return linear_cached(
        benchmark, features, config=config, fractions=fractions, seeds=[0, 1]
    )


def _auc(frame: pl.DataFrame, target: str) -> float:
    rows = frame.filter(pl.col("target") == target)
    return float(roc_auc_score(rows["truth"], rows["score"]))


def test_scores_are_those_of_a_regression_on_standardised_features() -> None:
    result = _run(config=LinearConfig(l2=(0.1,), max_iter=500, tolerance=1e-6))

    SCORES.check(result.frame, where="here")
    train, test = (BENCHMARK.part(part) for part in ("train", "test"))
    train_NE, test_NE = (
        FEATURES.pooled_NE[FEATURES.rows(ids)] for ids in (train, test)
    )
    mean_E, std_E = train_NE.mean(0), train_NE.std(0)
    for column, target in enumerate(TARGETS):
        model = LogisticRegression(C=1 / (60 * 0.1), tol=1e-8, max_iter=1000)
        model.fit((train_NE - mean_E) / std_E, BENCHMARK.truth(train)[:, column])
        expected_N = model.predict_proba((test_NE - mean_E) / std_E)[:, 1]
        rows = result.frame.filter(pl.col("target") == target).sort("image_id")
        assert rows["image_id"].to_list() == test
        np.testing.assert_allclose(rows["score"], expected_N, atol=1e-3)
        np.testing.assert_array_equal(rows["truth"], BENCHMARK.truth(test)[:, column])


def test_it_finds_what_the_features_show() -> None:
    assert all(_auc(_run().frame, target) > 0.8 for target in TARGETS)


def test_every_fraction_and_seed_says_what_it_learnt_from() -> None:
    result = _run(fractions=(0.2, 1.0))

    made = [(fit.fraction, fit.seed, fit.num_train) for fit in result.fits]
    assert made == [(0.2, 0, 12), (0.2, 1, 12), (1.0, 0, 60)]
    drawn = draw_fraction(BENCHMARK.part("train"), fraction=0.2, seed=1)
    expected = BENCHMARK.truth(drawn).sum(axis=0)
    assert result.fits[1].num_train_positive == dict(
        zip(TARGETS, expected, strict=True)
    )
    keys = result.frame.select("fraction", "seed").unique().sort("fraction", "seed")
    assert keys.rows() == [(0.2, 0), (0.2, 1), (1.0, 0)]
    assert result.validation is not None
    assert set(result.validation["image_id"]) == set(BENCHMARK.part("validate"))


def test_a_target_with_one_class_in_the_labels_has_no_rows_but_the_others_do() -> None:
    train = BENCHMARK.part("train")
    positive = [
        image_id
        for image_id, value in zip(train, BENCHMARK.truth(train)[:, 1], strict=True)
        if value > 0
    ]
    benchmark = without_labels(BENCHMARK, "Nodule", positive)

    result = _run(benchmark, drawn_features(benchmark))

    assert set(result.frame["target"]) == {"Mass", "Edema"}
    assert result.fits[0].num_train_positive["Nodule"] == 0
    assert any("no fit of Nodule" in note for note in result.notes)


def test_one_image_fits_nothing_and_no_score_is_made_up() -> None:
    result = _run(fractions=(0.001,))

    assert result.frame.is_empty()
    assert [fit.num_train for fit in result.fits] == [1, 1]


def test_unlabelled_images_do_not_count_for_their_target() -> None:
    gone = BENCHMARK.part("train")[:20]
    benchmark = without_labels(BENCHMARK, "Mass", gone)

    result, whole = _run(benchmark, FEATURES), _run()

    for target in ("Nodule", "Edema"):
        rows, expected = (
            r.frame.filter(pl.col("target") == target).sort("image_id")["score"]
            for r in (result, whole)
        )
        np.testing.assert_allclose(rows, expected, atol=1e-3)
    assert not np.allclose(
        result.frame.filter(pl.col("target") == "Mass").sort("image_id")["score"],
        whole.frame.filter(pl.col("target") == "Mass").sort("image_id")["score"],
        atol=1e-3,
    )


def test_the_validation_part_chooses_the_penalty() -> None:
    noise = drawn_features(BENCHMARK, strength=0.0)

    strong = _run(config=LinearConfig(l2=(1e-3, 10.0)))
    weak = _run(BENCHMARK, noise, config=LinearConfig(l2=(1e-3, 10.0)))

    assert "penalty 0.001, chosen on the validation part" in strong.notes[-1]
    assert "penalty 10, chosen on the validation part" in weak.notes[-1]


def test_without_a_validation_part_the_middle_of_the_grid_is_taken() -> None:
    images = BENCHMARK.images.filter(pl.col("split") != "validate")
    benchmark = replace(BENCHMARK, images=images)

    result = _run(benchmark, config=LinearConfig(l2=(1e-3, 1e-1, 1.0)))

    assert "penalty 0.1, no validation part" in result.notes[-1]
    assert result.validation is not None
    assert result.validation.is_empty()


def test_classes_that_exclude_each_other_share_one_regression() -> None:
    classes = ("normal", "pneumonia", "COVID-19")
    discs = small_discs(train=60, validate=20, test=40)
    benchmark = labelled(discs, classes, name="covidx", is_exclusive=True)

    result = _run(benchmark, drawn_features(benchmark))

    sums = result.frame.group_by("image_id").agg(pl.col("score").sum())["score"]
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    assert _auc(result.frame, "normal") > 0.8


def test_a_class_without_a_training_image_is_left_out() -> None:
    classes = ("normal", "pneumonia", "COVID-19")
    discs = small_discs(train=60, validate=20, test=40)
    benchmark = labelled(discs, classes, name="covidx", is_exclusive=True)
    train = benchmark.part("train")
    is_covid = benchmark.truth(train)[:, 2] > 0
    gone = [image_id for image_id, is_it in zip(train, is_covid, strict=True) if is_it]
    images = benchmark.images.filter(~pl.col("image_id").is_in(gone))
    smaller = replace(benchmark, images=images)

    result = _run(smaller, drawn_features(benchmark))

    assert set(result.frame["target"]) == {"normal", "pneumonia"}
    assert result.frame["image_id"].n_unique() == len(benchmark.part("test"))
    assert any("no fit of COVID-19" in note for note in result.notes)


def test_the_same_input_gives_the_same_bytes() -> None:
    assert _run(fractions=(0.2,)).frame.equals(_run(fractions=(0.2,)).frame)


def test_a_feature_that_never_varies_changes_nothing() -> None:
    constant_N1 = np.ones((len(FEATURES.image_ids), 1), np.float32)
    wider = replace(
        FEATURES, pooled_NE=np.concatenate([FEATURES.pooled_NE, constant_N1], axis=1)
    )

    np.testing.assert_allclose(
        _run(BENCHMARK, wider).frame["score"], _run().frame["score"], atol=1e-4
    )


def test_features_of_too_few_images_are_refused() -> None:
    few = replace(
        FEATURES, image_ids=FEATURES.image_ids[:10], pooled_NE=FEATURES.pooled_NE[:10]
    )

    with pytest.raises(ValueError, match="expected features of every image asked for"):
        _run(BENCHMARK, few)


def test_features_of_many_images_are_scaled_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = _run()

    monkeypatch.setattr(module, "_CHUNK", 7)
    parts = _run()

    score, expected = parts.frame["score"], whole.frame["score"]
    np.testing.assert_allclose(score, expected, atol=1e-6)
    assert parts.frame.drop("score").equals(whole.frame.drop("score"))
