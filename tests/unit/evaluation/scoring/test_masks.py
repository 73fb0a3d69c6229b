from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from asg_core.evaluation.scoring.masks import (
    area_shares,
    mean_mask,
    read_masks,
    true_masks,
)
from asg_core.images.crop import Crop, centre_crop
from asg_core.images.geometry import Frame, Letterbox
from support.masked_benchmark import TARGET, make_benchmark

NEGATIVE = {"a": {TARGET: 1.0}, "b": {TARGET: 0.0}}
SPLITS = {"a": "train", "b": "test"}


def _whole(size: int) -> Crop:
    return centre_crop(size, size)


def test_runs_go_down_the_columns_of_the_original_frame() -> None:
    # 4 rows, 6 columns. Pixels 4 .. 7 are the second column; 9, 10 are rows 1 and 2 of
    # the third.
    benchmark = make_benchmark(
        split_of=SPLITS, labels=NEGATIVE, runs={"a": [(4, 4), (9, 2)]}
    )

    mask_HW = true_masks(benchmark).full("a", Frame(width=6, height=4))

    expected_HW = np.zeros((4, 6), dtype=bool)
    expected_HW[:, 1] = True
    expected_HW[1:3, 2] = True
    np.testing.assert_array_equal(mask_HW, expected_HW)


def test_where_there_are_only_boxes_their_union_is_the_mask() -> None:
    benchmark = make_benchmark(
        name="rsna",
        split_of=SPLITS,
        labels=NEGATIVE,
        boxes={"a": [(1, 0, 4, 2), (3, 1, 5, 3)]},
    )

    mask_HW = true_masks(benchmark).full("a", Frame(width=6, height=4))

    assert mask_HW.sum() == 6 + 4 - 1  # they share one pixel
    assert mask_HW[0, 1:4].all()
    assert mask_HW[2, 3:5].all()


def test_an_image_without_a_row_has_an_empty_mask() -> None:
    benchmark = make_benchmark(split_of=SPLITS, labels=NEGATIVE, runs={"a": [(0, 1)]})
    masks = true_masks(benchmark)

    assert "a" in masks
    assert "b" not in masks
    assert not masks.full("b", Frame(width=3, height=3)).any()


def test_boxes_of_a_benchmark_with_masks_are_not_masks() -> None:
    benchmark = make_benchmark(
        split_of=SPLITS,
        labels=NEGATIVE,
        runs={"a": [(0, 1)]},
        boxes={"b": [(0, 0, 2, 2)]},
    )

    assert "b" not in true_masks(benchmark)


def test_corners_of_boxes_are_rounded() -> None:
    benchmark = make_benchmark(
        name="rsna", split_of=SPLITS, labels=NEGATIVE, boxes={"a": [(0.6, 0.4, 3.6, 2)]}
    )

    mask_HW = true_masks(benchmark).full("a", Frame(width=6, height=3))

    expected_HW = np.zeros((3, 6), dtype=bool)
    expected_HW[:2, 1:4] = True
    np.testing.assert_array_equal(mask_HW, expected_HW)


def test_runs_and_boxes_of_other_targets_are_no_masks() -> None:
    other = pl.lit("Mass").alias("target")
    of_runs, of_boxes = (
        make_benchmark(split_of=SPLITS, labels=NEGATIVE, runs={"a": [(0, 1)]}),
        make_benchmark(split_of=SPLITS, labels=NEGATIVE, boxes={"a": [(0, 0, 2, 2)]}),
    )

    masks = true_masks(replace(of_runs, masks=of_runs.masks.with_columns(other)))
    boxes = true_masks(replace(of_boxes, boxes=of_boxes.boxes.with_columns(other)))

    assert "a" not in masks
    assert "a" not in boxes


def test_shares_of_cells_by_hand() -> None:
    # 8 x 8 pixels, a grid of 2 x 2 over the whole: each cell has 16 pixels.
    mask_HW = np.zeros((8, 8), dtype=bool)
    mask_HW[:4, :3] = True  # 12 pixels of the first cell
    mask_HW[4:6, 4:] = True  # 8 pixels of the last

    share_GG = area_shares(
        mask_HW,
        letterbox=Letterbox.fit(Frame(width=8, height=8), size=8),
        crop=_whole(8),
        size=2,
    )

    np.testing.assert_allclose(share_GG, [[0.75, 0], [0, 0.5]])


