import polars as pl

from asg_core.regions.import_boxes import import_regions
from asg_core.tables.catalog import ANNOTATED_BOXES, IMAGES, REGION_BOXES, REJECTS


def _images() -> pl.DataFrame:
    views = {"a": "PA", "b": "AP", "c": "LATERAL", "d": "LATERAL"}
    return IMAGES.frame(
        {
            "image_id": image_id,
            "study_id": "1",
            "path": f"{image_id}.jpg",
            "view": view,
            "width": 100,
            "height": 80,
        }
        for image_id, view in views.items()
    )


def _annotated(*rows: tuple[str, str, list[float], str]) -> pl.DataFrame:
    return ANNOTATED_BOXES.frame(
        {
            "image_id": image_id,
            "region": region,
            "box_xyxy": box,
            "split": split,
            "origin": "table",
        }
        for image_id, region, box, split in rows
    )


def test_boxes_of_every_split_are_taken_with_their_origin() -> None:
    annotated = _annotated(
        ("a", "spine", [40, -5, 60, 90], "test"),
        ("b", "carina", [50, 30, 55, 35], "train"),
        ("d", "spine", [1, 2, 3, 4], "train"),
    )

    result = import_regions(annotated, _images())

    REGION_BOXES.check(result.region_boxes, where="test")
    assert result.region_boxes.rows() == [
        ("a", "spine", [40.0, 0.0, 60.0, 80.0], 1.0, "table"),
        ("b", "carina", [50.0, 30.0, 55.0, 35.0], 1.0, "table"),
        ("d", "spine", [1.0, 2.0, 3.0, 4.0], 1.0, "table"),
    ]
    assert result.rejects.is_empty()


def test_boxes_outside_and_frontal_images_without_boxes_are_rejected() -> None:
    annotated = _annotated(
        ("a", "spine", [120, 5, 140, 90], "train"),
        ("a", "carina", [50, 30, 50, 35], "train"),
        ("elsewhere", "carina", [50, 30, 55, 35], "train"),
    )

    result = import_regions(annotated, _images())

    REJECTS.check(result.rejects, where="test")
    assert result.region_boxes.is_empty()
    assert [row[:3] for row in result.rejects.sort("item_id").rows()] == [
        ("detect_regions", "a", "no_region_found"),
        ("detect_regions", "a/carina", "outside_image"),
        ("detect_regions", "a/spine", "outside_image"),
        ("detect_regions", "b", "no_region_found"),
    ]


def test_no_images_give_empty_tables() -> None:
    result = import_regions(
        _annotated(("a", "spine", [1, 2, 3, 4], "train")), IMAGES.empty()
    )

    assert result.region_boxes.equals(REGION_BOXES.empty())
    assert result.rejects.equals(REJECTS.empty())
