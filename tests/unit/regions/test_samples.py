import logging
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from asg_core.regions.config import AugmentationConfig
from asg_core.regions.samples import (
    Sample,
    TrainingSet,
    augment,
    make_training_set,
    read_samples,
)
from support.drawn_regions import DrawnRegions

STILL = AugmentationConfig(shift=0, log_scale=0, brightness=0, log_contrast=0)


def _read(
    drawn: DrawnRegions,
    *,
    step: int,
    seed: int = 0,
    augmentation: AugmentationConfig | None = None,
) -> list[Sample]:
    return read_samples(
        make_training_set(drawn.boxes, cache=drawn.cache),
        cache=drawn.cache,
        step=step,
        batch_size=4,
        seed=seed,
        augmentation=augmentation or AugmentationConfig(),
    )


def test_only_the_training_split_is_taught_in_the_model_frame(
    drawn: DrawnRegions,
) -> None:
    chosen = make_training_set(drawn.boxes, cache=drawn.cache)

    assert chosen.image_ids == tuple(f"image-{number:02d}" for number in range(8))
    # 128 x 96 scaled by 0.5 into 64 x 64: 8 rows of padding above.
    original = drawn.boxes.filter(
        pl.col("image_id") == "image-03", pl.col("region") == "right lung"
    )["box_xyxy"][0]
    expected = [
        original[0] / 2,
        original[1] / 2 + 8,
        original[2] / 2,
        original[3] / 2 + 8,
    ]
    assert chosen.region_indices[3].tolist() == [0, 8, 24]
    assert chosen.boxes_model[3][0].tolist() == pytest.approx(expected)


def test_the_digest_is_of_images_boxes_and_regions(drawn: DrawnRegions) -> None:
    chosen = make_training_set(drawn.boxes, cache=drawn.cache)
    first, *others = chosen.region_indices
    moved, *rest = chosen.boxes_model
    others_by_part = (
        replace(chosen, region_indices=(first + 1, *others)),
        replace(chosen, boxes_model=(moved + 1, *rest)),
        replace(chosen, image_ids=("another", *chosen.image_ids[1:])),
    )

    digests = {chosen.digest(), *(other.digest() for other in others_by_part)}

    assert replace(chosen).digest() == chosen.digest()
    assert len(digests) == 4


def test_the_validation_split_is_not_taught(drawn: DrawnRegions) -> None:
    is_held_out = pl.col("image_id") == "image-03"
    boxes = drawn.boxes.with_columns(
        split=pl.when(is_held_out).then(pl.lit("validate")).otherwise("split")
    )

    chosen = make_training_set(boxes, cache=drawn.cache)

    assert "image-03" not in chosen.image_ids
    assert len(chosen.image_ids) == 7


def test_a_zoom_leaves_the_middle_of_the_image_where_it_is() -> None:
    class Largest(np.random.Generator):
        """Draws the largest zoom, and no shift."""

        def uniform(self, *_: float, size: int | None = None) -> object:  # type: ignore[override]
            return 1.0 if size is None else np.zeros(size)

    image_HW = np.zeros((20, 30), dtype=np.uint8)
    image_HW[8:12, 12:18] = 200
    box = np.array([[12.0, 8.0, 18.0, 12.0]])
    zoom = AugmentationConfig(
        shift=0, log_scale=np.log(2), brightness=0, log_contrast=0
    )

    sample = augment(
        image_HW,
        box,
        np.array([0]),
        rng=Largest(np.random.PCG64(0)),
        augmentation=zoom,
    )

    np.testing.assert_allclose(sample.boxes_L4[0], [9, 6, 21, 14])
    np.testing.assert_array_equal(sample.image_HW, sample.image_HW[::-1, ::-1])
    assert (sample.image_HW[7:13, 10:20] == 200).all()


def test_what_cannot_be_taught_is_left_out_and_counted(
    drawn: DrawnRegions, caplog: pytest.LogCaptureFixture
) -> None:
    odd = drawn.boxes.head(3).with_columns(
        image_id=pl.Series(["image-00", "elsewhere", "image-01"]),
        region=pl.Series(
            ["spine", "spine", "carina"], dtype=drawn.boxes["region"].dtype
        ),
        box_xyxy=pl.Series(
            [[10, 10, 11, 60], [0, 0, 9, 9], [200, 10, 220, 60]],
            dtype=pl.Array(pl.Float32, 4),
        ),
    )

    with caplog.at_level(logging.INFO):
        chosen = make_training_set(pl.concat([drawn.boxes, odd]), cache=drawn.cache)

    assert [len(boxes) for boxes in chosen.boxes_model] == [3] * 8
    assert "1 images are not in the pixel cache, 2 boxes are smaller" in caplog.text


