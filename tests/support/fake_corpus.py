"""Four studies in two shards: images with boxes, reports with units."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from asg_core.images.geometry import Frame, Letterbox
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    REGION_BOXES,
    REPORTS,
    SENTENCES,
    STUDIES,
    TRIPLETS,
    VIEW_COUNTS,
)
from asg_core.tables.schema import TableSchema, write_table

HOSTILE = "<script>alert('report')</script>"
"""Stands in every report: a page that does not escape it runs it."""

VIEWS = {
    ("PA", "PA"): 40,
    ("AP", "AP_horizontal"): 20,
    ("FRONTAL", "frontal"): 31,
    ("LATERAL", "LL"): 6,
    ("UNKNOWN", ""): 2,
    ("UNKNOWN", "secret <b>wording</b>"): 1,
}
"""Images of each shard by view and spelling; 9 of 100 are left out."""

FRAME = Frame(width=200, height=240)
_SHARD = "shard-000{}-of-0002.parquet"
_BOXES = {
    "left lung": (110.0, 40.0, 180.0, 190.0),
    "right lung": (20.0, 40.0, 90.0, 190.0),
    "left lower lung zone": (112.0, 140.0, 178.0, 190.0),
    "cardiac silhouette": (70.0, 120.0, 140.0, 200.0),
}
_SENTENCES = (
    ("Small left pleural effusion at the base.", ("left lower lung zone",)),
    ("The lungs show no pneumothorax.", ("left lung", "right lung")),
    (f"The heart is enlarged {HOSTILE}.", ("cardiac silhouette",)),
)
_CLAIMS = (
    (0, "left lower lung zone", "pleural effusion", "present"),
    (1, "left lung", "pneumothorax", "absent"),
    (1, "right lung", "pneumothorax", "absent"),
    (2, "cardiac silhouette", "cardiomegaly", "present"),
)


def write_corpus(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Write two shards of two studies, of one image each."""
    tables: dict[str, list[Path]] = {}
    pixels = []
    for shard in range(2):
        studies = [f"study-{shard}{number}" for number in range(2)]
        for schema, rows_of in _ROWS_OF:
            path = folder / "tables" / schema.name / _SHARD.format(shard)
            rows = [row for study in studies for row in rows_of(study)]
            write_table(schema.frame(rows), path, schema=schema)
            tables.setdefault(schema.name, []).append(path)
        cache = folder / "pixels" / _SHARD.format(shard)
        write_pixels([_pixels(study) for study in studies], path=cache, size=96)
        pixels.append(cache)
    return tables, pixels


def report_text() -> str:
    """Return the report that every study has."""
    return "FINDINGS:\n" + " ".join(text for text, _ in _SENTENCES) + "\nSigned."


def _span(index: int) -> tuple[int, int]:
    text = _SENTENCES[index][0]
    start = report_text().index(text)
    return start, start + len(text)


def _studies(study: str) -> Iterator[dict[str, object]]:
    yield {"study_id": study, "patient_id": f"patient-{study}", "split": "test"}


def _reports(study: str) -> Iterator[dict[str, object]]:
    yield {"study_id": study, "text": report_text()}


def _images(study: str) -> Iterator[dict[str, object]]:
    yield {
        "image_id": f"image-{study}",
        "study_id": study,
        "path": f"files/{study}.png",
        "view": "PA",
        "view_as_given": "PA",
        "width": FRAME.width,
        "height": FRAME.height,
    }


def _view_counts(study: str) -> Iterator[dict[str, object]]:
    if study.endswith("0"):
        for (view, spelling), number in VIEWS.items():
            yield {"view": view, "spelling": spelling, "num_images": number}


def _sentences(study: str) -> Iterator[dict[str, object]]:
    for index, (text, _) in enumerate(_SENTENCES):
        start, end = _span(index)
        yield {
            "study_id": study,
            "sentence_index": index,
            "section": "findings",
            "start": start,
            "end": end,
            "text": text,
        }


def _triplets(study: str) -> Iterator[dict[str, object]]:
    for index, region, finding, existence in _CLAIMS:
        start, _ = _span(index)
        yield {
            "study_id": study,
            "sentence_index": index,
            "region": region,
            "finding": finding,
            "existence": existence,
            "context": "current",
            "finding_start": start,
            "finding_end": start + 5,
            "parser": "fake",
        }


def _boxes(study: str) -> Iterator[dict[str, object]]:
    for region, box in _BOXES.items():
        yield {
            "image_id": f"image-{study}",
            "region": region,
            "box_xyxy": list(box),
            "score": 0.9,
            "origin": "fake",
        }


def _units(study: str) -> Iterator[dict[str, object]]:
    for index, (_, regions) in enumerate(_SENTENCES):
        start, end = _span(index)
        corners = np.array([_BOXES[region] for region in regions])
        low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
        yield {
            "image_id": f"image-{study}",
            "unit_index": index,
            "study_id": study,
            "regions": list(regions),
            "sentence_indices": [index],
            "spans": [{"start": start, "end": end}],
            "box_xyxy": [*low.tolist(), *high.tolist()],
            "scenario": 1 if len(regions) == 1 else 3,
            "policy": "merge",
        }


def _pixels(study: str) -> PixelRow:
    rows, columns = np.mgrid[0 : FRAME.height, 0 : FRAME.width]
    image_HW = (60 + rows * 0.5 + 40 * np.cos(columns / 20)).astype(np.uint8)
    letterbox = Letterbox.fit(FRAME, size=96)
    return PixelRow(
        image_id=f"image-{study}", original=FRAME, pixels_SS=letterbox.apply(image_HW)
    )


_ROWS_OF: tuple[
    tuple[TableSchema, Callable[[str], Iterator[dict[str, object]]]], ...
] = (
    (STUDIES, _studies),
    (IMAGES, _images),
    (VIEW_COUNTS, _view_counts),
    (REPORTS, _reports),
    (SENTENCES, _sentences),
    (TRIPLETS, _triplets),
    (REGION_BOXES, _boxes),
    (ALIGNMENTS, _units),
)
