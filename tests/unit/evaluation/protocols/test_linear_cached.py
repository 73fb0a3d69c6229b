from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols import linear_cached as module
from asg_core.evaluation.protocols.fractions import draw_fraction
from asg_core.evaluation.protocols.linear_cached import (
    LINEAR_CACHED,
    LinearCached,
    linear_cached,
)
from asg_core.evaluation.protocols.result import ProtocolResult
from asg_core.evaluation.scoring.fits import Fit
from asg_core.tables.catalog import SCORES
from support.small_evaluation import (
    drawn_features,
    fits_of,
    labelled,
    scores_of,
    skipped_of,
    small_discs,
    without_labels,
)

SETTINGS = LinearCached(l2=(1e-2, 1.0), max_iter=500, tolerance=1e-6)
TARGETS = ("Mass", "Nodule", "Edema")
BENCHMARK = labelled(small_discs(train=60, validate=20, test=40), TARGETS)
FEATURES = drawn_features(BENCHMARK)


def _run(
    benchmark: Benchmark = BENCHMARK,
    features: Features = FEATURES,
    *,
    fractions: tuple[float, ...] = (1.0,),
    settings: LinearCached = SETTINGS,
) -> ProtocolResult:
    return linear_cached(
        benchmark, features, settings=settings, fractions=fractions, seeds=[0, 1]
    )


def _notes(result: ProtocolResult) -> list[str]:
    return list(result.notes())


def _first(result: ProtocolResult) -> Fit:
    return fits_of(result)[0]


def test_the_name_fixes_these_numbers() -> None:
    assert (
        LinearCached(l2=(1e-3, 1e-2, 1e-1, 1.0), max_iter=200, tolerance=1e-4)
        == LINEAR_CACHED
    )


def _auc(frame: pl.DataFrame, target: str) -> float:
    rows = frame.filter(pl.col("target") == target)
    return float(roc_auc_score(rows["truth"], rows["score"]))


def test_scores_are_those_of_a_regression_on_standardised_features() -> None:
    result = _run(settings=LinearCached(l2=(0.1,), max_iter=500, tolerance=1e-6))

    SCORES.check(_first(result).test, where="here")
    train, test = (BENCHMARK.part(part) for part in ("train", "test"))
    train_NE, test_NE = (
        FEATURES.pooled_NE[FEATURES.rows(ids)] for ids in (train, test)
    )
    mean_E, std_E = train_NE.mean(0), train_NE.std(0)
    for column, target in enumerate(TARGETS):
        model = LogisticRegression(C=1 / (60 * 0.1), tol=1e-8, max_iter=1000)
        model.fit((train_NE - mean_E) / std_E, BENCHMARK.truth(train)[:, column])
        expected_N = model.predict_proba((test_NE - mean_E) / std_E)[:, 1]
        rows = scores_of(result).filter(pl.col("target") == target).sort("image_id")
        assert rows["image_id"].to_list() == test
        np.testing.assert_allclose(rows["score"], expected_N, atol=1e-3)
        np.testing.assert_array_equal(rows["truth"], BENCHMARK.truth(test)[:, column])


def test_it_finds_what_the_features_show() -> None:
    assert all(_auc(scores_of(_run()), target) > 0.8 for target in TARGETS)


def test_every_fraction_and_seed_says_what_it_learnt_from() -> None:
    result = _run(fractions=(0.2, 1.0))

    draws = [fit.draw for fit in fits_of(result)]
    made = [(draw.fraction, draw.seed, len(draw.image_ids)) for draw in draws]
    assert made == [(0.2, 0, 12), (0.2, 1, 12), (1.0, 0, 60)]
    drawn = draw_fraction(BENCHMARK.part("train"), 0.2, 1)
    assert draws[1].image_ids == tuple(drawn)
    expected = BENCHMARK.truth(drawn).sum(axis=0)
    assert draws[1].num_positive == dict(zip(TARGETS, expected, strict=True))
    keys = (
        scores_of(result).select("fraction", "seed").unique().sort("fraction", "seed")
    )
    assert keys.rows() == [(0.2, 0), (0.2, 1), (1.0, 0)]
    validation = _first(result).validation
    assert set(validation["image_id"]) == set(BENCHMARK.part("validate"))


def test_a_target_with_one_class_in_the_labels_has_no_rows_but_the_others_do() -> None:
    train = BENCHMARK.part("train")
    positive = [
        image_id
        for image_id, value in zip(train, BENCHMARK.truth(train)[:, 1], strict=True)
        if value > 0
    ]
    benchmark = without_labels(BENCHMARK, "Nodule", positive)

    result = _run(benchmark, drawn_features(benchmark))

    assert set(scores_of(result)["target"]) == {"Mass", "Edema"}
    assert _first(result).draw.num_positive["Nodule"] == 0
    assert any("no fit of Nodule" in note for note in _notes(result))


