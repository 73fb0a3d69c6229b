import copy
import math
from dataclasses import replace
from typing import ClassVar
from unittest.mock import Mock, create_autospec

import cv2
import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from asg_core.benchmarks.form import Benchmark
from asg_core.evaluation.encoders import FeatureEncoder, PixelEncoder
from asg_core.evaluation.protocols.mgca import images as images_module
from asg_core.evaluation.protocols.mgca import segmentation as module
from asg_core.evaluation.protocols.mgca.images import (
    MaskedImages,
    make_masked_images,
    turn,
)
from asg_core.evaluation.protocols.mgca.losses import segmentation_losses
from asg_core.evaluation.protocols.mgca.networks import (
    FrozenSegmenter,
    build_segmenter,
    feature_maps,
)
from asg_core.evaluation.protocols.mgca.segmentation import mgca_segmentation
from asg_core.evaluation.protocols.mgca.settings import (
    MaskedBenchmark,
    MgcaSegmentation,
)
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.scoring.segmentation_metrics import MaskRules
from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.step import update_weights
from asg_core.models.config import ImageEncoderConfig
from asg_core.tables.catalog import SEGMENTATION_SCORES
from support.masked_benchmark import TARGET, draw_discs, make_benchmark
from support.small_evaluation import fits_of, scores_of, skipped_of
from support.tiny_encoders import RESNET, SIZE, VIT, tiny_encoder

