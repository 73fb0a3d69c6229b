"""The page of examples: an image with its boxes, its report with their words."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image

from asg_core.images.decode import decode_image
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Pixels
from asg_core.images.pixel_cache import PixelCache
from asg_core.sources.reading.item_files import PassingFaultError
from asg_core.summary.inputs import Results, SummaryInputs, read_shards
from asg_core.summary.pages.excerpts import in_order_of_news, pieces_of
from asg_core.summary.render import NUM_HUES, SummaryPage
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    REGION_BOXES,
    REPORTS,
    SENTENCES,
    STUDIES,
    TRIPLETS,
)
from asg_core.tables.schema import TableSchema
from asg_core.terms.existence import Existence

# Shape suffixes: H, W = rows and columns of an image

logger = logging.getLogger(__name__)

_NEEDED: tuple[TableSchema, ...] = (
    ALIGNMENTS,
    STUDIES,
    IMAGES,
    REPORTS,
    SENTENCES,
    TRIPLETS,
)
_CANDIDATES_PER_EXAMPLE = 20
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBox:
    """A box in the original frame: left, top, width, height, in pixels."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit: its box, its words, and what it is called."""

    index: int
    box: ShownBox
    words: str
    scenario: int
    policy: str

    @property
    def hue(self) -> int:
        """Which of the unit colours it has."""
        return self.index % NUM_HUES


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of the report whose letters belong to the same units."""

    text: str
    units: tuple[int, ...]
    is_read: bool  # whether a sentence of the table covers it

    @property
    def shown(self) -> str:
        """The text without the line breaks that only keep lines short."""
        is_gap = not self.text.strip() and self.text.count("\n") < 2
        return " ".join(self.text.split("\n")) if self.is_read or is_gap else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownClaim:
    """One triplet, and the units that it took part in."""

    region: str
    finding: str
    existence: str
    context: str
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One image with everything that is drawn beside and over it."""

    image_id: str
    study_id: str
    split: str
    view: str
    width: int  # of the original frame, pixels
    height: int
    jpeg: bytes
    units: tuple[Unit, ...]
    regions: tuple[ShownBox, ...]
    pieces: tuple[Piece, ...]
    claims: tuple[ShownClaim, ...]

    @property
    def boxes(self) -> tuple[Unit, ...]:
        """The units, those of large boxes first, so that small ones lie on top."""
        return tuple(
            sorted(
                self.units,
                key=lambda unit: (-unit.box.width * unit.box.height, unit.index),
            )
        )


def examples_page(results: Results, *, num_examples: int, size: int) -> SummaryPage:
    """Return the page; of a corpus that may not be shown, no example is even read.

    Args:
        results: The results that the pages show.
        num_examples: The most images that are shown.
        size: Longest side of an image, in pixels.
    """
    examples = (
        choose_examples(results.inputs, num_examples=num_examples, size=size)
        if results.may_export_examples
        else []
    )
    logger.info("%d examples of alignments are shown", len(examples))
    return SummaryPage(
        name="examples",
        label="Examples",
        values={"examples": examples, "hidden_reason": results.hidden_reason},
    )


def choose_examples(
    inputs: SummaryInputs, *, num_examples: int, size: int
) -> list[Example]:
    """Return up to `num_examples` images with units, of different patients.

    They are chosen one after the other, each time the image whose report claims the most
    findings to be present that no chosen one has; of equal ones that with more units,
    then the first by id. Only as many shards are read as give enough candidates. Images that can
    no longer be read are left out and counted in the log. A run without alignments has
    no examples.

    Args:
        inputs: The tables `studies`, `images`, `reports`, `sentences`, `triplets`,
            `alignments` and, where there is one, `region_boxes`; the pixels.
        num_examples: The most examples that are returned.
        size: Longest side of an example, in pixels; smaller images stay as they are.
    """
    if num_examples == 0 or not all(inputs.tables.get(table.name) for table in _NEEDED):
        return []
    tables = _read_shards(inputs, num_images=num_examples * _CANDIDATES_PER_EXAMPLE)
    cache = PixelCache(inputs.pixels) if inputs.pixels else None
    examples: list[Example] = []
    num_unread = 0
    for image in _in_order_of_interest(tables):
        if len(examples) == num_examples:
            break
        jpeg = _read_jpeg(image, root=inputs.corpus_root, cache=cache, size=size)
        if jpeg is None:
            num_unread += 1
        else:
            examples.append(_make_example(image, jpeg=jpeg, tables=tables))
    if num_unread:
        logger.warning("%d images of examples can no longer be read", num_unread)
    return examples


def cut_report(
    text: str,
    *,
    spans: Mapping[int, Sequence[tuple[int, int]]],
    read: Sequence[tuple[int, int]],
) -> list[Piece]:
    """Cut a report where the words of a unit or of a sentence begin or end.

    The pieces together are the text. An empty report has none.

    Args:
        text: The whole report.
        spans: Start and end of the words of each unit, in characters, half-open.
        read: Start and end of each sentence.
    """
    all_spans = [*read, *(span for unit in spans.values() for span in unit)]
    return [
        Piece(
            text=text[start:end],
            units=tuple(
                unit for unit in sorted(spans) if _is_covered(start, end, spans[unit])
            ),
            is_read=_is_covered(start, end, read),
        )
        for start, end in pieces_of(text, all_spans)
    ]


