"""What the five readers share: rows of label files, the look at the images, the tables."""

import logging
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from asg_core.benchmarks.config import BenchmarkName
from asg_core.benchmarks.form import STAGE, BenchmarkTables
from asg_core.benchmarks.layouts import Layout, image_files
from asg_core.benchmarks.runs import Run
from asg_core.benchmarks.splits import PARTS, Places, id_in_part
from asg_core.sources.assemble import RejectLog
from asg_core.sources.config import Split
from asg_core.sources.reading.files import SourceError, csv_rows, places_of
from asg_core.sources.reading.image_size import UnreadableImageError, image_size
from asg_core.tables.catalog import (
    BENCHMARK_BOXES,
    BENCHMARK_IMAGES,
    BENCHMARK_LABELS,
    BENCHMARK_MASKS,
)
from asg_core.terms.views import View

logger = logging.getLogger(__name__)

Size = tuple[int, int]
"""Width and height of the original frame, in pixels."""

Corners = tuple[float, float, float, float]
"""A box in pixels of the original frame, half-open: left, top, right, bottom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One image that the label files name."""

    image_id: str
    patient_id: str
    path: str
    """Relative to the root: where the file was found, else where the layout puts it."""

    view: View = View.UNKNOWN
    labels: Mapping[str, float] = field(default_factory=dict)


