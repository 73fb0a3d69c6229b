import cv2
import numpy as np
import pytest

from asg_core.images.geometry import (
    Frame,
    Letterbox,
    box_area,
    box_iou,
    clip_boxes,
    paired_intersection,
    paired_iou,
)


def test_a_wide_image_is_scaled_by_its_width_and_padded_above_and_below() -> None:
    letterbox = Letterbox.fit(Frame(width=640, height=524), size=256)

    # 524 * 256 / 640 = 209.6: 210 rows are used, and (256 - 210) / 2 are left above.
    assert letterbox.resized == Frame(width=256, height=210)
    assert (letterbox.pad_x, letterbox.pad_y) == (0, 23)
    assert letterbox.scale_x == pytest.approx(0.4)
    assert letterbox.scale_y == pytest.approx(210 / 524)


def test_boxes_follow_the_scale_and_the_padding() -> None:
    letterbox = Letterbox.fit(Frame(width=200, height=400), size=100)

    in_model = letterbox.to_model([[0, 0, 200, 400], [20, 40, 60, 80]])

    # Scale 1/4; the width of 50 is centred, so x moves by 25.
    assert in_model.tolist() == [[25, 0, 75, 100], [30, 10, 40, 20]]
    assert letterbox.to_original(in_model).tolist() == [
        [0, 0, 200, 400],
        [20, 40, 60, 80],
    ]


def test_no_boxes_stay_no_boxes() -> None:
    letterbox = Letterbox.fit(Frame(width=3, height=5), size=10)

    assert letterbox.to_model([]).shape == (0, 4)
    assert letterbox.to_original(np.zeros((0, 4))).shape == (0, 4)
    assert box_area([]).shape == (0,)
    assert box_iou([], [[0, 0, 1, 1]]).shape == (0, 1)


def test_pixels_are_averaged_over_areas_and_centred() -> None:
    image = np.array([[0, 100, 10, 10], [100, 200, 10, 50]], dtype=np.uint8)
    letterbox = Letterbox.fit(Frame(width=4, height=2), size=2)

    # Each 2 x 2 block becomes its mean: 400 / 4 and 80 / 4; the rest is padding.
    assert letterbox.apply(image).tolist() == [[100, 20], [0, 0]]


@pytest.mark.parametrize(
    ("width", "height"), [(1024, 1024), (3056, 2544), (2021, 2505), (517, 333)]
)
def test_bilinear_pixels_are_those_of_one_call_of_opencv(
    width: int, height: int
) -> None:
    """Which is what albumentations, in the released code of ASG and MGCA, calls."""
    image = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    letterbox = Letterbox.fit(Frame(width=width, height=height), size=256)

    square = letterbox.apply(image, resample="bilinear")

    inside = letterbox.resized
    expected = cv2.resize(image, (inside.width, inside.height))  # bilinear by default
    rows = slice(letterbox.pad_y, letterbox.pad_y + inside.height)
    columns = slice(letterbox.pad_x, letterbox.pad_x + inside.width)
    np.testing.assert_array_equal(square[rows, columns], expected)
    assert square.astype(int).sum() == expected.astype(int).sum()
    by_area = letterbox.apply(image)
    assert by_area.std() < square.std()  # means of noise vary less than single pixels


def test_a_small_image_is_enlarged() -> None:
    image = np.array([[0, 255]], dtype=np.uint8)
    letterbox = Letterbox.fit(Frame(width=2, height=1), size=8)

    enlarged = letterbox.apply(image)

    assert not enlarged[:2].any()
    assert not enlarged[6:].any()
    # Pixel centres at 2 and 6, linear between: 255 * (x + 0.5 - 2) / 4 for x = 2 .. 5.
    expected = [0, 0, 31.9, 95.6, 159.4, 223.1, 255, 255]
    np.testing.assert_allclose(enlarged[3], expected, atol=1)


def test_the_thinnest_image_keeps_one_pixel() -> None:
    letterbox = Letterbox.fit(Frame(width=3000, height=1), size=256)

    assert letterbox.resized == Frame(width=256, height=1)
    assert letterbox.apply(np.full((1, 3000), 9, dtype=np.uint8)).sum() == 256 * 9


def test_a_reduced_image_lands_where_the_whole_one_does() -> None:
    # 10 x 6, of which a decoder at half size gives 5 x 3; at a quarter 3 x 2, whose last
    # column covers two real columns only.
    columns = np.arange(10, dtype=np.uint8) * 20
    whole = np.tile(columns, (6, 1))
    quarter = np.tile(np.array([30, 110, 170], dtype=np.uint8), (2, 1))
    letterbox = Letterbox.fit(Frame(width=10, height=6), size=2)

    expected = letterbox.apply(whole)
    reduced = letterbox.apply(quarter, reduction=4)

    # Columns 0-4 and 5-9 have the means 40 and 140. Of the reduced image the first five
    # columns are four of 30 and one of 110, the last five three of 110 and two of 170.
    assert expected[0].tolist() == [40, 140]
    assert reduced[0].tolist() == [46, 134]


def test_pixels_of_another_frame_are_refused() -> None:
    letterbox = Letterbox.fit(Frame(width=4, height=2), size=2)

    with pytest.raises(ValueError, match=r"shape \(2, 4\), found \(4, 2\)"):
        letterbox.apply(np.zeros((4, 2), dtype=np.uint8))
    with pytest.raises(TypeError, match="expected uint8 pixels, found float64"):
        letterbox.apply(np.zeros((2, 4)))  # type: ignore[arg-type] # the mistake


def test_a_frame_has_pixels() -> None:
    with pytest.raises(ValueError, match="at least one pixel each way, found 0 x 5"):
        Frame(width=0, height=5)


def test_boxes_have_four_numbers() -> None:
    with pytest.raises(ValueError, match=r"shape \(N, 4\).* found an array of shape"):
        box_area([1, 2, 3, 4])


def test_clipping_cuts_to_the_frame_and_empties_what_is_outside() -> None:
    boxes = [[-5, -5, 3, 4], [2, 2, 90, 90], [20, 0, 30, 5]]

    clipped = clip_boxes(boxes, Frame(width=10, height=8))

    assert clipped.tolist() == [[0, 0, 3, 4], [2, 2, 10, 8], [10, 0, 10, 5]]
    assert box_area(clipped).tolist() == [12, 48, 0]


def test_reversed_corners_have_no_area() -> None:
    assert box_area([[5, 0, 2, 4], [5, 5, 2, 2]]).tolist() == [0, 0]


def test_iou_of_all_with_all() -> None:
    boxes = [[0, 0, 4, 4], [2, 2, 2, 2]]
    others = [[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4], [2, 2, 2, 2]]

    # Half overlap: 8 / (16 + 16 - 8). Touching is no overlap; no area is no overlap.
    expected = np.array([[1, 1 / 3, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(box_iou(boxes, others), expected)


def test_pairs_are_compared_one_by_one() -> None:
    boxes, others = [[0, 0, 4, 4], [0, 0, 2, 2]], [[2, 0, 6, 4], [1, 1, 3, 3]]

    np.testing.assert_allclose(paired_iou(boxes, others), [1 / 3, 1 / 7])
    assert paired_intersection(boxes, others).tolist() == [8, 1]
    with pytest.raises(ValueError, match="found 2 boxes and 1 counterparts"):
        paired_iou(boxes, others[:1])
