import math
from dataclasses import replace
from unittest.mock import Mock, create_autospec

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols import segmentation_cached as module
from asg_core.evaluation.protocols.patch_maps import PatchMaps
from asg_core.evaluation.protocols.result import ProtocolResult
from asg_core.evaluation.protocols.segmentation_cached import (
    SEGMENTATION_CACHED,
    SegmentationCached,
    mask_losses,
    segment_cached,
)
from asg_core.evaluation.scoring.masks import Masks
from asg_core.evaluation.scoring.segmentation_metrics import MaskRules
from asg_core.learning.precision import arithmetic
from asg_core.learning.step import update_weights
from asg_core.tables.catalog import SEGMENTATION_SCORES
from support.masked_benchmark import TARGET, Discs, draw_discs
from support.small_evaluation import fits_of, scores_of, skipped_of

SIZE = 16
SETTINGS = SegmentationCached(
    hidden_width=32, size=SIZE, steps=100, batch_size=8, learning_rate=1e-2
)
DISCS = draw_discs({"train": 40, "validate": 10, "test": 20}, size=SIZE)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _features(discs: Discs, *, grid: int = 4) -> Features:
    """Return the pixels of each cell as its features."""
    num, side = len(discs.image_ids), SIZE // grid
    cells = discs.pixels_NSS.reshape(num, grid, side, grid, side).swapaxes(2, 3)
    return Features(
        encoder="cells",
        image_ids=tuple(discs.image_ids),
        pooled_NE=np.zeros((num, 1), np.float32),
        patches_NPE=cells.reshape(num, grid * grid, -1).astype(np.float16),
        grid=(grid, grid),
    )


def _run(
    discs: Discs = DISCS,
    *,
    features: Features | None = None,
    masks: Masks | None = None,
    settings: SegmentationCached = SETTINGS,
    fractions: tuple[float, ...] = (1.0,),
    seeds: tuple[int, ...] = (0,),
) -> ProtocolResult:
    return segment_cached(
        discs.benchmark(),
        features or _features(discs),
        protocol="segmentation-cached",
        masks=discs.masks_NSS if masks is None else masks,
        settings=settings,
        fractions=fractions,
        seeds=seeds,
    )


def _dice(frame: pl.DataFrame) -> float:
    positive = frame.filter(pl.col("num_true") > 0)
    both = positive["num_predicted"] + positive["num_true"]
    return float((2 * positive["num_shared"] / both).to_numpy().mean())


def test_the_names_fix_these_numbers() -> None:
    whole = SEGMENTATION_CACHED["segmentation-cached"]

    assert (whole.size, whole.steps, whole.hidden_width, whole.batch_size) == (
        112, 200, 64, 16,
    )  # fmt: skip
    assert (whole.learning_rate, whole.weight_decay, whole.dice_weight) == (
        3e-3, 1e-4, 1.0,
    )  # fmt: skip
    assert whole.negatives == 1.0
    assert whole.thresholds == tuple(k / 10 for k in range(1, 10))
    quick = SEGMENTATION_CACHED["segmentation-cached-quick"]
    assert quick == replace(whole, size=56, steps=150)


def test_a_decoder_finds_what_the_features_show() -> None:
    result = _run(seeds=(3, 4))

    frame = scores_of(result)
    SEGMENTATION_SCORES.check(frame, where="here")
    assert frame["image_id"].to_list() == DISCS.benchmark().part("test")
    assert frame["num_true"].to_list() == (
        DISCS.masks_NSS[-20:].sum(axis=(1, 2)).tolist()
    )
    assert frame["seed"].unique().to_list() == [3]  # of all images: the first
    assert frame.select("split", "protocol", "encoder", "target").row(0) == (
        "by hand",
        "segmentation-cached",
        "cells",
        TARGET,
    )
    assert _dice(frame) > 0.8
    (fit,) = fits_of(result)
    assert (len(fit.draw.image_ids), fit.draw.num_positive) == (40, {TARGET: 20})


def test_the_losses_by_hand() -> None:
    # Two images of two pixels; Dice is of the batch, not a mean over its images.
    probs = [[0.8, 0.4], [0.1, 0.3]]
    logit_BGG = torch.tensor([[[math.log(p / (1 - p)) for p in row]] for row in probs])
    true_BGG = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])

    losses = mask_losses(logit_BGG, true_BGG)

    entropy = -(math.log(0.8) + math.log(0.6) + math.log(0.9) + math.log(0.3)) / 4
    assert losses["entropy"].item() == pytest.approx(entropy, rel=1e-5)
    dice = (2 * (0.8 + 0.3) + 1) / (1.6 + 2 + 1)
    assert losses["dice"].item() == pytest.approx(1 - dice, rel=1e-5)
    assert losses.keys() == {"entropy", "dice"}