DISCS = draw_discs({"train": 16, "validate": 6, "test": 8}, size=40)
SETTINGS = MgcaSegmentation(
    epochs=2,
    benchmarks={
        "siim": MaskedBenchmark(batch_size=4, is_balanced=True),
        "rsna": MaskedBenchmark(batch_size=4, is_balanced=False),
    },
    setr_channels=(8, 8, 8),
    unet_channels=(16, 8, 8, 8, 8),
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return DISCS.cache(tmp_path_factory.mktemp("pixels"))


def _run(
    cache: PixelCache,
    *,
    benchmark: Benchmark | None = None,
    encoder: FeatureEncoder | None = None,
    settings: MgcaSegmentation = SETTINGS,
    fractions: tuple[float, ...] = (1.0,),
    num_seeds: int = 1,
) -> ProtocolResult:
    result = _outcome(
        cache,
        benchmark=benchmark,
        encoder=encoder,
        settings=settings,
        fractions=fractions,
        num_seeds=num_seeds,
    )
    assert isinstance(result, ProtocolResult), result
    return result


def _outcome(
    cache: PixelCache,
    *,
    benchmark: Benchmark | None = None,
    encoder: FeatureEncoder | None = None,
    settings: MgcaSegmentation = SETTINGS,
    fractions: tuple[float, ...] = (1.0,),
    num_seeds: int = 1,
) -> ProtocolResult | NotApplicable:
    return mgca_segmentation(
        benchmark or DISCS.benchmark(),
        encoder or tiny_encoder(),
        cache,
        settings=settings,
        fractions=fractions,
        num_seeds=num_seeds,
        batch_size=5,
    )


def _notes(result: ProtocolResult) -> list[str]:
    return list(result.notes())


@pytest.mark.parametrize("architecture", [VIT, RESNET], ids=["vit", "resnet"])
def test_a_decoder_finds_the_discs(
    cache: PixelCache, architecture: ImageEncoderConfig
) -> None:
    settings = replace(SETTINGS, epochs=15, learning_rate=1e-2)

    result = _run(cache, encoder=tiny_encoder(architecture), settings=settings)

    frame = scores_of(result)
    SEGMENTATION_SCORES.check(frame, where="here")
    assert frame["image_id"].to_list() == DISCS.benchmark().part("test")
    assert frame["protocol"].unique().to_list() == ["mgca-segmentation"]
    positive = frame.filter(pl.col("num_true") > 0)
    both = positive["num_predicted"] + positive["num_true"]
    dice = (2 * positive["num_shared"] / both).to_numpy().mean()
    # The discs fill about a ninth of the image: everything inside would score 0.2.
    assert dice > 0.4
    (fit,) = fits_of(result)
    assert (len(fit.draw.image_ids), fit.draw.num_positive) == (16, {TARGET: 8})


def test_the_same_seed_gives_the_same_bytes_and_leaves_everything_else(
    cache: PixelCache,
) -> None:
    encoder = tiny_encoder(RESNET)
    before = copy.deepcopy(encoder.network.state_dict())
    torch.manual_seed(1)
    state = torch.random.get_rng_state()

    first = _run(cache, encoder=encoder, fractions=(0.5, 1.0), num_seeds=2)

    assert torch.equal(state, torch.random.get_rng_state())
    after = encoder.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    torch.manual_seed(2)
    again = _run(cache, encoder=encoder, fractions=(0.5, 1.0), num_seeds=2)
    assert_frame_equal(scores_of(first), scores_of(again))
    assert _notes(first) == _notes(again)
    assert [(fit.draw.fraction, fit.draw.seed) for fit in fits_of(first)] == [
        (0.5, 42),
        (0.5, 43),
        (1.0, 42),
        (1.0, 43),
    ]


def test_batch_norms_that_move_are_named(cache: PixelCache) -> None:
    moving = _notes(_run(cache, encoder=tiny_encoder(RESNET)))[0]
    none = _notes(_run(cache, encoder=tiny_encoder(VIT)))[0]

    norms = [
        module
        for module in tiny_encoder(RESNET).network.modules()
        if isinstance(module, torch.nn.BatchNorm2d)
    ]
    assert (
        f"{3 * len(norms)} buffers of the frozen encoder follow the training images: "
        "network.conv1.1.running_mean, " in moving
    )
    assert "UnetDecoder of" in moving
    assert "SetrPup of" in none
    assert "no buffer of the frozen encoder changes" in none


def test_only_what_is_named_moves() -> None:
    encoder = tiny_encoder(RESNET).network
    segmenter = build_segmenter(encoder, settings=SETTINGS)
    before = copy.deepcopy(segmenter.encoder.state_dict())
    image_BSS = torch.randint(0, 255, (3, SIZE, SIZE), dtype=torch.uint8)

    segmenter.set_training(is_training=False)
    segmenter(image_BSS)
    same = segmenter.encoder.state_dict()
    assert all(torch.equal(before[name], same[name]) for name in before)
    segmenter.set_training(is_training=True)
    segmenter(image_BSS).sum().backward()

    after = segmenter.encoder.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(segmenter.moving_buffers())
    assert all(weight.grad is None for weight in segmenter.encoder.parameters())
    assert all(weight.grad is not None for weight in segmenter.decoder.parameters())


def test_a_batch_of_one_image_moves_nothing() -> None:
    # The coarsest map of this encoder has one cell: its variance over one image is none.
    segmenter = build_segmenter(tiny_encoder(RESNET).network, settings=SETTINGS)
    before = copy.deepcopy(segmenter.encoder.state_dict())
    segmenter.set_training(is_training=True)

    logit_BSS = segmenter(torch.zeros((1, SIZE, SIZE), dtype=torch.uint8))

    assert logit_BSS.shape == (1, SIZE, SIZE)
    after = segmenter.encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_maps_are_those_of_the_encoder() -> None:
    encoder = tiny_encoder(RESNET).network
    image_BSS = torch.randint(0, 255, (2, SIZE, SIZE), dtype=torch.uint8)

    maps = feature_maps(encoder, image_BSS)

    sides = [map_BEHW.shape[-1] for map_BEHW in maps]
    assert sides == sorted(sides, reverse=True)
    torch.testing.assert_close(
        maps[-1].flatten(2).transpose(1, 2), encoder(image_BSS).patches_BPE
    )


class _Staged(torch.nn.Module):
    """A network of which two stages have maps of one size."""

    feature_info: ClassVar = [
        {"reduction": reduction, "num_chs": width}
        for reduction, width in ((8, 2), (4, 3), (4, 5), (8, 7))
    ]

    def forward_intermediates(
        self, image_BCSS: torch.Tensor, *, intermediates_only: bool
    ) -> list[torch.Tensor]:
        assert intermediates_only
        return [
            torch.full((len(image_BCSS), 1, 1, 1), float(place)) for place in range(4)
        ]


def test_of_several_maps_of_one_size_the_last_is_taken() -> None:
    encoder = copy.deepcopy(tiny_encoder(RESNET).network)
    encoder.network = _Staged()

    maps = feature_maps(encoder, torch.zeros((1, SIZE, SIZE), dtype=torch.uint8))

    assert [map_BEHW.item() for map_BEHW in maps] == [2.0, 3.0]


def test_what_does_not_fill_a_batch_is_left_out_and_said(cache: PixelCache) -> None:
    notes = _notes(_run(cache, fractions=(0.6,)))

    assert "the validation loss is over 4 of 6 images" in notes[0]
    assert notes[1].startswith(
        "mgca-segmentation, fraction 0.6, seed 42: 8 of 9 training images an epoch, "
    )


@pytest.mark.parametrize("architecture", [VIT, RESNET], ids=["vit", "resnet"])
def test_a_step_minimises_both_terms_at_a_rate_that_stays(
    cache: PixelCache,
    monkeypatch: pytest.MonkeyPatch,
    architecture: ImageEncoderConfig,
) -> None:
    spy = Mock(wraps=update_weights)
    monkeypatch.setattr(module, "update_weights", spy)

    _run(cache, encoder=tiny_encoder(architecture))

    assert spy.call_count == 8  # 2 epochs of 4 batches
    assert "rate" not in spy.call_args.kwargs
    decoder, optimizer, _ = spy.call_args.args
    assert isinstance(optimizer, torch.optim.AdamW)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (5e-4, 0.05)
    assert len(group["params"]) == len(list(decoder.parameters()))
    assert spy.call_args.kwargs["weights"] == {"focal": 10.0, "dice": 1.0}


def test_training_ends_early(cache: PixelCache) -> None:
    settings = replace(SETTINGS, epochs=20, patience=2, learning_rate=1e-30)

    (note,) = _notes(_run(cache, settings=settings))[1:]

    num_epochs = int(note.partition("with a mask; ")[2].split()[0])
    best = int(note.partition("weights of epoch ")[2].split()[0])
    assert num_epochs == min(20, best + 2)


def test_only_the_validation_part_says_which_epoch_is_best(cache: PixelCache) -> None:
    whole = DISCS.benchmark()

    def loss_without(image_id: str) -> str:
        images = whole.images.filter(pl.col("image_id") != image_id)
        result = _run(cache, benchmark=replace(whole, images=images))
        return _notes(result)[1].partition("validation loss ")[2]

    validate, test = whole.part("validate"), whole.part("test")
    assert loss_without(test[0]) == loss_without(test[1])
    assert loss_without(validate[0]) != loss_without(test[0])


def test_a_fraction_without_a_mask_is_left_out_and_named(cache: PixelCache) -> None:
    discs = draw_discs(
        {"train": 16, "validate": 6, "test": 8}, size=40, positive_every=16
    )

    result = _run(
        cache,
        benchmark=discs.benchmark(name="rsna"),
        settings=replace(SETTINGS, seed=1),
        fractions=(0.1, 1.0),
    )

    assert [fit.draw.fraction for fit in fits_of(result)] == [1.0]
    (skipped,) = skipped_of(result)
    draw = skipped.draw
    assert (draw.fraction, draw.seed, len(draw.image_ids)) == (0.1, 1, 1)
    assert draw.num_positive == {TARGET: 0}
    assert _notes(result)[1] == (
        "mgca-segmentation, fraction 0.1, seed 1: none of the 1 training images has a "
        "mask, so there is nothing to learn from"
    )


def test_siim_is_balanced_before_the_fraction_is_taken(cache: PixelCache) -> None:
    discs = draw_discs(
        {"train": 16, "validate": 6, "test": 8}, size=40, positive_every=4
    )
    settings = replace(SETTINGS, epochs=1)

    def num_train(name: str) -> int:
        result = _run(cache, benchmark=discs.benchmark(name=name), settings=settings)
        return len(fits_of(result)[0].draw.image_ids)

    assert num_train("siim") == 8  # 4 with a mask and 4 without
    assert num_train("rsna") == 16


def test_where_the_protocol_does_not_apply_it_says_so(cache: PixelCache) -> None:
    pixels = PixelEncoder(name="grey", resize=36, input_size=32, thumbnail=4)
    no_masks = make_benchmark(
        name="nih",
        split_of=dict(zip(DISCS.image_ids, DISCS.splits, strict=True)),
        labels={name: {"a": 1.0} for name in DISCS.image_ids},
    )

    assert _outcome(cache, encoder=pixels) == NotApplicable(
        reason="'grey' has no network to put a decoder on"
    )
    assert _outcome(cache, benchmark=no_masks) == NotApplicable(
        reason="defined for siim and rsna, not for 'nih'"
    )


def test_the_loss_by_hand() -> None:
    # Two images of two pixels; Dice is of the batch, not a mean over its images.
    probs = [[0.8, 0.4], [0.3, 0.1]]
    logit_BSS = torch.tensor([[[math.log(p / (1 - p)) for p in row]] for row in probs])
    share_BSS = torch.tensor([[[1.0, 0.5]], [[0.0, 0.0]]])

    losses = segmentation_losses(logit_BSS, share_BSS, gamma=2)

    # At a share of a half the exponent's argument is 0, and its sigmoid 1 / 2.
    half = -(0.5 * math.log(0.4) + 0.5 * math.log(0.6))
    inside, outside = 0.2**2 * -math.log(0.8), 0.3**2 * -math.log(0.7)
    focal = (inside + 0.5**2 * half + outside + 0.1**2 * -math.log(0.9)) / 4
    dice = (2 * (0.8 + 0.2) + 1) / (1.6 + 1.5 + 1)
    assert losses["focal"].item() == pytest.approx(focal, rel=1e-5)
    assert losses["dice"].item() == pytest.approx(-math.log(dice), rel=1e-5)
    assert losses.keys() == {"focal", "dice"}


@pytest.mark.parametrize("name", ["focal", "dice"])
def test_the_gradient_is_that_of_the_whole_loss(name: str) -> None:
    logit_BSS = torch.tensor([[[0.5, -0.4]], [[-1.0, 0.2]]], dtype=torch.float64)
    share_BSS = torch.tensor([[[1.0, 0.5]], [[0.0, 1.0]]], dtype=torch.float64)

    def loss(logit_BSS: torch.Tensor) -> torch.Tensor:
        return segmentation_losses(logit_BSS, share_BSS, gamma=2)[name]

    assert torch.autograd.gradcheck(loss, logit_BSS.requires_grad_())


def test_images_and_masks_turn_together() -> None:
    mask_SS = DISCS.masks_NSS[0]
    image_SS = (255 * mask_SS).astype(np.uint8)

    image, share = turn(image_SS, mask_SS.astype(np.float32), degrees=9, scale=1.1)

    np.testing.assert_allclose(image / 255, share, atol=0.02)
    assert (share > 0.5).sum() == pytest.approx(1.21 * mask_SS.sum(), rel=0.05)
    same, _ = turn(image_SS, mask_SS.astype(np.float32), degrees=0, scale=1)
    np.testing.assert_array_equal(same, image_SS)


def test_images_as_large_as_those_of_mgca_are_scaled_as_its_code_does(
    cache: PixelCache,
) -> None:
    stored = replace(SETTINGS, stored_size=40)
    names = DISCS.image_ids[:4]

    image_BSS, share_BSS = make_masked_images(
        DISCS.benchmark(), cache, size=SIZE, settings=stored
    ).read(names)
    by_area_BSS, same_BSS = make_masked_images(
        DISCS.benchmark(), cache, size=SIZE, settings=SETTINGS
    ).read(names)

    for mode, found_BSS in (
        (cv2.INTER_LINEAR, image_BSS),
        (cv2.INTER_AREA, by_area_BSS),
    ):
        expected = [
            cv2.resize(pixels, (SIZE, SIZE), interpolation=mode)
            for pixels in DISCS.pixels_NSS[:4]
        ]
        np.testing.assert_array_equal(found_BSS.numpy(), expected)
    assert not torch.equal(image_BSS, by_area_BSS)
    assert torch.equal(share_BSS, same_BSS)  # masks by area in both
    whole, other = (
        _notes(_run(cache, settings=choice)) for choice in (SETTINGS, stored)
    )
    assert "images made smaller by area" in whole[0]
    assert "images made smaller by bilinear" in other[0]
    assert whole[1] != other[1]  # another validation loss


def test_masks_move_with_their_images_within_the_named_range(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Mock(wraps=turn)
    monkeypatch.setattr(images_module, "turn", spy)
    always = replace(SETTINGS, augmentation_probability=1.0)
    images = make_masked_images(DISCS.benchmark(), cache, size=SIZE, settings=always)
    names = DISCS.image_ids

    image_BSS, share_BSS = images.read_augmented(
        names, settings=always, seed=1, epoch=0
    )

    moves = [(call.kwargs["degrees"], call.kwargs["scale"]) for call in spy.mock_calls]
    assert len(moves) == len(names)
    for values, low, high in zip(
        zip(*moves, strict=True), (-10, 0.9), (10, 1.1), strict=True
    ):
        middle, width = (low + high) / 2, high - low
        assert low <= min(values) < middle - width / 4
        assert middle + width / 4 < max(values) <= high
    plain_BSS, plain_share_BSS = images.read(names)
    for place, (degrees, scale) in enumerate(moves):
        image_SS, share_SS = turn(
            plain_BSS[place].numpy(),
            plain_share_BSS[place].numpy(),
            degrees=degrees,
            scale=scale,
        )
        np.testing.assert_array_equal(image_BSS[place], image_SS)
        np.testing.assert_array_equal(share_BSS[place], share_SS)


def test_every_epoch_has_its_own_order_and_augmentation(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = create_autospec(
        MaskedImages.read_augmented, side_effect=MaskedImages.read_augmented
    )
    monkeypatch.setattr(MaskedImages, "read_augmented", spy)

    result = _run(cache)

    calls = spy.call_args_list
    assert [call.kwargs["epoch"] for call in calls] == [0] * 4 + [1] * 4
    assert {call.kwargs["seed"] for call in calls} == {42}
    first, second = (
        [name for call in part for name in call.args[1]]
        for part in (calls[:4], calls[4:])
    )
    (fit,) = fits_of(result)
    assert sorted(first) == sorted(second) == sorted(fit.draw.image_ids)
    assert first != second


def test_the_decoder_learns_in_training_mode_and_is_scored_in_the_other(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[tuple[bool, bool]] = []
    forward = FrozenSegmenter.forward

    def watched(self: FrozenSegmenter, image_BSS: torch.Tensor) -> torch.Tensor:
        found = forward(self, image_BSS)
        modes.append((torch.is_grad_enabled(), self.decoder.training))
        return found

    monkeypatch.setattr(FrozenSegmenter, "forward", watched)

    _run(cache)

    assert set(modes) == {(True, True), (False, False)}


def test_the_images_without_a_mask_and_the_first_weights_follow_the_seed(
    cache: PixelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Mock(wraps=build_segmenter)
    starts: list[torch.Tensor] = []

    def watched(*args: object, **kwargs: object) -> FrozenSegmenter:
        segmenter: FrozenSegmenter = spy(*args, **kwargs)
        starts.append(next(segmenter.decoder.parameters()).detach().clone())
        return segmenter

    monkeypatch.setattr(module, "build_segmenter", watched)
    discs = draw_discs(
        {"train": 16, "validate": 6, "test": 8}, size=40, positive_every=4
    )

    result = _run(
        cache,
        benchmark=discs.benchmark(),
        settings=replace(SETTINGS, epochs=1),
        num_seeds=2,
    )

    one, other = fits_of(result)
    positive = set(discs.image_ids[:16:4])
    assert positive < set(one.draw.image_ids)
    assert positive < set(other.draw.image_ids)
    assert set(one.draw.image_ids) != set(other.draw.image_ids)
    assert not torch.equal(starts[0], starts[1])


def test_the_floor_is_that_of_the_mean_training_mask(cache: PixelCache) -> None:
    result = _run(cache, settings=replace(SETTINGS, epochs=1))

    images = make_masked_images(DISCS.benchmark(), cache, size=SIZE, settings=SETTINGS)
    train, test = (
        images.read(DISCS.benchmark().part(part))[1].numpy() > 0.5
        for part in ("train", "test")
    )
    mean_SS = train[train.any(axis=(1, 2))].mean(axis=0) > 0.2
    dices = [
        2 * (one & mean_SS).sum() / (one.sum() + mean_SS.sum())
        for one in test
        if one.any()
    ]
    assert isinstance(result.rules, MaskRules)
    assert result.rules.mean_mask_dice == pytest.approx(np.mean(dices))


def test_augmented_images_are_a_function_of_seed_epoch_and_image(
    cache: PixelCache,
) -> None:
    images = make_masked_images(DISCS.benchmark(), cache, size=SIZE, settings=SETTINGS)
    names = DISCS.image_ids[:6]

    image_BSS, share_BSS = images.read_augmented(
        names, settings=SETTINGS, seed=1, epoch=3
    )
    alone_BSS, alone_share_BSS = images.read_augmented(
        names[4:5], settings=SETTINGS, seed=1, epoch=3
    )
    plain_BSS, plain_share_BSS = images.read(names)

    assert torch.equal(image_BSS[4], alone_BSS[0])
    assert torch.equal(share_BSS[4], alone_share_BSS[0])
    changed = [not torch.equal(image_BSS[k], plain_BSS[k]) for k in range(6)]
    assert 0 < sum(changed) < 6
    assert plain_share_BSS.dtype == torch.float32
    # The discs are masks of 40 px, seen at 32: the same share of the area.
    expected = DISCS.masks_NSS[0].mean()
    assert plain_share_BSS[0].mean().item() == pytest.approx(expected, abs=1e-3)
