import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from asg_core.images.geometry import (
    Frame,
    Letterbox,
    box_area,
    box_iou,
    clip_boxes,
    paired_iou,
)

unit = st.floats(0, 1)
frames = st.builds(Frame, width=st.integers(1, 4000), height=st.integers(1, 4000))
small_frames = st.builds(Frame, width=st.integers(60, 200), height=st.integers(60, 200))
low, high = st.floats(0, 0.4), st.floats(0.6, 1)
coordinates = st.integers(-5, 25)
any_boxes = st.lists(
    st.lists(coordinates, min_size=4, max_size=4), min_size=1, max_size=5
)


def box_in(frame: Frame, corners: tuple[float, ...]) -> npt.NDArray[np.float64]:
    xs, ys = sorted(corners[:2]), sorted(corners[2:])
    box = np.array([[xs[0], ys[0], xs[1], ys[1]]], dtype=np.float64)
    return box * np.array([frame.width, frame.height] * 2, dtype=np.float64)


@settings(max_examples=60)
@given(
    frame=frames, size=st.integers(16, 1024), corners=st.tuples(unit, unit, unit, unit)
)
def test_a_box_survives_the_round_trip_and_stays_in_the_model_frame(
    frame: Frame, size: int, corners: tuple[float, ...]
) -> None:
    box = box_in(frame, corners)
    letterbox = Letterbox.fit(frame, size=size)

    in_model = letterbox.to_model(box)

    assert (in_model >= -1e-6).all()
    assert (in_model <= size + 1e-6).all()
    np.testing.assert_allclose(letterbox.to_original(in_model), box, atol=1e-6)


@settings(max_examples=60)
@given(frame=frames, size=st.integers(16, 1024))
def test_the_image_fills_the_square_one_way_and_keeps_its_shape(
    frame: Frame, size: int
) -> None:
    letterbox = Letterbox.fit(frame, size=size)

    resized = letterbox.resized
    assert max(resized.width, resized.height) == size
    # The shorter side is off by at most half a pixel, or is the one pixel it must have.
    scale = size / max(frame.width, frame.height)
    exact = min(frame.width, frame.height) * scale
    assert abs(min(resized.width, resized.height) - max(exact, 0.5)) <= 0.5 + 1e-9
    # The padding is even on both sides, but for an odd pixel.
    assert size - resized.width - 2 * letterbox.pad_x in (0, 1)
    assert size - resized.height - 2 * letterbox.pad_y in (0, 1)


@settings(max_examples=60)
@given(
    frame=small_frames,
    size=st.integers(64, 300),
    corners=st.tuples(low, high, low, high),
    reduction=st.sampled_from([1, 2, 4]),
)
def test_a_drawn_rectangle_lands_where_its_box_does(
    frame: Frame, size: int, corners: tuple[float, ...], reduction: int
) -> None:
    x0, y0, x1, y1 = np.round(box_in(frame, corners)[0]).astype(int)
    image = np.zeros((frame.height, frame.width), dtype=np.uint8)
    image[y0:y1, x0:x1] = 255
    letterbox = Letterbox.fit(frame, size=size)
    reduced = block_means(image, reduction)

    in_model = letterbox.to_model([[x0, y0, x1, y1]])[0]
    drawn = letterbox.apply(reduced, reduction=reduction)

    # A pixel is brighter than half where more than half of it is covered, so an edge is
    # found to half a pixel of the model frame, and of the reduced image where one is.
    reach = 0.5 + (0 if reduction == 1 else reduction * letterbox.scale_x / 2) + 1e-6
    rows, columns = np.nonzero(drawn > 127)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(np.array(found) - in_model).max() <= reach


def block_means(image: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.uint8]:
    """What a JPEG decoder gives at 1 / factor: means of blocks, the last ones padded."""
    padding = [(0, -side % factor) for side in image.shape]
    padded = np.pad(image, padding, mode="edge").astype(np.float64)
    rows, columns = padded.shape[0] // factor, padded.shape[1] // factor
    blocks = padded.reshape(rows, factor, columns, factor)
    return np.asarray(np.round(blocks.mean(axis=(1, 3))), dtype=np.uint8)


@settings(max_examples=60)
@given(boxes=any_boxes, others=any_boxes)
def test_iou_is_what_counting_pixels_gives(
    boxes: list[list[int]], others: list[list[int]]
) -> None:
    actual = box_iou(boxes, others)

    for row, box in enumerate(boxes):
        for column, other in enumerate(others):
            ours, theirs = pixels_of(box), pixels_of(other)
            union = len(ours | theirs)
            expected = len(ours & theirs) / union if union else 0.0
            np.testing.assert_allclose(actual[row, column], expected)
            np.testing.assert_allclose(paired_iou([box], [other]), [expected])


def pixels_of(box: list[int]) -> set[tuple[int, int]]:
    x0, y0, x1, y1 = box
    return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}


@settings(max_examples=60)
@given(boxes=any_boxes)
def test_clipped_boxes_keep_the_pixels_inside(
    boxes: list[list[int]],
) -> None:
    frame = Frame(width=20, height=12)

    areas = box_area(clip_boxes(boxes, frame))

    inside = {(x, y) for x in range(20) for y in range(12)}
    assert areas.tolist() == [len(pixels_of(box) & inside) for box in boxes]