def test_nothing_to_learn_from_is_one_sentence(drawn: DrawnRegions) -> None:
    with pytest.raises(
        ValueError, match=r"found none among 12 boxes \(0 of split 'train'"
    ):
        make_training_set(
            drawn.boxes.filter(pl.col("split") == "test"), cache=drawn.cache
        )


def test_a_sample_is_a_function_of_seed_step_and_position(drawn: DrawnRegions) -> None:
    first, again = _read(drawn, step=5), _read(drawn, step=5)
    other_seed, other_step = _read(drawn, step=5, seed=1), _read(drawn, step=6)

    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.image_HW, two.image_HW)
        np.testing.assert_array_equal(one.boxes_L4, two.boxes_L4)
    assert any(
        (a.image_HW != b.image_HW).any() for a, b in zip(first, other_seed, strict=True)
    )
    assert any(
        (a.image_HW != b.image_HW).any() for a, b in zip(first, other_step, strict=True)
    )


def test_a_pass_that_ends_within_a_step_is_followed_by_the_next(
    drawn: DrawnRegions,
) -> None:
    chosen = make_training_set(drawn.boxes, cache=drawn.cache)
    number_of = {boxes.tobytes(): at for at, boxes in enumerate(chosen.boxes_model)}

    shown = [
        number_of[sample.boxes_L4.astype(np.float64).tobytes()]
        for step in range(8)
        for sample in read_samples(
            chosen,
            cache=drawn.cache,
            step=step,
            batch_size=3,
            seed=0,
            augmentation=STILL,
        )
    ]

    passes = [shown[0:8], shown[8:16], shown[16:24]]
    assert [sorted(one) for one in passes] == [list(range(8))] * 3
    assert len({tuple(one) for one in passes}) == 3


def test_every_image_is_shown_once_in_a_pass_and_each_pass_has_its_order(
    drawn: DrawnRegions,
) -> None:
    def shown(steps: range) -> list[bytes]:
        return [
            sample.boxes_L4.tobytes()
            for step in steps
            for sample in _read(drawn, step=step, augmentation=STILL)
        ]

    first, second = shown(range(2)), shown(range(2, 4))

    assert len(set(first)) == 8
    assert sorted(first) == sorted(second)
    assert first != second


def _extent(image_HW: npt.NDArray[np.uint8]) -> list[int]:
    rows, columns = np.nonzero(image_HW > 128)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("seed", range(6))
def test_boxes_follow_their_pixels(seed: int) -> None:
    image_HW = np.zeros((64, 64), dtype=np.uint8)
    image_HW[20:44, 12:30] = 255

    sample = augment(
        image_HW,
        np.array([[12.0, 20.0, 30.0, 44.0]]),
        np.array([24]),
        rng=np.random.default_rng(seed),
        augmentation=AugmentationConfig(
            shift=0.1, log_scale=0.2, brightness=0, log_contrast=0
        ),
    )

    assert sample.boxes_L4[0].tolist() == pytest.approx(
        _extent(sample.image_HW), abs=0.75
    )


def test_left_stays_left_whatever_is_drawn() -> None:
    image_HW = np.zeros((64, 64), dtype=np.uint8)
    image_HW[20:44, 8:20] = 255
    strong = AugmentationConfig(
        shift=0.1, log_scale=0.3, brightness=0.3, log_contrast=0.5
    )

    centres = []
    for seed in range(40):
        sample = augment(
            image_HW,
            np.array([[8.0, 20.0, 20.0, 44.0]]),
            np.array([0]),
            rng=np.random.default_rng(seed),
            augmentation=strong,
        )
        centres.append(sample.image_HW.astype(float).sum(axis=0).argmax())

    assert max(centres) < 32


def test_a_box_that_mostly_leaves_the_image_is_not_taught() -> None:
    boxes = np.array([[0.0, 20.0, 40.0, 40.0], [-30.0, 20.0, 10.0, 40.0]])

    sample = augment(
        np.zeros((64, 64), dtype=np.uint8),
        boxes,
        np.array([0, 8]),
        rng=np.random.default_rng(0),
        augmentation=STILL,
    )

    # The second keeps 10 of its 40 columns, less than 0.4 of its area.
    assert sample.region_L.tolist() == [0]
    assert sample.boxes_L4.tolist() == [[0.0, 20.0, 40.0, 40.0]]


def test_the_digest_sees_a_moved_box() -> None:
    def digest(corner: float) -> str:
        return TrainingSet(
            image_ids=("a",),
            boxes_model=(np.array([[0.0, 0.0, 5.0, corner]]),),
            region_indices=(np.array([3]),),
        ).digest()

    assert digest(5.0) == digest(5.0)
    assert digest(5.0) != digest(5.5)