@pytest.mark.parametrize("name", ["entropy", "dice"])
def test_the_gradient_is_that_of_the_whole_loss(name: str) -> None:
    logit_BGG = torch.tensor([[[0.5, -0.4]], [[-1.0, 0.2]]], dtype=torch.float64)
    true_BGG = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]], dtype=torch.float64)

    def loss(logit_BGG: torch.Tensor) -> torch.Tensor:
        return mask_losses(logit_BGG, true_BGG)[name]

    assert torch.autograd.gradcheck(loss, logit_BGG.requires_grad_())


def test_the_rate_rises_and_falls_and_the_weights_decay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spy = Mock(wraps=update_weights)
    monkeypatch.setattr(module, "update_weights", spy)

    _run(settings=replace(SETTINGS, steps=20, dice_weight=0.7))

    rates = [call.kwargs["rate"] for call in spy.call_args_list]
    peak = SETTINGS.learning_rate
    assert rates[:3] == pytest.approx([peak / 2, peak, peak])
    falls = [peak * (1 + math.cos(math.pi * k / 18)) / 2 for k in range(18)]
    assert rates[2:] == pytest.approx(falls)
    assert len(rates) == 20
    assert spy.call_args.kwargs["weights"] == {"entropy": 1.0, "dice": 0.7}
    decoder, optimizer, _ = spy.call_args.args
    assert isinstance(optimizer, torch.optim.AdamW)
    (group,) = optimizer.param_groups
    assert group["weight_decay"] == 1e-4
    assert len(group["params"]) == len(list(decoder.parameters()))


def test_every_image_is_used_before_one_is_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spy = create_autospec(PatchMaps.maps, side_effect=PatchMaps.maps)
    monkeypatch.setattr(PatchMaps, "maps", spy)

    _run(settings=replace(SETTINGS, steps=5, batch_size=16))

    of_steps = [call.args[1] for call in spy.call_args_list[:5]]
    used = np.concatenate(of_steps).tolist()
    assert len(used) == 80
    assert sorted(used[:40]) == sorted(used[40:]) == list(range(40))
    assert used[:40] != used[40:] != list(range(40))


def test_the_same_seed_gives_the_same_bytes() -> None:
    def run() -> pl.DataFrame:
        settings = replace(SETTINGS, steps=5)
        return scores_of(_run(settings=settings, fractions=(0.5, 1.0), seeds=(0, 1)))

    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = run()
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(2)

    assert_frame_equal(first, run())
    assert first.select("fraction", "seed").unique().height == 3
    of_seed = {
        seed: first.filter(fraction=0.5, seed=seed)["num_predicted"].to_list()
        for seed in (0, 1)
    }
    assert of_seed[0] != of_seed[1]


def test_a_fraction_without_a_mask_has_no_rows_and_a_reason() -> None:
    discs = draw_discs(
        {"train": 40, "validate": 4, "test": 4}, size=SIZE, positive_every=20
    )

    result = _run(discs, settings=replace(SETTINGS, steps=2), fractions=(0.025, 1.0))

    (skipped,) = skipped_of(result)
    draw = skipped.draw
    assert (draw.fraction, draw.seed, len(draw.image_ids)) == (0.025, 0, 1)
    assert draw.num_positive == {TARGET: 0}
    assert skipped.reason.startswith(
        f"none of the 1 training images has a mask of {TARGET} at 16 x 16 cells"
    )
    assert [fit.draw.fraction for fit in fits_of(result)] == [1.0]


def _with_validation_masks(masks_NGG: Masks, value: int) -> Masks:
    changed_NGG = masks_NGG.copy()
    changed_NGG[40:50] = value
    return changed_NGG


def test_only_the_validation_part_chooses_the_threshold() -> None:
    def notes(masks_NGG: Masks) -> list[str]:
        return list(_run(masks=masks_NGG).notes())

    found = notes(DISCS.masks_NSS)
    other_test = DISCS.masks_NSS.copy()
    other_test[-20:] = True
    assert notes(other_test) == found

    # Were everything inside, the lowest threshold would be right; with no validation mask
    # nothing chooses.
    (everything,) = notes(_with_validation_masks(DISCS.masks_NSS, 1))
    assert everything.endswith("inside above a probability of 0.1")
    nothing = notes(_with_validation_masks(DISCS.masks_NSS, 0))
    assert "5 of 35 masks fill half of no cell" in nothing[0]
    assert "no validation image has a mask" in nothing[1]
    assert nothing[2].endswith("inside above a probability of 0.5")