@dataclass(kw_only=True)
class Gathering:
    """What the reading of one benchmark has given so far."""

    name: BenchmarkName
    root: Path
    layout: Layout
    require_images: bool
    rejects: RejectLog = field(default_factory=lambda: RejectLog(STAGE))
    counts: Counter[str] = field(default_factory=Counter)
    """What was left out by choice, or is worth knowing and no error."""

    malformed: set[str] = field(default_factory=set)
    """First cells of rows with a wrong number of cells: in most files an image."""

    _num_boxes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _images: list[dict[str, object]] = field(default_factory=list)
    # By column: a large benchmark has millions of labels.
    _labels: dict[str, list[str | float]] = field(
        default_factory=lambda: {name: [] for name in BENCHMARK_LABELS.columns}
    )
    _boxes: list[dict[str, object]] = field(default_factory=list)
    _masks: list[dict[str, object]] = field(default_factory=list)

    def rows(
        self, path: Path, *, columns: Sequence[str]
    ) -> Iterator[tuple[str, list[str]]]:
        """Yield where each row of a csv is, and its cells of `columns`, without blanks.

        Names of columns are compared without blanks around them. Columns without a name,
        which some editions have at the end, may be missing from a row; a row with fewer
        or more cells than that is rejected.

        Raises:
            SourceError: If the file is no CSV, a quote swallows rows, or a column is
                there twice.
        """
        lines = csv_rows(path)
        header = [name.strip() for name in next(lines, [])]
        places = places_of(columns, header=header, path=path)
        num_named = max(place for place, name in enumerate(header, start=1) if name)
        for number, row in enumerate((line for line in lines if line), start=1):
            where = f"{path.name}:{number}"
            if not num_named <= len(row) <= len(header):
                self.malformed.add(row[0].strip())
                self.reject(
                    where,
                    reason="malformed_row",
                    detail=f"expected {num_named} cells, found {len(row)}",
                )
            else:
                yield where, [row[place].strip() for place in places]

    def lines(self, path: Path) -> Iterator[tuple[str, str]]:
        """Yield where each line of a list is, and its text; blank lines are left out.

        Raises:
            SourceError: If the file is not text.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{path}: expected a text in UTF-8, found what cannot be read: {error}. "
                "Replace the file."
            ) from error
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield f"{path.name}:{number}", line.strip()

    def reject(self, item_id: str, *, reason: str, detail: str) -> None:
        """Record what cannot be used; `item_id` is an image, or file and row."""
        self.rejects.add(item_id, reason=reason, detail=f"{item_id}: {detail}")

    def files(self) -> dict[str, str]:
        """Return the image files, relative to the root, by their stems.

        Of files of one stem in two folders the first counts. Empty when images are not
        required.
        """
        files: dict[str, str] = {}
        for path in self.paths():
            stem = PurePosixPath(path).stem
            if files.setdefault(stem, path) != path:
                self.counts["images_of_one_name"] += 1
        return files

    def paths(self) -> list[str]:
        """Return the image files, relative to the root; empty as `files`."""
        if not self.require_images:
            return []
        skipped: Counter[str] = Counter()
        files = image_files(self.layout, root=self.root, skipped=skipped)
        paths = [path for path, _ in files]
        self.counts.update({"system_files": skipped.total()} if skipped else {})
        return paths

    def sizes(
        self, entries: Iterable[Entry], *, paths: Collection[str], named: Iterable[str]
    ) -> dict[str, Size | None]:
        """Return the sizes of the images that can be used, by id, from their headers.

        Images without a file, or with a header that cannot be read, are rejected. When
        images are not required, every image counts as there, and its size is None.

        Args:
            entries: The images to keep.
            paths: The image files.
            named: Paths that the label files name, kept or not; files beyond them are
                counted.
        """
        if not self.require_images:
            return {entry.image_id: None for entry in entries}
        there = set(paths)
        self.counts["extra_images"] = len(there.difference(named))
        sizes: dict[str, Size | None] = {}
        for entry in entries:
            size = self._size(entry, is_there=entry.path in there)
            if size is not None:
                sizes[entry.image_id] = size
        return sizes

    def without_tested(
        self, patient_of: Mapping[str, str], *, tested: Collection[str]
    ) -> dict[str, str]:
        """Return the images, and their patients, of patients without test images.

        The images of the other patients are rejected.

        Args:
            patient_of: The patient of each image that may be trained on.
            tested: The patients of the test images.
        """
        patients = frozenset(tested)
        kept = {}
        for image_id, patient_id in patient_of.items():
            if patient_id not in patients:
                kept[image_id] = patient_id
                continue
            self.reject(
                image_id,
                reason="patient_in_two_parts",
                detail=f"expected images of patient {patient_id} in one part, found some "
                "in test, which are kept",
            )
        return kept

    def add_image(self, entry: Entry, *, places: Places, size: Size | None) -> None:
        """Add an image and its labels, once for each part that it is in."""
        width, height = size or (None, None)
        for part, place in places.items():
            image_id = id_in_part(entry.image_id, part=part, parts=list(places))
            self._images.append(
                {
                    "image_id": image_id,
                    "patient_id": entry.patient_id,
                    "path": entry.path,
                    "view": entry.view.value,
                    "split": part,
                    "split_index": place,
                    "width": width,
                    "height": height,
                }
            )
            self._labels["image_id"].extend([image_id] * len(entry.labels))
            self._labels["target"].extend(entry.labels)
            self._labels["value"].extend(entry.labels.values())

    def add_box(
        self, image_id: str, *, target: str, box: Corners, size: Size | None, where: str
    ) -> None:
        """Add a box, cut to the frame where it leaves it; one outside is rejected.

        Args:
            image_id: The image.
            target: What the box is around.
            box: Its corners.
            size: Of the image; None does not look.
            where: File and row of the box.
        """
        x0, y0, x1, y1 = box
        if size is not None:
            x0, y0 = max(x0, 0.0), max(y0, 0.0)
            x1, y1 = min(x1, size[0]), min(y1, size[1])
        if x1 <= x0 or y1 <= y0:
            self.reject(
                where,
                reason="box_outside_image",
                detail=f"expected a box within {size} pixels (width, height), found the "
                f"corners {list(box)}",
            )
            return
        self.counts["boxes_cut_to_the_image"] += (x0, y0, x1, y1) != box
        self._num_boxes[image_id, target] += 1
        self._boxes.append(
            {
                "image_id": image_id,
                "target": target,
                "box_index": self._num_boxes[image_id, target] - 1,
                "box_xyxy": [x0, y0, x1, y1],
            }
        )

    def add_mask(self, image_id: str, *, target: str, runs: Sequence[Run]) -> None:
        """Add the mask of an image; without runs it is empty and has no row."""
        if runs:
            self._masks.append(
                {
                    "image_id": image_id,
                    "target": target,
                    "runs": [{"start": run[0], "length": run[1]} for run in runs],
                }
            )

    def finish(
        self,
        *,
        split: str,
        recipe: str,
        divided: Mapping[Split, Sequence[str]],
        targets: Sequence[str],
        is_exclusive: bool = False,
        segmentation_target: str | None = None,
        notes: Mapping[str, str | int] | None = None,
    ) -> BenchmarkTables:
        """Return what was gathered, and log how much of it there is.

        Args:
            split: Its name.
            recipe: How it divides the images, with its numbers.
            targets: What the labels are about.
            is_exclusive: Whether they are classes.
            segmentation_target: The target of the masks or boxes.
            notes: Policies that a reader of the scores may ask for.
            divided: The images of each part as the split lists them, there or not.

        Raises:
            SourceError: If a part has no image.
        """
        rejects = self.rejects.frame()
        num_images: Counter[str] = Counter(dict.fromkeys(PARTS, 0))
        num_images.update(str(row["split"]) for row in self._images)
        logger.info(
            "%s, split %s: %s images; rejected %s; counted %s",
            self.name,
            recipe,
            dict(num_images),
            self.rejects.counts(),
            dict(sorted(self.counts.items())),
        )
        if not all(num_images.values()):
            raise SourceError(
                f"{self.root}: expected images in every part of the split {recipe}, found "
                f"{dict(num_images)}; rejected were {self.rejects.counts()}. Complete the "
                f"dataset, or choose another {self.name}.split."
            )
        return BenchmarkTables(
            name=self.name,
            split=split,
            recipe=recipe,
            num_listed={part: len(divided.get(part, ())) for part in PARTS},
            images=BENCHMARK_IMAGES.frame(self._images),
            labels=pl.DataFrame(self._labels, schema=dict(BENCHMARK_LABELS.columns)),
            boxes=BENCHMARK_BOXES.frame(self._boxes),
            masks=BENCHMARK_MASKS.frame(self._masks),
            rejects=rejects,
            num_items=len(self._images) + len(rejects),
            targets=tuple(targets),
            is_exclusive=is_exclusive,
            segmentation_target=segmentation_target,
            notes={**(notes or {}), **dict(sorted(self.counts.items()))},
        )

    def _size(self, entry: Entry, *, is_there: bool) -> Size | None:
        if not is_there:
            self.reject(
                entry.image_id,
                reason="missing_image",
                detail=f"expected the file {entry.path}, found none",
            )
            return None
        try:
            return image_size(self.root / entry.path)
        except UnreadableImageError as error:
            self.reject(
                entry.image_id,
                reason="unreadable_image",
                detail=f"expected an image in {entry.path}, found a header that cannot "
                f"be read: {error}",
            )
            return None


def corners_of(cells: Sequence[str]) -> Corners | None:
    """Return the corners of x, y, width, height; None if they are not those of a box."""
    try:
        x, y, width, height = (float(cell) for cell in cells)
    except ValueError:
        return None
    corners = (x, y, x + width, y + height)
    is_box = all(map(math.isfinite, corners)) and width > 0 and height > 0
    return corners if is_box else None