@pytest.mark.parametrize(("width", "height"), [(50, 40), (33, 64), (21, 21)])
@pytest.mark.parametrize(
    "crop", [_whole(32), Crop(resize=40, size=30, left=7, top=2)], ids=["whole", "crop"]
)
def test_shares_are_the_areas_of_many_small_points(
    width: int, height: int, crop: Crop
) -> None:
    rng = np.random.default_rng(1)
    mask_HW = rng.random((height, width)) < 0.4
    letterbox = Letterbox.fit(Frame(width=width, height=height), size=32)
    size = 5

    share_GG = area_shares(mask_HW, letterbox=letterbox, crop=crop, size=size)

    # The slow version: the share of 100 x 100 points of each cell that lie inside.
    step = crop.size / size
    expected_GG = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            offsets = (np.arange(100) + 0.5) / 100
            points = np.stack(
                [
                    np.repeat((column + offsets) * step, 100),
                    np.tile((row + offsets) * step, 100),
                ],
                axis=1,
            )
            in_model = crop.to_model(np.tile(points, 2), source=32)
            x, y = np.floor(letterbox.to_original(in_model)[:, :2].T).astype(int)
            is_seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            expected_GG[row, column] = np.mean(
                is_seen & mask_HW[y.clip(0, height - 1), x.clip(0, width - 1)]
            )
    np.testing.assert_allclose(share_GG, expected_GG, atol=0.02)


def test_masks_follow_the_pixels() -> None:
    # A bright rectangle; the mask is where it is bright. Sent through the same map, they
    # must stay together.
    image_HW = np.zeros((90, 60), dtype=np.uint8)
    image_HW[20:50, 10:38] = 255
    letterbox = Letterbox.fit(Frame(width=60, height=90), size=64)
    crop = centre_crop(56, 48)
    seen_SS = crop.apply(letterbox.apply(image_HW)[None])[0]

    share_GG = area_shares(image_HW > 0, letterbox=letterbox, crop=crop, size=48)

    differing = np.abs(share_GG - seen_SS / 255)
    assert differing.mean() < 0.01
    assert (differing > 0.5).sum() == 0


def test_read_masks_keeps_the_order_and_cuts_at_half() -> None:
    # 4 x 4 pixels. The run covers 2 of the 4 pixels of the first cell, and 3 of 4 of the
    # cell below it: only more than half is inside.
    benchmark = make_benchmark(
        split_of=SPLITS, labels=NEGATIVE, runs={"a": [(0, 4), (6, 1)]}, size=4
    )
    letterbox = Letterbox.fit(Frame(width=4, height=4), size=4)

    masks_NGG = read_masks(
        true_masks(benchmark),
        ["b", "a"],
        letterbox_of={"a": letterbox, "b": letterbox}.__getitem__,
        crop=_whole(4),
        size=2,
    )

    assert masks_NGG.dtype == bool
    assert not masks_NGG[0].any()
    np.testing.assert_array_equal(masks_NGG[1], [[False, False], [True, False]])


def test_no_images_give_no_masks() -> None:
    benchmark = make_benchmark(split_of=SPLITS, labels=NEGATIVE, runs={})

    letterbox = Letterbox.fit(Frame(width=4, height=4), size=4)

    masks_NGG = read_masks(
        true_masks(benchmark),
        [],
        letterbox_of=lambda _: letterbox,
        crop=_whole(4),
        size=3,
    )

    assert masks_NGG.shape == (0, 3, 3)


def test_a_benchmark_without_masks_is_refused() -> None:
    benchmark = make_benchmark(split_of=SPLITS, labels=NEGATIVE)

    with pytest.raises(ValueError, match="'siim', which has no segmentation target"):
        true_masks(benchmark)


def test_a_run_beyond_its_image_is_refused() -> None:
    benchmark = make_benchmark(split_of=SPLITS, labels=NEGATIVE, runs={"a": [(10, 9)]})

    with pytest.raises(ValueError, match="expected runs within 4 x 4 pixels"):
        true_masks(benchmark).full("a", Frame(width=4, height=4))


def test_the_mean_mask_is_over_masks_that_are_not_empty() -> None:
    masks_NGG = np.zeros((12, 1, 3), dtype=bool)
    masks_NGG[0, 0, 0] = True
    masks_NGG[1:5, 0, 1] = True  # 4 of the 5 that are not empty; the first cell: 1 of 5

    np.testing.assert_array_equal(mean_mask(masks_NGG), [[False, True, False]])
    assert not mean_mask(masks_NGG[6:]).any()
    assert mean_mask(masks_NGG[:0]).shape == (1, 3)
