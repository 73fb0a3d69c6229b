from collections.abc import Mapping
from dataclasses import replace
from unittest.mock import Mock, create_autospec

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import PixelEncoder
from asg_core.evaluation.protocols.mgca import classifier as module
from asg_core.evaluation.protocols.mgca.classifier import augment
from asg_core.evaluation.protocols.mgca.linear import mgca_linear
from asg_core.evaluation.protocols.mgca.losses import classification_loss
from asg_core.evaluation.protocols.mgca.settings import (
    ContrastiveAugmentation,
    MgcaLinear,
)
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.step import update_weights
from asg_core.tables.catalog import SCORES
from support.masked_benchmark import draw_discs, make_benchmark
from support.small_evaluation import fits_of, scores_of, skipped_of
from support.tiny_encoders import tiny_encoder

DISCS = draw_discs({"train": 24, "validate": 10, "test": 12}, size=36)
SETTINGS = MgcaLinear(batch_size=8, epochs=2, learning_rate=1e-2)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return DISCS.cache(tmp_path_factory.mktemp("pixels"))


def _run(
    benchmark: Benchmark,
    cache: PixelCache,
    *,
    settings: MgcaLinear = SETTINGS,
    fractions: tuple[float, ...] = (1.0,),
    num_seeds: int = 1,
) -> ProtocolResult:
    result = mgca_linear(
        benchmark,
        tiny_encoder(),
        cache,
        settings=settings,
        fractions=fractions,
        num_seeds=num_seeds,
        batch_size=16,
    )
    assert isinstance(result, ProtocolResult), result
    return result


def _notes(result: ProtocolResult) -> list[str]:
    return list(result.notes())


def _relabelled(
    labels: Mapping[int, Mapping[str, float]],
    *,
    name: str = "rsna",
    is_exclusive: bool = False,
) -> Benchmark:
    """Return the images with labels by their place; without, all are 0."""
    return make_benchmark(
        name=name,
        split_of=dict(zip(DISCS.image_ids, DISCS.splits, strict=True)),
        labels={
            image_id: labels.get(place, dict.fromkeys(("a", "b", "c"), 0.0))
            for place, image_id in enumerate(DISCS.image_ids)
        },
        is_exclusive=is_exclusive,
    )


def test_a_classifier_tells_discs_from_none(cache: PixelCache) -> None:
    result = mgca_linear(
        DISCS.benchmark(),
        PixelEncoder(name="grey", resize=36, input_size=32, thumbnail=4),
        cache,
        settings=replace(SETTINGS, epochs=30, learning_rate=0.1),
        fractions=(1.0,),
        num_seeds=1,
    )

    frame = scores_of(result)
    SCORES.check(frame, where="here")
    assert frame["image_id"].to_list() == DISCS.benchmark().part("test")
    assert frame["score"].is_between(0, 1).all()
    assert frame.select("protocol", "encoder", "fraction", "seed").row(0) == (
        "mgca-linear",
        "grey",
        1.0,
        42,
    )
    of_truth = frame.group_by("truth").agg(pl.col("score").mean()).sort("truth")
    assert of_truth["score"][1] > of_truth["score"][0] + 0.2
    (fit,) = fits_of(result)
    assert len(fit.validation) == 10
    assert len(fit.draw.image_ids) == 24
    assert list(fit.draw.num_positive.values()) == [12]


def test_the_same_seed_gives_the_same_bytes_and_leaves_the_generators(
    cache: PixelCache,
) -> None:
    benchmark = DISCS.benchmark()
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = _run(benchmark, cache, fractions=(0.5, 1.0), num_seeds=2)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(2)

    again = _run(benchmark, cache, fractions=(0.5, 1.0), num_seeds=2)

    assert_frame_equal(scores_of(first), scores_of(again))
    assert _notes(first) == _notes(again)
    assert [(fit.draw.fraction, fit.draw.seed) for fit in fits_of(first)] == [
        (0.5, 42),
        (0.5, 43),
        (1.0, 42),
        (1.0, 43),
    ]
    one, other = (
        scores_of(first).filter(fraction=1.0, seed=seed)["score"] for seed in (42, 43)
    )
    assert (one != other).all()


def test_what_does_not_fill_a_batch_is_left_out_and_said(cache: PixelCache) -> None:
    settings = replace(SETTINGS, batch_size=9)

    notes = _notes(_run(DISCS.benchmark(), cache, settings=settings))

    assert "the validation loss is over 9 of 10 images" in notes[0]
    assert "no buffer changes" in notes[0]
    assert "17 numbers are trained" in notes[0]
    assert "18 of 24 training images an epoch, 2 epochs" in notes[1]


