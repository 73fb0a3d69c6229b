import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asg_core.images.crop import Crop, CropDraw, centre_crop
from asg_core.images.geometry import Pixels
from asg_core.images.resample import Resample


def _image(side: int, *, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, size=(side, side), dtype=np.uint8)


def test_the_centre_without_scaling_is_a_slice() -> None:
    images = np.stack([_image(16), _image(16, seed=1)])

    window = centre_crop(16, 10).apply(images)

    assert np.array_equal(window, images[:, 3:13, 3:13])


def test_shrinking_averages_areas_and_enlarging_interpolates() -> None:
    image = _image(16)

    half = centre_crop(8, 8).apply(image[None])[0]
    double = centre_crop(32, 32).apply(image[None])[0]

    means = image.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert np.abs(half - means).max() <= 0.5
    assert np.array_equal(double, cv2.resize(image, (32, 32)))


def _bilinear(image_SS: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.float64]:
    """Mix the four pixels around the centre of each new one, pixel by pixel."""
    source = len(image_SS)
    mixed = np.zeros((side, side))
    for y in range(side):
        for x in range(side):
            from_y, from_x = (
                np.clip((place + 0.5) * source / side - 0.5, 0, source - 1)
                for place in (y, x)
            )
            top, left = int(from_y), int(from_x)
            below, right = min(top + 1, source - 1), min(left + 1, source - 1)
            down, across = from_y - top, from_x - left
            upper = (1 - across) * image_SS[top, left] + across * image_SS[top, right]
            lower = (1 - across) * image_SS[below, left] + across * image_SS[
                below, right
            ]
            mixed[y, x] = (1 - down) * upper + down * lower
    return mixed


@pytest.mark.parametrize("side", [5, 8, 13, 24])
def test_bilinear_mixes_four_pixels_whatever_the_scale(side: int) -> None:
    image = _image(16)

    window = centre_crop(side, side, resample="bilinear").apply(image[None])[0]

    assert np.abs(window - _bilinear(image, side)).max() <= 1
    by_area = centre_crop(side, side).apply(image[None])[0]
    is_smaller = side < 16 and side != 8  # a half is the same both ways
    assert np.array_equal(window, by_area) != is_smaller


def test_a_drawn_crop_is_scaled_as_it_was_asked_to_be() -> None:
    draw = CropDraw(resize=12, size=8, resample="bilinear")

    assert draw.draw(np.random.default_rng(0)).resample == "bilinear"
    assert draw.centre() == centre_crop(12, 8, resample="bilinear")


def test_no_images_give_no_windows() -> None:
    assert centre_crop(8, 6).apply(np.zeros((0, 16, 16), np.uint8)).shape == (0, 6, 6)


def test_grey_values_are_stretched_about_the_middle_then_shifted_and_cut() -> None:
    crop = Crop(resize=4, size=1, left=0, top=0, contrast=2.0, lift=0.1)
    image = np.full((1, 4, 4), 100, np.uint8)

    # (100 - 127.5) * 2 + 127.5 + 25.5 = 98
    assert crop.apply(image).item() == 98
    assert crop.apply(np.full((1, 4, 4), 250, np.uint8)).item() == 255
    assert crop.apply(np.zeros((1, 4, 4), np.uint8)).item() == 0


def test_a_box_by_hand() -> None:
    crop = Crop(resize=20, size=10, left=4, top=6)

    # Cached 40 -> 20: halved, then moved by (4, 6), then cut to 10 x 10.
    moved = crop.to_input([[10, 20, 40, 30], [0, 0, 8, 40]], source=40)

    assert moved.tolist() == [[1, 4, 10, 9], [0, 0, 0, 10]]


@given(
    source=st.integers(16, 64),
    resize=st.integers(16, 80),
    share=st.floats(0.2, 1),
    seed=st.integers(0, 99),
)
def test_boxes_go_there_and_back_and_follow_the_pixels(
    source: int, resize: int, share: float, seed: int
) -> None:
    size = max(4, int(resize * share))
    crop = CropDraw(resize=resize, size=size, log_scale=0.2).draw(
        np.random.default_rng(seed)
    )
    whole = crop.to_model([[0, 0, size, size]], source=source)

    assert crop.to_input(whole, source=source) == pytest.approx(
        np.array([[0, 0, size, size]]), abs=1e-9
    )
    box = crop.to_input(
        [[source / 4, source / 4, source / 2, source / 2]], source=source
    )
    image = np.zeros((1, source, source), np.uint8)
    quarter, half = source // 4, source // 2
    image[:, quarter:half, quarter:half] = 255
    mask = crop.apply(image)[0] >= 128
    area = (box[0, 2] - box[0, 0]) * (box[0, 3] - box[0, 1])
    slack = 2 * (2 + 2 * crop.resize / source) * crop.resize / 2
    assert abs(mask.sum() - area) <= slack


def test_draws_are_inside_and_use_the_whole_range() -> None:
    draw = CropDraw(resize=20, size=16, log_scale=0.1, brightness=0.2, log_contrast=0.3)

    crops = [draw.draw(np.random.default_rng(seed)) for seed in range(200)]

    assert {crop.left for crop in crops if crop.resize == 20} == set(range(5))
    assert {crop.resize for crop in crops} == set(range(18, 23))
    assert max(abs(crop.lift) for crop in crops) <= 0.2
    assert max(abs(np.log(crop.contrast)) for crop in crops) <= 0.3
    assert draw.centre() == centre_crop(20, 16)
    assert draw.draw(np.random.default_rng(3)) == draw.draw(np.random.default_rng(3))


def test_without_amounts_only_the_place_is_random() -> None:
    crop = CropDraw(resize=20, size=16).draw(np.random.default_rng(0))

    assert (crop.resize, crop.contrast, crop.lift) == (20, 1.0, 0.0)


def test_nothing_to_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a window of 20 px inside 16 px"):
        centre_crop(16, 20)
    with pytest.raises(TypeError, match="expected uint8 images"):
        centre_crop(16, 8).apply(np.zeros((16, 16), np.uint8))


@pytest.mark.parametrize("resample", ["area", "bilinear"])
def test_a_window_is_where_it_says_down_and_across(resample: Resample) -> None:
    image = _image(16)
    crop = Crop(resize=16, size=4, left=9, top=2, resample=resample)
    half = Crop(resize=8, size=3, left=4, top=1, resample=resample)

    whole = centre_crop(8, 8, resample=resample).apply(image[None])[0]

    assert np.array_equal(crop.apply(image[None])[0], image[2:6, 9:13])
    assert np.array_equal(half.apply(image[None])[0], whole[1:4, 4:7])
