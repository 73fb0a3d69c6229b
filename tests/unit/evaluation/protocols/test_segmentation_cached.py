import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.result import (
    Fit,
    MaskCounts,
    count_pixels,
    mean_positive_dice,
)
from asg_core.evaluation.protocols.segmentation_cached import segment_cached
from asg_core.evaluation.protocols.segmentation_config import SegmentationConfig
from asg_core.evaluation.scoring.masks import Masks
from asg_core.tables.catalog import SEGMENTATION_SCORES
from support.masked_benchmark import TARGET, Discs, draw_discs

SIZE = 16
CONFIG = SegmentationConfig(
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


def _dice(frame: pl.DataFrame) -> float:
    positive = frame.filter(pl.col("num_true") > 0)
    both = positive["num_predicted"] + positive["num_true"]
    return float((2 * positive["num_shared"] / both).to_numpy().mean())


def test_a_decoder_finds_what_the_features_show() -> None:
    result = segment_cached(
        DISCS.benchmark(),
        _features(DISCS),
        masks=DISCS.masks_NSS,
        config=CONFIG,
        fractions=[1.0],
        seeds=[3, 4],
    )

    SEGMENTATION_SCORES.check(result.frame, where="here")
    assert result.frame["image_id"].to_list() == DISCS.benchmark().part("test")
    assert result.frame["num_true"].to_list() == (
        DISCS.masks_NSS[-20:].sum(axis=(1, 2)).tolist()
    )
    assert result.frame["seed"].unique().to_list() == [3]  # of all images: the first
    assert result.frame.select("protocol", "encoder", "target").row(0) == (
        "segmentation-cached",
        "cells",
        TARGET,
    )
    assert _dice(result.frame) > 0.8
    (fit,) = result.fits
    assert (fit.num_train, fit.num_train_positive) == (40, {TARGET: 20})


def test_the_same_seed_gives_the_same_bytes() -> None:
    def run() -> pl.DataFrame:
        return segment_cached(
            DISCS.benchmark(),
            _features(DISCS),
            masks=DISCS.masks_NSS,
            config=CONFIG.model_copy(update={"steps": 5}),
            fractions=[0.5, 1.0],
            seeds=[0, 1],
        ).frame

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

    result = segment_cached(
        discs.benchmark(),
        _features(discs),
        masks=discs.masks_NSS,
        config=CONFIG.model_copy(update={"steps": 2}),
        fractions=[0.025, 1.0],
        seeds=[0],
    )

    assert result.frame["fraction"].unique().to_list() == [1.0]
    (skipped,) = result.skipped
    assert skipped.fit == Fit(
        fraction=0.025, seed=0, num_train=1, num_train_positive={TARGET: 0}
    )
    assert skipped.reason.startswith(
        f"none of the 1 training images has a mask of {TARGET}"
    )
    assert [fit.fraction for fit in result.fits] == [1.0]


def _with_validation_masks(masks_NGG: Masks, value: int) -> Masks:
    changed_NGG = masks_NGG.copy()
    changed_NGG[40:50] = value
    return changed_NGG


def test_only_the_validation_part_chooses_the_threshold() -> None:
    def notes(masks_NGG: Masks) -> tuple[str, ...]:
        return segment_cached(
            DISCS.benchmark(),
            _features(DISCS),
            masks=masks_NGG,
            config=CONFIG,
            fractions=[1.0],
            seeds=[0],
        ).notes

    found = notes(DISCS.masks_NSS)
    other_test = DISCS.masks_NSS.copy()
    other_test[-20:] = True
    assert notes(other_test) == found

    # Were everything inside, the lowest threshold would be right; with no validation mask
    # nothing chooses.
    (everything,) = notes(_with_validation_masks(DISCS.masks_NSS, 1))
    assert everything.endswith("inside above a probability of 0.1")
    nothing = notes(_with_validation_masks(DISCS.masks_NSS, 0))
    assert nothing[0].endswith("inside above a probability of 0.5")
    assert "5 of 35 masks fill half of no cell" in nothing[1]
    assert "no validation image has a mask" in nothing[2]


def test_negatives_are_a_share_of_the_positives() -> None:
    discs = draw_discs(
        {"train": 40, "validate": 2, "test": 2}, size=SIZE, positive_every=4
    )

    def note(negatives: float | None) -> str:
        return segment_cached(
            discs.benchmark(),
            _features(discs),
            masks=discs.masks_NSS,
            config=CONFIG.model_copy(update={"steps": 1, "negatives": negatives}),
            fractions=[1.0],
            seeds=[0],
        ).notes[0]

    assert "20 of 40 training images used, 10 of them with a mask" in note(1.0)
    assert "10 of 40" in note(0.0)
    assert "40 of 40" in note(None)


def test_a_channel_that_never_changes_is_no_noise() -> None:
    features = _features(DISCS)
    assert features.patches_NPE is not None
    features.patches_NPE[:, :, 0] = 7
    config = CONFIG.model_copy(update={"steps": 1})

    result = segment_cached(
        DISCS.benchmark(),
        features,
        masks=DISCS.masks_NSS,
        config=config,
        fractions=[1.0],
        seeds=[0],
    )

    assert len(result.frame) == 20


def test_features_without_patches_are_refused() -> None:
    features = Features(
        encoder="pooled",
        image_ids=tuple(DISCS.image_ids),
        pooled_NE=np.zeros((70, 1), np.float32),
    )

    with pytest.raises(ValueError, match="found none of 'pooled'; extract them"):
        segment_cached(
            DISCS.benchmark(),
            features,
            masks=DISCS.masks_NSS,
            config=CONFIG,
            fractions=[1.0],
            seeds=[0],
        )


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"masks of shape \(70, 16, 16\), found"):
        segment_cached(
            DISCS.benchmark(),
            _features(DISCS),
            masks=DISCS.masks_NSS[:, :8, :8],
            config=CONFIG,
            fractions=[1.0],
            seeds=[0],
        )


def test_counts_and_dice_by_hand() -> None:
    predicted_NGG = np.array([[[1, 1], [0, 0]], [[0, 1], [0, 0]]], dtype=bool)
    true_NGG = np.array([[[1, 0], [1, 0]], [[0, 0], [0, 0]]], dtype=bool)

    counts = count_pixels(predicted_NGG, true_NGG)

    assert counts.predicted_N.tolist() == [2, 1]
    assert counts.true_N.tolist() == [2, 0]
    assert counts.shared_N.tolist() == [1, 0]
    assert mean_positive_dice(counts) == 0.5  # 2 * 1 / (2 + 2); the empty one is out
    none = MaskCounts(
        predicted_N=counts.predicted_N[1:],
        true_N=counts.true_N[1:],
        shared_N=counts.shared_N[1:],
    )
    assert mean_positive_dice(none) is None


def test_thresholds_must_ascend_inside_0_and_1() -> None:
    with pytest.raises(ValueError, match="ascending numbers, each once"):
        SegmentationConfig(thresholds=(0.5, 0.4))
    with pytest.raises(ValueError, match="between 0 and 1"):
        SegmentationConfig(thresholds=(0.5, 1.0))