def test_the_rate_stays_and_the_weights_decay_the_bias_too(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Mock(wraps=update_weights)
    monkeypatch.setattr(module, "update_weights", spy)

    _run(DISCS.benchmark(), cache, settings=replace(SETTINGS, weight_decay=0.25))

    assert spy.call_count == 6  # 2 epochs of 3 whole batches
    assert "rate" not in spy.call_args.kwargs
    classifier, optimizer, _ = spy.call_args.args
    assert isinstance(optimizer, torch.optim.AdamW)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (1e-2, 0.25)
    assert {id(one) for one in group["params"]} == {
        id(one) for one in (classifier.weight, classifier.bias)
    }


def test_training_ends_early(cache: PixelCache) -> None:
    # A rate at which nothing moves enough to show in 32 bits: no epoch is better than the
    # first.
    settings = replace(SETTINGS, epochs=50, patience=3, learning_rate=1e-30)

    notes = _notes(_run(DISCS.benchmark(), cache, settings=settings))

    assert "4 epochs, tested with the weights of epoch 1" in notes[1]


def test_only_the_named_benchmarks_are_mirrored(cache: PixelCache) -> None:
    labels = {place: {"a": float(place % 2)} for place in range(46)}

    plain = _run(_relabelled(labels), cache)
    mirrored = _run(_relabelled(labels, name="chexpert"), cache)

    assert "random crops;" in _notes(plain)[0]
    assert "horizontal flip" in _notes(mirrored)[0]
    assert (scores_of(plain)["score"] != scores_of(mirrored)["score"]).all()


def test_a_target_with_one_value_has_no_rows(cache: PixelCache) -> None:
    labels = {
        place: {"a": float(place % 2), "b": 0.0, "c": float(place == 30)}
        for place in range(46)
    }

    result = _run(_relabelled(labels), cache)

    assert scores_of(result)["target"].unique().to_list() == ["a"]
    assert len(scores_of(result)) == 12
    assert "no rows of b, c: one value only in the training labels" in _notes(result)[2]
    assert fits_of(result)[0].draw.num_positive == {"a": 12, "b": 0, "c": 0}


def test_a_fraction_with_one_value_is_left_out_and_named(cache: PixelCache) -> None:
    labels = {place: {"a": float(place == 40)} for place in range(46)}

    result = _run(_relabelled(labels), cache, fractions=(0.5,))

    assert fits_of(result) == []
    (skipped,) = skipped_of(result)
    draw = skipped.draw
    assert (draw.fraction, draw.seed, len(draw.image_ids)) == (0.5, 42, 12)
    assert skipped.reason == (
        "the labels of the 12 training images have one value only, so there is nothing to "
        "learn from"
    )


def test_classes_are_scored_as_shares_of_one(cache: PixelCache) -> None:
    names = ("a", "b", "c")
    labels = {
        place: {name: float(name == names[place % 3]) for name in names}
        for place in range(46)
    }

    result = _run(_relabelled(labels, name="covidx", is_exclusive=True), cache)

    sums = scores_of(result).group_by("image_id").agg(pl.col("score").sum())["score"]
    np.testing.assert_allclose(sums.to_numpy(), 1, rtol=1e-6)
    assert len(scores_of(result)) == 36


def test_without_validation_images_nothing_is_trained(cache: PixelCache) -> None:
    benchmark = make_benchmark(
        split_of={DISCS.image_ids[0]: "train", DISCS.image_ids[1]: "test"},
        labels={name: {"a": 1.0} for name in DISCS.image_ids[:2]},
    )

    result = mgca_linear(
        benchmark,
        tiny_encoder(),
        cache,
        settings=SETTINGS,
        fractions=(1.0,),
        num_seeds=1,
    )

    assert result == NotApplicable(
        reason="training ends by the validation loss, and 'siim' has 1 training and 0 "
        "validation images"
    )


def test_every_epoch_and_image_has_its_own_place_crop_and_augmentation(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def watched(
        image_BSS: torch.Tensor,
        *,
        settings: ContrastiveAugmentation,
        seeds: list[int],
    ) -> torch.Tensor:
        drawn.extend(seeds)
        return image_BSS

    read = create_autospec(PixelCache.read, side_effect=PixelCache.read)
    generators = Mock(wraps=np.random.default_rng)
    monkeypatch.setattr(module, "augment", watched)
    monkeypatch.setattr(PixelCache, "read", read)
    monkeypatch.setattr(np.random, "default_rng", generators)

    result = _run(DISCS.benchmark(name="chexpert"), cache)

    (fit,) = fits_of(result)
    batches = [call.args[1] for call in read.call_args_list if len(call.args[1]) == 8]
    first, second = (
        [name for names in part for name in names]
        for part in (batches[:3], batches[3:6])
    )
    assert sorted(first) == sorted(second) == sorted(fit.draw.image_ids)
    assert first != second
    crops = [call.args[0] for call in generators.mock_calls if call.args]
    crops = [key for key in crops if isinstance(key, tuple) and len(key) == 4]
    assert len(set(crops)) == len(crops) == 2 * 24
    assert len(set(drawn)) == len(drawn) == 2 * 24


def test_the_first_weights_follow_the_seed(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[torch.Tensor] = []

    def watched(classifier: torch.nn.Linear, *_: object, **__: object) -> None:
        starts.append(classifier.weight.detach().clone())

    monkeypatch.setattr(module, "update_weights", watched)

    _run(DISCS.benchmark(), cache, num_seeds=2)

    assert torch.equal(starts[0], starts[5])
    assert not torch.equal(starts[0], starts[6])


def test_brightness_and_contrast_change_apart() -> None:
    # Brightness multiplies and leaves 0; contrast moves grey values around their mean.
    image_BSS = torch.zeros((1, 8, 8), dtype=torch.uint8)
    image_BSS[:, :4] = 100
    off = ContrastiveAugmentation(blur_probability=0, flip_probability=0)

    def changed(*, brightness: float, contrast: float) -> torch.Tensor:
        settings = replace(
            off, jitter_probability=1.0, brightness=brightness, contrast=contrast
        )
        return augment(image_BSS, settings=settings, seeds=[5])[0]

    bright = changed(brightness=0.4, contrast=0.0)
    contrasted = changed(brightness=0.0, contrast=0.4)
    assert bright.min() == 0
    assert bright.max() != 100
    assert (contrasted.min() > 0) or (contrasted.max() > 100)
    assert contrasted.max() != 100


def test_augmentation_is_a_function_of_the_seed() -> None:
    image_BSS = torch.from_numpy(DISCS.pixels_NSS[:4])
    settings = ContrastiveAugmentation()

    one = augment(image_BSS, settings=settings, seeds=[1, 2, 3, 4])
    other = augment(image_BSS[2:], settings=settings, seeds=[3, 5])

    assert one.dtype == torch.uint8
    assert torch.equal(one[2], other[0])
    assert not torch.equal(one[3], other[1])


def test_each_augmentation_can_be_turned_off() -> None:
    image_BSS = torch.from_numpy(DISCS.pixels_NSS[:3])
    off = ContrastiveAugmentation(
        jitter_probability=0, blur_probability=0, flip_probability=0
    )

    assert torch.equal(augment(image_BSS, settings=off, seeds=[1, 2, 3]), image_BSS)
    flip = replace(off, flip_probability=1.0)
    assert torch.equal(
        augment(image_BSS, settings=flip, seeds=[1, 2, 3]), image_BSS.flip(2)
    )


def test_the_loss_is_over_labels_only() -> None:
    logit_BT = torch.tensor([[0.3, -1.0], [2.0, 0.5]])
    truth_BT = torch.tensor([[1.0, torch.nan], [0.0, 1.0]])

    loss = classification_loss(logit_BT, truth_BT, is_exclusive=False)

    expected = [
        -np.log(1 / (1 + np.exp(-0.3))),
        -np.log(1 - 1 / (1 + np.exp(-2.0))),
        -np.log(1 / (1 + np.exp(-0.5))),
    ]
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-6)
    unlabelled = torch.full((2, 2), torch.nan)
    for is_exclusive in (False, True):
        nothing = classification_loss(logit_BT, unlabelled, is_exclusive=is_exclusive)
        assert nothing.item() == 0


def test_the_loss_of_classes_by_hand() -> None:
    logit_BT = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    truth_BT = torch.tensor([[0.0, 1.0, 0.0], [torch.nan] * 3])

    loss = classification_loss(logit_BT, truth_BT, is_exclusive=True)

    assert loss.item() == pytest.approx(np.log(np.e + 2), rel=1e-6)