def test_one_image_fits_nothing_and_no_score_is_made_up() -> None:
    result = _run(fractions=(0.001,))

    assert fits_of(result) == []
    assert [len(skipped.draw.image_ids) for skipped in skipped_of(result)] == [1, 1]
    assert _notes(result)[0] == (
        "linear-cached, fraction 0.001, seed 0: no fit of Mass, Nodule, Edema: one class "
        "in the training labels of 1 images"
    )


def test_unlabelled_images_do_not_count_for_their_target() -> None:
    gone = BENCHMARK.part("train")[:20]
    benchmark = without_labels(BENCHMARK, "Mass", gone)

    result, whole = _run(benchmark, FEATURES), _run()

    for target in ("Nodule", "Edema"):
        rows, expected = (
            scores_of(r).filter(pl.col("target") == target).sort("image_id")["score"]
            for r in (result, whole)
        )
        np.testing.assert_allclose(rows, expected, atol=1e-3)
    assert not np.allclose(
        scores_of(result).filter(pl.col("target") == "Mass").sort("image_id")["score"],
        scores_of(whole).filter(pl.col("target") == "Mass").sort("image_id")["score"],
        atol=1e-3,
    )


def test_the_validation_part_chooses_the_penalty() -> None:
    noise = drawn_features(BENCHMARK, strength=0.0)

    strong = _run(settings=LinearCached(l2=(1e-3, 10.0)))
    weak = _run(BENCHMARK, noise, settings=LinearCached(l2=(1e-3, 10.0)))

    assert "penalty 0.001, chosen on the validation part" in _notes(strong)[-1]
    assert "penalty 10, chosen on the validation part" in _notes(weak)[-1]


def test_the_penalty_is_chosen_by_labels_alone() -> None:
    settings = LinearCached(l2=(1e-3, 1.0, 10.0))
    validate = BENCHMARK.part("validate")

    def note(benchmark: Benchmark) -> str:
        return _notes(_run(benchmark, FEATURES, settings=settings))[-1]

    # A target without any label there has no say.
    without = without_labels(BENCHMARK, "Nodule", validate)
    assert "penalty 0.001, chosen" in note(without)
    # Nor have images without one: were they taken for negatives, the decided positives
    # among them would ask for the strongest penalty.
    positive = BENCHMARK
    for column, target in enumerate(TARGETS):
        is_positive_N = BENCHMARK.truth(validate)[:, column] > 0
        named = [
            name for name, is_it in zip(validate, is_positive_N, strict=True) if is_it
        ]
        positive = without_labels(positive, target, named[1:])
    assert "penalty 0.001, chosen" in note(positive)


def test_without_a_validation_part_the_middle_of_the_grid_is_taken() -> None:
    images = BENCHMARK.images.filter(pl.col("split") != "validate")
    benchmark = replace(BENCHMARK, images=images)

    result = _run(benchmark, settings=LinearCached(l2=(1e-3, 1e-1, 1.0)))

    assert "penalty 0.1, no validation part" in _notes(result)[-1]
    assert _first(result).validation.is_empty()


def test_classes_that_exclude_each_other_share_one_regression() -> None:
    classes = ("normal", "pneumonia", "COVID-19")
    discs = small_discs(train=60, validate=20, test=40)
    benchmark = labelled(discs, classes, name="covidx", is_exclusive=True)

    result = _run(benchmark, drawn_features(benchmark))

    sums = scores_of(result).group_by("image_id").agg(pl.col("score").sum())["score"]
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    assert _auc(scores_of(result), "normal") > 0.8


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

    assert set(scores_of(result)["target"]) == {"normal", "pneumonia"}
    assert scores_of(result)["image_id"].n_unique() == len(benchmark.part("test"))
    assert any("no fit of COVID-19" in note for note in _notes(result))


def test_the_same_input_gives_the_same_bytes() -> None:
    assert scores_of(_run(fractions=(0.2,))).equals(scores_of(_run(fractions=(0.2,))))


def test_a_feature_that_never_varies_changes_nothing() -> None:
    constant_N1 = np.ones((len(FEATURES.image_ids), 1), np.float32)
    wider = replace(
        FEATURES, pooled_NE=np.concatenate([FEATURES.pooled_NE, constant_N1], axis=1)
    )

    np.testing.assert_allclose(
        scores_of(_run(BENCHMARK, wider))["score"],
        scores_of(_run())["score"],
        atol=1e-4,
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

    score, expected = scores_of(parts)["score"], scores_of(whole)["score"]
    np.testing.assert_allclose(score, expected, atol=1e-6)
    assert scores_of(parts).drop("score").equals(scores_of(whole).drop("score"))