def _is_covered(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def _read_shards(inputs: SummaryInputs, *, num_images: int) -> dict[str, pl.DataFrame]:
    """Read the first shards that hold `num_images` images with units, or all."""
    schemas = (*_NEEDED, REGION_BOXES)
    found: list[dict[str, pl.DataFrame]] = []
    for shard in read_shards(inputs, schemas):
        found.append(shard)
        if (
            sum(one[ALIGNMENTS.name]["image_id"].n_unique() for one in found)
            >= num_images
        ):
            break
    return {
        schema.name: pl.concat([schema.empty(), *(one[schema.name] for one in found)])
        for schema in schemas
    }


def _in_order_of_interest(
    tables: Mapping[str, pl.DataFrame],
) -> Iterator[dict[str, Any]]:
    """Yield rows of `images` with `patient_id` and `split`; see `choose_examples`."""
    units = tables["alignments"].group_by("image_id").len("num_units")
    present = (
        tables["triplets"]
        .filter(pl.col("existence") == Existence.PRESENT.value)
        .group_by("study_id")
        .agg(pl.col("finding").cast(pl.String).unique().sort().alias("findings"))
    )
    candidates = (
        tables["images"]
        .join(units, on="image_id")
        .join(tables["studies"], on="study_id")
        .join(tables["reports"], on="study_id", how="semi")
        .join(present, on="study_id", how="left")
        .sort("image_id")
        .to_dicts()
    )
    return in_order_of_news(
        candidates,
        kinds=lambda row: set(row["findings"] or ()),
        rank=lambda row: (-row["num_units"], row["image_id"]),
        source=lambda row: row["patient_id"],
    )


def _read_jpeg(
    image: Mapping[str, Any], *, root: Path | None, cache: PixelCache | None, size: int
) -> bytes | None:
    """Return the image as JPEG: from its file, else from the cache; None without."""
    pixels_HW: Pixels | None = None
    if root is not None:
        try:
            pixels_HW = decode_image(root / image["path"], size=size).pixels_HW
        except (ImageError, PassingFaultError):
            # Whoever makes the pages may read the cache and not the data set.
            logger.info(
                "an image file of an example cannot be read; is it in the cache?"
            )
    if pixels_HW is None and cache is not None and image["image_id"] in cache:
        letterbox = cache.letterbox(image["image_id"])
        rows = slice(letterbox.pad_y, letterbox.pad_y + letterbox.resized.height)
        columns = slice(letterbox.pad_x, letterbox.pad_x + letterbox.resized.width)
        pixels_HW = cache.read([image["image_id"]])[0, rows, columns]
    if pixels_HW is None:
        return None
    shown = Image.fromarray(pixels_HW)
    shown.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    shown.save(buffer, format="JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _make_example(
    image: Mapping[str, Any], *, jpeg: bytes, tables: Mapping[str, pl.DataFrame]
) -> Example:
    is_image = pl.col("image_id") == image["image_id"]
    is_study = pl.col("study_id") == image["study_id"]
    text = str(tables["reports"].filter(is_study)["text"][0])
    units = tables["alignments"].filter(is_image).sort("unit_index").to_dicts()
    sentences = tables["sentences"].filter(is_study).sort("start")
    spans = {
        unit["unit_index"]: [(span["start"], span["end"]) for span in unit["spans"]]
        for unit in units
    }
    read = list(zip(sentences["start"], sentences["end"], strict=True))
    triplets = tables["triplets"].filter(is_study).sort(TRIPLETS.key)
    regions = tables["region_boxes"].filter(is_image).sort("region")
    return Example(
        image_id=image["image_id"],
        study_id=image["study_id"],
        split=image["split"],
        view=image["view"],
        width=image["width"],
        height=image["height"],
        jpeg=jpeg,
        units=tuple(_make_unit(unit, text=text) for unit in units),
        regions=tuple(
            _make_box(row["box_xyxy"], label=row["region"])
            for row in regions.iter_rows(named=True)
        ),
        pieces=tuple(cut_report(text, spans=spans, read=read)),
        claims=tuple(
            _make_claim(row, units=units) for row in triplets.iter_rows(named=True)
        ),
    )


def _make_unit(row: Mapping[str, Any], *, text: str) -> Unit:
    words = [
        " ".join(text[span["start"] : span["end"]].split()) for span in row["spans"]
    ]
    return Unit(
        index=row["unit_index"],
        box=_make_box(row["box_xyxy"], label=", ".join(row["regions"])),
        words=" \u2026 ".join(words),
        scenario=row["scenario"],
        policy=row["policy"],
    )


def _make_box(box_xyxy: Sequence[float], *, label: str) -> ShownBox:
    x0, y0, x1, y1 = (round(value, 2) for value in box_xyxy)
    return ShownBox(
        x=x0,
        y=y0,
        width=round(x1 - x0, 2),
        height=round(y1 - y0, 2),
        label=label,
    )


def _make_claim(
    row: Mapping[str, Any], *, units: Sequence[Mapping[str, Any]]
) -> ShownClaim:
    return ShownClaim(
        region=row["region"],
        finding=row["finding"],
        existence=row["existence"],
        context=row["context"],
        units=tuple(
            unit["unit_index"]
            for unit in units
            if row["region"] in unit["regions"]
            and row["sentence_index"] in unit["sentence_indices"]
        ),
    )
