import numpy as np
import pytest

from asg_core.evaluation.scoring.bootstrap import Resamples
from asg_core.evaluation.scoring.fits import Draw, Fit, Skipped, Subject
from asg_core.evaluation.scoring.metrics import TestSet
from asg_core.evaluation.scoring.pixel_counts import PixelCounts
from asg_core.evaluation.scoring.score_frames import segmentation_frame
from asg_core.evaluation.scoring.segmentation_metrics import (
    MaskRules,
    segmentation_metrics,
)
from asg_core.tables.catalog import METRICS, SEGMENTATION_SCORES

TARGET = "Pneumothorax"
DRAW = Draw(
    fraction=1.0, seed=0, image_ids=tuple("abcdefghi"), num_positive={TARGET: 4}
)
SUBJECT = Subject(
    benchmark="siim", split="image", protocol="segmentation-cached", encoder="full"
)


def _fit(counts: list[tuple[int, int, int]]) -> Fit:
    """Return a fit of images with these pixels, predicted, true and shared."""
    predicted_N, true_N, shared_N = np.array(counts, dtype=np.int64).T
    frame = segmentation_frame(
        PixelCounts(predicted_N=predicted_N, true_N=true_N, shared_N=shared_N),
        [f"t{place}" for place in range(len(counts))],
        target=TARGET,
        subject=SUBJECT,
        draw=DRAW,
    )
    SEGMENTATION_SCORES.check(frame, where="here")
    return Fit(draw=DRAW, test=frame)


def _metrics(
    outcome: Fit | Skipped, *, num_images: int
) -> dict[tuple[str, str], dict[str, object]]:
    image_ids = tuple(f"t{place}" for place in range(num_images))
    metrics = segmentation_metrics(
        [outcome],
        test_set=TestSet(
            test_digest="0",
            targets=(TARGET,),
            is_exclusive=False,
            image_ids=image_ids,
            validate_ids=(),
            truth_NT=np.zeros((num_images, 1), np.float32),
            resamples=Resamples(image_ids, num=100, seed=0),
        ),
        subject=SUBJECT,
        rules=MaskRules(target=TARGET, mean_mask_dice=0.3),
    )
    METRICS.check(metrics, where="here")
    rows = metrics.iter_rows(named=True)
    return {(str(row["metric"]), str(row["target"])): row for row in rows}


def test_dice_by_hand_over_all_images_and_over_those_with_a_mask() -> None:
    # 2 * 3 / (4 + 6) = 0.6; nothing found: 0; nothing there, nothing predicted: 1; nothing
    # there, 2 predicted: 0.
    fit = _fit([(4, 6, 3), (0, 5, 0), (0, 0, 0), (2, 0, 0)])

    rows = _metrics(fit, num_images=4)

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


def test_scores_may_come_in_any_order() -> None:
    fit = _fit([(4, 6, 3), (0, 5, 0), (0, 0, 0), (2, 0, 0)])
    turned = Fit(draw=DRAW, test=fit.test.reverse())

    assert _metrics(turned, num_images=4) == _metrics(fit, num_images=4)


def test_predicting_nothing_scores_the_floor() -> None:
    rows = _metrics(_fit([(0, 5, 0), (0, 0, 0), (0, 0, 0)]), num_images=3)

    row = rows["dice", "Pneumothorax"]
    assert row["value"] == row["floor"] == pytest.approx(2 / 3)
    assert rows["dice_positive", "Pneumothorax"]["value"] == 0


def test_without_a_mask_or_without_an_empty_one_a_metric_is_undefined() -> None:
    empty = _metrics(_fit([(0, 0, 0)]), num_images=1)
    full = _metrics(_fit([(2, 2, 2)]), num_images=1)

    row = empty["dice_positive", "Pneumothorax"]
    assert (row["value"], row["reason"]) == (None, "no test image has a mask")
    row = full["false_positive_rate", "all"]
    assert row["value"] is None
    assert "every test image has a mask" in str(row["reason"])


def test_a_fit_that_was_not_made_has_rows_that_say_why() -> None:
    rows = _metrics(Skipped(draw=DRAW, reason="no masks to see"), num_images=3)

    assert len(rows) == 6
    assert all(row["value"] is None for row in rows.values())
    assert rows["dice", "Pneumothorax"]["reason"] == "no masks to see"


def test_scores_of_some_images_are_refused() -> None:
    with pytest.raises(ValueError, match="one score of each of 3 test images, found 2"):
        _metrics(_fit([(0, 0, 0), (1, 1, 1)]), num_images=3)
