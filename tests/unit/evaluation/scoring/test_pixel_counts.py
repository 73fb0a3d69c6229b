import numpy as np
import pytest

from asg_core.evaluation.scoring.pixel_counts import (
    PixelCounts,
    count_pixels,
    join_counts,
    mean_mask_dice,
)


def test_counts_and_dice_by_hand() -> None:
    predicted_NGG = np.array([[[1, 1], [0, 0]], [[0, 1], [0, 0]]], dtype=bool)
    true_NGG = np.array([[[1, 0], [1, 0]], [[0, 0], [0, 0]]], dtype=bool)

    counts = count_pixels(predicted_NGG, true_NGG)

    assert counts.predicted_N.tolist() == [2, 1]
    assert counts.true_N.tolist() == [2, 0]
    assert counts.shared_N.tolist() == [1, 0]
    assert counts.dice().tolist() == [0.5, 0.0]  # 2 * 1 / (2 + 2); 2 * 0 / (1 + 0)
    assert counts.mean_positive_dice() == 0.5  # the empty one is out
    assert count_pixels(predicted_NGG[1:], true_NGG[1:]).mean_positive_dice() is None


def test_two_empty_masks_agree() -> None:
    counts = PixelCounts(
        predicted_N=np.array([0, 2, 4]),
        true_N=np.array([0, 0, 4]),
        shared_N=np.array([0, 0, 2]),
    )

    np.testing.assert_allclose(counts.dice(), [1, 0, 0.5])


def test_parts_are_joined_in_their_order() -> None:
    one, two = (
        PixelCounts(
            predicted_N=np.array([start]),
            true_N=np.array([start + 1]),
            shared_N=np.array([start + 2]),
        )
        for start in (1, 5)
    )

    joined = join_counts([one, two])

    assert joined.predicted_N.tolist() == [1, 5]
    assert joined.true_N.tolist() == [2, 6]
    assert joined.shared_N.tolist() == [3, 7]


def test_the_mean_training_mask_is_scored_on_test_images_with_a_mask() -> None:
    train_NGG = np.zeros((2, 2, 2), dtype=bool)
    train_NGG[0, 0] = True  # the upper row; the empty mask does not count
    test_NGG = np.zeros((3, 2, 2), dtype=bool)
    test_NGG[0, 0] = True
    test_NGG[1, 0, 0] = True  # 2 * 1 / (2 + 1)

    found = mean_mask_dice(train_NGG, test_NGG)

    assert found == pytest.approx((1 + 2 / 3) / 2)
    assert mean_mask_dice(train_NGG, test_NGG[2:]) is None
    # Nothing learnt is nothing predicted.
    assert mean_mask_dice(train_NGG[1:], test_NGG) == 0
