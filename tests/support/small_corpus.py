"""A corpus of drawn shapes, and reports that name them: every table, in memory.

Each image shows some of four shapes, each in its place; its report has one sentence per
place that says whether the shape is there, and each sentence with the box of its place is
a unit.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from asg_core.data.tokenizer import load_tokenizer, train_tokenizer
from asg_core.data.tokens import tokenize_reports
from asg_core.images.geometry import Frame, Letterbox
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.models.config import ScratchTextConfig, TextEncoderConfig
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    SENTENCES,
    STUDIES,
    TAG_TARGETS,
    TOKENS,
)
from asg_core.tables.schema import TableSchema, write_table

SIZE = 32
"""Side of the cached squares."""

FRAME = Frame(width=64, height=48)
SHAPES = {
    "right lung": ("opacity", (4, 4, 24, 24), 120),
    "left lung": ("pleural effusion", (38, 4, 60, 24), 160),
    "cardiac silhouette": ("cardiomegaly", (20, 24, 44, 44), 230),
    "right clavicle": ("fracture", (2, 40, 18, 47), 80),
}
"""Region -> finding, its box in the original frame, its grey value."""

TEXT = TextEncoderConfig(
    name=None,
    scratch=ScratchTextConfig(width=16, layers=1, heads=2, vocabulary=120),
    max_pieces=40,
    dropout=0.1,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallCorpus:
    """The tables, and where pixels and tokenizer are."""

    images: pl.DataFrame
    studies: pl.DataFrame
    sentences: pl.DataFrame
    tokens: pl.DataFrame
    alignments: pl.DataFrame
    tag_targets: pl.DataFrame
    reports: dict[str, str]
    pixels: Path
    tokenizer: Path

    def write(self, folder: Path) -> dict[str, Path]:
        """Write the tables that pre-training reads, one file each; return their paths."""
        written: dict[str, tuple[TableSchema, pl.DataFrame]] = {
            "images": (IMAGES, self.images),
            "studies": (STUDIES, self.studies),
            "tokens": (TOKENS, self.tokens),
            "alignments": (ALIGNMENTS, self.alignments),
            "tag_targets": (TAG_TARGETS, self.tag_targets),
        }
        paths = {}
        for name, (schema, frame) in written.items():
            paths[name] = folder / f"{name}.parquet"
            write_table(frame, paths[name], schema=schema)
        return paths


def make_small_corpus(
    folder: Path, *, num_images: int = 24, num_validate: int = 8
) -> SmallCorpus:
    """Draw images and write their reports; the last `num_validate` images validate."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("images", "studies", "sentences", "units", "tags")
    }
    pixels, reports = [], {}
    for number in range(num_images):
        image_id, study_id = f"image-{number:03d}", f"study-{number:03d}"
        is_train = number < num_images - num_validate
        rows["images"].append(
            {
                "image_id": image_id,
                "study_id": study_id,
                "path": f"{image_id}.png",
                "view": "PA",
                "width": FRAME.width,
                "height": FRAME.height,
            }
        )
        rows["studies"].append(
            {
                "study_id": study_id,
                "patient_id": f"patient-{number:03d}",
                "split": "train" if is_train else "validate",
            }
        )
        rng = np.random.default_rng((3, number))
        has_shape = rng.random(len(SHAPES)) < 0.5
        reports[study_id] = _write_report(study_id, image_id, has_shape, rows=rows)
        pixels.append((image_id, _draw(has_shape, rng=rng)))
    write_pixels(
        [
            PixelRow(image_id=image_id, original=FRAME, pixels_SS=pixels_SS)
            for image_id, pixels_SS in pixels
        ],
        path=folder / "pixels.parquet",
        size=SIZE,
    )
    sentences = SENTENCES.frame(rows["sentences"])
    tokenizer = folder / "tokenizer.json"
    train_tokenizer(sentences["text"], config=TEXT, path=tokenizer)
    return SmallCorpus(
        images=IMAGES.frame(rows["images"]),
        studies=STUDIES.frame(rows["studies"]),
        sentences=sentences,
        tokens=tokenize_reports(
            sentences,
            tokenizer=load_tokenizer(tokenizer),
            max_pieces=TEXT.max_pieces,
        ).tokens,
        alignments=ALIGNMENTS.frame(rows["units"]),
        tag_targets=TAG_TARGETS.frame(rows["tags"]),
        reports=reports,
        pixels=folder / "pixels.parquet",
        tokenizer=tokenizer,
    )


def _write_report(
    study_id: str,
    image_id: str,
    has_shape: np.ndarray[Any, np.dtype[np.bool_]],
    *,
    rows: dict[str, list[dict[str, Any]]],
) -> str:
    report = "FINDINGS: "
    for index, (region, (finding, box, _)) in enumerate(SHAPES.items()):
        claim = f"there is {finding}" if has_shape[index] else f"no {finding}"
        sentence = f"In the {region}, {claim}."
        span = {"start": len(report), "end": len(report) + len(sentence)}
        rows["sentences"].append(
            {
                "study_id": study_id,
                "sentence_index": index,
                "section": "findings",
                **span,
                "text": sentence,
            }
        )
        rows["units"].append(
            {
                "image_id": image_id,
                "unit_index": index,
                "study_id": study_id,
                "regions": [region],
                "sentence_indices": [index],
                "spans": [span],
                "box_xyxy": [float(corner) for corner in box],
                "scenario": 1,
                "policy": "merge",
            }
        )
        rows["tags"].append(
            {
                "image_id": image_id,
                "finding": finding,
                "existence": "present" if has_shape[index] else "absent",
            }
        )
        report += sentence + " "
    return report


def _draw(
    has_shape: np.ndarray[Any, np.dtype[np.bool_]], *, rng: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    noise = rng.integers(20, 40, size=(FRAME.height, FRAME.width))
    image_HW = noise.astype(np.uint8)
    for is_there, (_, (x0, y0, x1, y1), grey) in zip(
        has_shape, SHAPES.values(), strict=True
    ):
        if is_there:
            image_HW[y0:y1, x0:x1] = grey
    return Letterbox.fit(FRAME, size=SIZE).apply(image_HW)