def test_features_are_standardised_with_the_training_images_of_the_fraction_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spy = create_autospec(PatchMaps.measure, side_effect=PatchMaps.measure)
    monkeypatch.setattr(PatchMaps, "measure", spy)

    result = _run(settings=replace(SETTINGS, steps=1), fractions=(0.5,))

    (fit,) = fits_of(result)
    ((_, rows), _) = spy.call_args
    measured = [DISCS.image_ids[row] for row in rows]
    assert measured == list(fit.draw.image_ids)
    assert len(measured) == 20


def test_of_equally_good_thresholds_the_greatest_is_taken() -> None:
    # At this rate nothing is learnt: all pixels are above 0.02, and none above 0.97.
    settings = replace(
        SETTINGS, steps=1, learning_rate=1e-9, thresholds=(0.01, 0.02, 0.97, 0.98)
    )

    (note,) = list(_run(settings=settings).notes())

    assert note.endswith("inside above a probability of 0.02")


def test_a_cell_opens_into_pixels_enough_and_steps_have_the_arithmetic_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps, contexts = Mock(wraps=update_weights), Mock(wraps=arithmetic)
    monkeypatch.setattr(module, "update_weights", steps)
    monkeypatch.setattr(module, "arithmetic", contexts)
    num = len(DISCS.image_ids)
    patches = np.random.default_rng(0).normal(size=(num, 25, 3)).astype(np.float16)
    features = replace(_features(DISCS), patches_NPE=patches, grid=(5, 5))

    segment_cached(
        DISCS.benchmark(),
        features,
        protocol="segmentation-cached",
        masks=DISCS.masks_NSS,
        settings=replace(SETTINGS, steps=2),
        fractions=(1.0,),
        seeds=(0,),
        precision="bf16",
    )

    # 5 x 5 cells of 4 x 4 pixels are 20 pixels each way, which are made 16.
    assert steps.call_args.args[0].factor == 4
    assert contexts.call_count > 2
    assert {call.args[1] for call in contexts.mock_calls if call.args} == {"bf16"}


def test_the_first_weights_follow_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []

    def watched(decoder: torch.nn.Module, *_: object, **__: object) -> None:
        starts.append(next(decoder.parameters()).detach().clone())

    monkeypatch.setattr(module, "update_weights", watched)

    _run(settings=replace(SETTINGS, steps=1), fractions=(0.5,), seeds=(0, 1))

    assert not torch.equal(*starts)


def test_negatives_are_as_many_as_the_positives() -> None:
    discs = draw_discs(
        {"train": 40, "validate": 2, "test": 2}, size=SIZE, positive_every=4
    )

    (note,) = list(_run(discs, settings=replace(SETTINGS, steps=1)).notes())

    assert "20 of 40 training images used, 10 of them with a mask" in note


def test_a_channel_that_never_changes_is_no_noise() -> None:
    features = _features(DISCS)
    assert features.patches_NPE is not None
    features.patches_NPE[:, :, 0] = 7

    result = _run(features=features, settings=replace(SETTINGS, steps=1))

    assert len(scores_of(result)) == 20


def test_the_floor_is_that_of_the_mean_training_mask() -> None:
    result = _run(settings=replace(SETTINGS, steps=1))

    train_NGG, test_NGG = DISCS.masks_NSS[:40:2], DISCS.masks_NSS[-20:][::2]
    mean_GG = train_NGG.mean(axis=0) > 0.2
    dices = [
        2 * (one & mean_GG).sum() / (one.sum() + mean_GG.sum()) for one in test_NGG
    ]
    assert isinstance(result.rules, MaskRules)
    assert result.rules.target == TARGET
    assert result.rules.mean_mask_dice == pytest.approx(np.mean(dices))


def test_features_without_patches_are_refused() -> None:
    features = Features(
        encoder="pooled",
        image_ids=tuple(DISCS.image_ids),
        pooled_NE=np.zeros((70, 1), np.float32),
    )

    with pytest.raises(ValueError, match="found none of 'pooled'; extract them"):
        _run(features=features)


def test_features_of_oblong_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="a square grid of patches, found 2 x 8"):
        _run(features=replace(_features(DISCS), grid=(2, 8)))


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"masks of shape \(70, 16, 16\), found"):
        _run(masks=DISCS.masks_NSS[:, :8, :8])
