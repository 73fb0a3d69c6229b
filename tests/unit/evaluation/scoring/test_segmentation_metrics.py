import numpy as np
import polars as pl
import pytest

from asg_core.evaluation.protocols.result import Fit
from asg_core.evaluation.scoring.bootstrap import Resamples
from asg_core.evaluation.scoring.metrics import TestSet
from asg_core.evaluation.scoring.segmentation_metrics import (
    constant_mask_dice,
    dice_scores,
    segmentation_metrics,
)
from asg_core.tables.catalog import METRICS, SEGMENTATION_SCORES

FIT = Fit(fraction=1.0, seed=0, num_train=9, num_train_positive={"Pneumothorax": 4})
NAMES = ("num_predicted", "num_true", "num_shared")


def _scores(counts: list[tuple[int, int, int]]) -> pl.DataFrame:
    return SEGMENTATION_SCORES.frame(
        {
            "benchmark": "siim",
            "protocol": "segmentation-cached",
            "encoder": "full",
            "fraction": 1.0,
            "seed": 0,
            "image_id": f"t{place}",
            "target": "Pneumothorax",
            **dict(zip(NAMES, row, strict=True)),
        }
        for place, row in enumerate(counts)
    )


def _metrics(
    scores: pl.DataFrame, *, num_images: int, missing: str | None = None
) -> dict[tuple[str, str], dict[str, object]]:
    image_ids = tuple(f"t{place}" for place in range(num_images))
    metrics = segmentation_metrics(
        scores,
        fits=[FIT],
        test_set=TestSet(
            benchmark="siim",
            split="image",
            test_digest="0",
            targets=("Pneumothorax",),
            is_exclusive=False,
            image_ids=image_ids,
            validate_ids=(),
            truth_NT=np.zeros((num_images, 1), np.float32),
            resamples=Resamples(image_ids, num=100, seed=0),
        ),
        protocol="segmentation-cached",
        encoder="full",
        target="Pneumothorax",
        mean_mask_dice=0.3,
        missing={(1.0, 0): missing} if missing else None,
    )
    METRICS.check(metrics, where="here")
    rows = metrics.iter_rows(named=True)
    return {(str(row["metric"]), str(row["target"])): row for row in rows}


def test_dice_by_hand_over_all_images_and_over_those_with_a_mask() -> None:
    # 2 * 3 / (4 + 6) = 0.6; nothing found: 0; nothing there, nothing predicted: 1; nothing
    # there, 2 predicted: 0.
    scores = _scores([(4, 6, 3), (0, 5, 0), (0, 0, 0), (2, 0, 0)])

    rows = _metrics(scores, num_images=4)

    mixed = rows["dice", "Pneumothorax"]
    assert mixed["value"] == pytest.approx(1.6 / 4)
    assert mixed["floor"] == pytest.approx(0.5)  # all masks empty
    assert (mixed["num_items"], mixed["num_positive"]) == (4, 2)
    positive = rows["dice_positive", "Pneumothorax"]
    assert positive["value"] == pytest.approx(0.3)
    assert (positive["floor"], positive["num_items"]) == (0.3, 2)
    false = rows["false_positive_rate", "Pneumothorax"]
    assert (false["value"], false["floor"], false["num_items"]) == (0.5, 0.0, 2)
    assert rows["dice", "all"]["value"] == mixed["value"]
    assert rows["dice", "all"]["ci_low"] == mixed["ci_low"]
    assert mixed["num_train_positive"] == 4


def test_predicting_nothing_scores_the_floor() -> None:
    rows = _metrics(_scores([(0, 5, 0), (0, 0, 0), (0, 0, 0)]), num_images=3)

    row = rows["dice", "Pneumothorax"]
    assert row["value"] == row["floor"] == pytest.approx(2 / 3)
    assert rows["dice_positive", "Pneumothorax"]["value"] == 0


def test_without_a_mask_or_without_an_empty_one_a_metric_is_undefined() -> None:
    empty = _metrics(_scores([(0, 0, 0)]), num_images=1)
    full = _metrics(_scores([(2, 2, 2)]), num_images=1)

    row = empty["dice_positive", "Pneumothorax"]
    assert (row["value"], row["reason"]) == (None, "no test image has a mask")
    row = full["false_positive_rate", "all"]
    assert row["value"] is None
    assert "every test image has a mask" in str(row["reason"])


def test_a_fit_that_was_not_made_has_rows_that_say_why() -> None:
    rows = _metrics(
        SEGMENTATION_SCORES.empty(), num_images=3, missing="no masks to see"
    )

    assert len(rows) == 6
    assert all(row["value"] is None for row in rows.values())
    assert rows["dice", "Pneumothorax"]["reason"] == "no masks to see"


def test_scores_of_some_images_are_refused() -> None:
    with pytest.raises(ValueError, match="one score of each of 3 test images, found 2"):
        _metrics(_scores([(0, 0, 0), (1, 1, 1)]), num_images=3)


def test_two_empty_masks_agree() -> None:
    np.testing.assert_allclose(
        dice_scores([0, 2, 4], [0, 0, 4], [0, 0, 2]), [1, 0, 0.5]
    )


def test_one_mask_for_all_images_is_scored_on_those_with_a_mask() -> None:
    mask_GG = np.array([[True, True], [False, False]])
    true_NGG = np.zeros((3, 2, 2), dtype=bool)
    true_NGG[0] = mask_GG
    true_NGG[1, 0, 0] = True  # 2 * 1 / (2 + 1)

    assert constant_mask_dice(mask_GG, true_NGG) == pytest.approx((1 + 2 / 3) / 2)
    assert constant_mask_dice(mask_GG, true_NGG[2:]) is None
