"""The one form of every benchmark: what is read of it, and what evaluation loads.

A benchmark lies in a folder: the four tables BENCHMARK_*, and benchmark.json with what
the tables do not say. `pixels.parquet` beside them is the pixel cache.
"""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from asg_core.files import write_json
from asg_core.images.notes import Note
from asg_core.sources.reading.files import SourceError
from asg_core.tables.catalog import (
    BENCHMARK_BOXES,
    BENCHMARK_IMAGES,
    BENCHMARK_LABELS,
    BENCHMARK_MASKS,
    REJECTS,
    SPLITS,
)
from asg_core.tables.schema import TableError, TableSchema, read_table, write_table
from asg_core.terms.stages import Stage

# Shape suffixes: N = images asked for, T = targets

logger = logging.getLogger(__name__)

STAGE = Stage.READ_BENCHMARK
FORMAT = 2
KIND = "benchmark"
ABOUT = "benchmark.json"

Overlaps = Mapping[str, Mapping[str, int]]
"""For each pair of parts, such as "train/test": how many "images" and how many "patients"
are in both."""

_SCHEMAS: Mapping[str, TableSchema] = {
    "images": BENCHMARK_IMAGES,
    "labels": BENCHMARK_LABELS,
    "boxes": BENCHMARK_BOXES,
    "masks": BENCHMARK_MASKS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A benchmark as it is evaluated.

    An image that a published division puts into two parts has a row in each, under two
    ids and one path.
    """

    name: str
    split: str
    """The name of the split, which published numbers name too."""

    recipe: str
    """How it divides the images, with its numbers."""

    num_listed: Mapping[str, int]
    """Images of each part in the label files, also those that are rejected."""

    images: pl.DataFrame
    labels: pl.DataFrame
    boxes: pl.DataFrame
    masks: pl.DataFrame
    targets: tuple[str, ...]
    """What the labels are about, in the benchmark's own order."""

    is_exclusive: bool = False
    """True: the targets are classes, of which each image has one."""

    segmentation_target: str | None = None
    """The target of the masks (or boxes, where there are no masks); None: there is none."""

    notes: Mapping[str, str | int] = field(default_factory=dict)
    """Policies and counts that a reader of the scores may ask for, by name."""

    @property
    def overlaps(self) -> Overlaps:
        """How many images (by path) and patients each pair of parts shares."""
        parts = {part: self.images.filter(pl.col("split") == part) for part in SPLITS}
        columns = {"images": "path", "patients": "patient_id"}
        return {
            f"{one}/{other}": {
                what: len(set(parts[one][column]) & set(parts[other][column]))
                for what, column in columns.items()
            }
            for one, other in combinations(SPLITS, 2)
        }

    @property
    def test_digest(self) -> str:
        """The digest of the ids of the test images: equal digests are equal test sets."""
        return digest_of(self.part("test"))

    def part(self, split: str) -> list[str]:
        """Return the sorted ids of the images of "train", "validate" or "test".

        Raises:
            ValueError: If `split` is none of the three.
        """
        if split not in SPLITS:
            raise ValueError(
                f"Benchmark.part: expected one of {list(SPLITS)}, found '{split}'"
            )
        return sorted(self.images.filter(pl.col("split") == split)["image_id"])

    def listed(self, split: str) -> list[str | None]:
        """Return the images of a part in the order of the split, None where one is missing.

        A published draw takes places in this list, so a missing image must not move the
        others.
        """
        found: list[str | None] = [None] * self.num_listed[split]
        rows = self.images.filter(pl.col("split") == split)
        for image_id, place in rows.select("image_id", "split_index").iter_rows():
            found[place] = image_id
        return found

    def truth(self, image_ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the labels (N, T) of images, in the order of `targets`; NaN is no label.

        Raises:
            ValueError: If an id is not of this benchmark.
        """
        row_of = self._rows(image_ids)
        column_of = {target: place for place, target in enumerate(self.targets)}
        truth_NT = np.full((len(row_of), len(self.targets)), np.nan, np.float32)
        asked = self.labels.filter(pl.col("image_id").is_in(list(row_of)))
        rows = [row_of[image_id] for image_id in asked["image_id"]]
        columns = [column_of[target] for target in asked["target"]]
        truth_NT[rows, columns] = asked["value"].to_numpy()
        return truth_NT

    def patients(self, image_ids: Sequence[str]) -> list[str]:
        """Return the patients of images, in the order of `image_ids`.

        Raises:
            ValueError: If an id is not of this benchmark, or twice in `image_ids`.
        """
        row_of = self._rows(image_ids)
        asked = self.images.filter(pl.col("image_id").is_in(list(row_of)))
        patient_of = dict(asked.select("image_id", "patient_id").iter_rows())
        return [patient_of[image_id] for image_id in image_ids]

    def _rows(self, image_ids: Sequence[str]) -> dict[str, int]:
        """Return the place of each id, which must be known and not named twice."""
        row_of = {image_id: place for place, image_id in enumerate(image_ids)}
        known = set(self.images["image_id"])
        unknown = [image_id for image_id in row_of if image_id not in known]
        if unknown or len(row_of) != len(image_ids):
            problem = (
                f"{len(unknown)} ids that it does not have, such as '{unknown[0]}'"
                if unknown
                else "an id twice"
            )
            raise ValueError(
                f"Benchmark '{self.name}': expected ids of its images, each once, found "
                f"{problem}"
            )
        return row_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBenchmark:
    """A benchmark as its folder was read, and what of it could not be used."""

    benchmark: Benchmark
    rejects: pl.DataFrame
    num_items: int
    """Images, rows, boxes and masks that were looked at, rejected ones included."""


def digest_of(image_ids: Iterable[str]) -> str:
    """Return blake2b-64, in hex, of the sorted ids joined by newlines."""
    text = "\n".join(sorted(image_ids))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def keep_cached(read: ReadBenchmark, cache_ids: Collection[str]) -> ReadBenchmark:
    """Return the benchmark without the images that have no pixels, which are rejected.

    The number of items stays as it was: it counts what was looked at.

    Args:
        read: The benchmark as read.
        cache_ids: Ids of the images in the pixel cache.

    Raises:
        SourceError: If no image of a part has pixels: the test part can be so small that
            the share of rejects says nothing of it.
    """
    tables = read.benchmark
    cached = pl.Series("image_id", sorted(cache_ids), dtype=pl.String).implode()
    is_cached = pl.col("image_id").is_in(cached)
    gone = tables.images.filter(~is_cached)
    kept = replace(
        tables,
        images=tables.images.filter(is_cached),
        labels=tables.labels.filter(is_cached),
        boxes=tables.boxes.filter(is_cached),
        masks=tables.masks.filter(is_cached),
    )
    emptied = set(tables.images["split"]) - set(kept.images["split"])
    if emptied:
        raise SourceError(
            f"{tables.name}: expected images that can be decoded in every part, found none "
            f"in {sorted(emptied)}; the first is {gone['path'][0]}. Replace the files."
        )
    logger.info(
        "%s: %d images in, %d with pixels, %d rejected",
        tables.name,
        len(tables.images),
        len(kept.images),
        len(gone),
    )
    rejects = REJECTS.frame(
        {
            "stage": STAGE,
            "item_id": image_id,
            "reason": "not_cached",
            "detail": f"{path}: expected pixels in the cache, found none; the rejects of "
            "cache_pixels say why",
        }
        for image_id, path in gone.select("image_id", "path").iter_rows()
    )
    return replace(read, benchmark=kept, rejects=pl.concat([read.rejects, rejects]))


def write_benchmark(
    read: ReadBenchmark, folder: Path, *, notes: Mapping[Note, int]
) -> None:
    """Write the four tables, then benchmark.json, into `folder`.

    The rejects are not among them: the workflow keeps those of all stages together.

    Args:
        read: The benchmark.
        folder: Where it is written.
        notes: What the pixel cache has counted.

    Raises:
        TableError: If a table does not fit its declaration.
    """
    tables = read.benchmark
    for name, schema in _SCHEMAS.items():
        write_table(getattr(tables, name), folder / f"{name}.parquet", schema=schema)
    about = {
        "format": FORMAT,
        "kind": KIND,
        "name": tables.name,
        "split": tables.split,
        "recipe": tables.recipe,
        "num_listed": dict(tables.num_listed),
        "targets": list(tables.targets),
        "is_exclusive": tables.is_exclusive,
        "segmentation_target": tables.segmentation_target,
        "test_digest": tables.test_digest,
        "overlaps": tables.overlaps,
        "num_images": {split: len(tables.part(split)) for split in SPLITS},
        "num_items": read.num_items,
        "num_rejected": len(read.rejects),
        "notes": dict([*tables.notes.items(), *notes.items()]),
    }
    write_json(folder / ABOUT, about, indent=2)


def load_benchmark(folder: Path) -> Benchmark:
    """Load what `write_benchmark` wrote.

    Raises:
        TableError: If a file is not what it should be.
        FileNotFoundError: If a file is not there.
    """
    about = _read_about(folder / ABOUT)
    frames = {
        name: read_table(folder / f"{name}.parquet", schema=schema)
        for name, schema in _SCHEMAS.items()
    }
    benchmark = Benchmark(
        name=about["name"],
        split=about["split"],
        recipe=about["recipe"],
        num_listed=about["num_listed"],
        targets=tuple(about["targets"]),
        is_exclusive=about["is_exclusive"],
        segmentation_target=about["segmentation_target"],
        notes=about["notes"],
        **frames,
    )
    if benchmark.test_digest != about["test_digest"]:
        raise TableError(
            f"{folder}: expected test images with the digest {about['test_digest']}, as "
            f"{ABOUT} says, found {benchmark.test_digest}. Delete the folder and run the "
            "workflow again."
        )
    return benchmark


def _read_about(path: Path) -> dict[str, Any]:
    """Return what benchmark.json holds, checked for kind and format."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: expected the description of a benchmark, found no file. Run the "
            "workflow; it makes it."
        )
    try:
        about: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise TableError(
            f"{path}: expected JSON, found what cannot be read as JSON: {error}. Delete "
            "the folder and run the workflow again."
        ) from error
    found = (about.get("kind"), about.get("format"))
    if found != (KIND, FORMAT):
        raise TableError(
            f"{path}: expected kind '{KIND}' in format {FORMAT}, found kind '{found[0]}' "
            f"in format {found[1]}. Delete the folder and run the workflow again."
        )
    return about
