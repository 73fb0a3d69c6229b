"""A detector learns the lungs of real radiographs, on patients it has not seen."""

from pathlib import Path

import polars as pl
import pytest

from asg_core.images.cache_pixels import cache_pixels
from asg_core.images.config import ImagesConfig
from asg_core.images.pixel_cache import PixelCache
from asg_core.regions.config import (
    ArchitectureConfig,
    Backbone,
    DetectionConfig,
    DetectorTrainingConfig,
)
from asg_core.regions.detect import detect_regions, load_detector
from asg_core.regions.score import score_boxes
from asg_core.regions.train import train_detector
from asg_core.tables.catalog import ANNOTATED_BOXES, IMAGES
from support.reference import reference_data

SMALL = ArchitectureConfig(
    backbone=Backbone.RESNET10,
    anchor_sizes=((0.1,), (0.25,), (0.45,)),
    anchor_ratios=(1.0, 1.6, 2.4),
    pyramid_width=64,
    num_candidates=100,
    num_proposals=50,
    box_samples=32,
    head_width=128,
)


@pytest.fixture(scope="module")
def folder() -> Path:
    return reference_data("realcxr/boxes.csv").parent


def _tables(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return images and annotated boxes; every fourth patient is held out."""
    boxes = pl.read_csv(folder / "boxes.csv")
    manifest = pl.read_csv(folder / "manifest.csv", infer_schema=False).filter(
        pl.col("image_id").is_in(boxes["image_id"].implode())
    )
    patients = manifest["patient_id"].unique().sort().to_list()
    held_out = patients[::4]
    images = IMAGES.frame(
        {
            "image_id": row["image_id"],
            "study_id": row["patient_id"],
            "path": row["file"],
            "view": row["view"],
            "width": int(row["width"]),
            "height": int(row["height"]),
        }
        for row in manifest.iter_rows(named=True)
    )
    patient_of = dict(manifest.select("image_id", "patient_id").rows())
    annotated = ANNOTATED_BOXES.frame(
        {
            "image_id": row["image_id"],
            "region": row["region"],
            "box_xyxy": [float(row[name]) for name in ("x1", "y1", "x2", "y2")],
            "split": "test" if patient_of[row["image_id"]] in held_out else "train",
            "origin": "table",
        }
        for row in boxes.iter_rows(named=True)
    )
    return images, annotated


@pytest.mark.slow
def test_lungs_of_unseen_patients_are_found(folder: Path, tmp_path: Path) -> None:
    images, annotated = _tables(folder)
    pixels = tmp_path / "pixels.parquet"
    cache_pixels(images, root=folder, path=pixels, config=ImagesConfig(size=160))
    cache = PixelCache([pixels])
    train_detector(
        cache=cache,
        boxes=annotated,
        out=tmp_path / "out",
        work=tmp_path / "work",
        config=DetectorTrainingConfig(
            architecture=SMALL,
            steps=150,
            batch_size=8,
            learning_rate=2e-3,
            warmup=20,
            precision="bf16",
            threads=1,
        ),
    )

    truth = annotated.filter(split="test")
    found = detect_regions(
        cache=cache,
        detector=load_detector(tmp_path / "out"),
        config=DetectionConfig(),
        image_ids=truth["image_id"].unique().to_list(),
    )
    scores = score_boxes(predicted=found.region_boxes, truth=truth)

    assert scores.filter(metric="detection_rate", target="all")["value"].item() > 0.9
    assert scores.filter(metric="mean_iou", target="all")["value"].item() > 0.6
