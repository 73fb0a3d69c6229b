"""What all readers share: rows of label files, the look at the images, what was found.

The tables are made of it in `read`: this module is imported by those of the data sets,
which are imported while the job graph is built, and so without a table library.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from asg_core.benchmarks.layout import Layout, image_files
from asg_core.benchmarks.runs import Run
from asg_core.benchmarks.splits import Places, id_in_part
from asg_core.sources.config import Split
from asg_core.sources.reading.files import SourceError, csv_rows, places_of
from asg_core.terms.views import View

if TYPE_CHECKING:
    from asg_core.sources.rejects import RejectLog

Size = tuple[int, int]
"""Width and height of the original frame, in pixels."""

Corners = tuple[float, float, float, float]
"""A box in pixels of the original frame, half-open: left, top, right, bottom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEntry:
    """One image that the label files name."""

    image_id: str
    patient_id: str
    path: str
    """Relative to the root: where the file was found, else where the layout puts it."""

    view: View = View.UNKNOWN
    labels: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkReading:
    """What a reader says of a benchmark, beside what it has gathered."""

    split: str
    """The name of the split, which published numbers name too."""

    recipe: str
    """How the split divides the images, with its numbers."""

    divided: Mapping[Split, Sequence[str]]
    """The images of each part as the split lists them, whether they are there or not."""

    targets: tuple[str, ...]
    """What the labels are about, in the benchmark's own order."""

    notes: Mapping[str, str] = field(default_factory=dict)
    """Policies that a reader of the scores may ask for, by name."""


@dataclass(kw_only=True)
class Gathering:
    """What the reading of one benchmark has given so far."""

    root: Path
    layout: Layout
    require_images: bool
    rejects: "RejectLog"
    counts: Counter[str] = field(default_factory=Counter)
    """How often something was left out by choice, or is worth knowing and no error."""

    malformed: set[str] = field(default_factory=set)
    """First cells of rows with a wrong number of cells: in most files an image."""

    images: list[dict[str, object]] = field(default_factory=list)
    """Rows of BENCHMARK_IMAGES; those below are of the other tables of a benchmark."""

    # By column: a large benchmark has millions of labels.
    labels: dict[str, list[str | float]] = field(
        default_factory=lambda: {"image_id": [], "target": [], "value": []}
    )
    boxes: list[dict[str, object]] = field(default_factory=list)
    masks: list[dict[str, object]] = field(default_factory=list)
    _num_boxes: Counter[tuple[str, str]] = field(default_factory=Counter)

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
                detail = f"expected {num_named} cells, found {len(row)}"
                self.reject(where, reason="malformed_row", detail=detail)
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

    def reject_again(self, where: str, *, image: str) -> None:
        """Reject another row of an image that has one."""
        detail = f"expected one row of {image}, found another; the first is kept"
        self.reject(where, reason="duplicate_row", detail=detail)

    def reject_incomplete(self, image_id: str, *, found: str) -> None:
        """Reject an image with a row that cannot be read.

        The rest of its boxes or runs is not its whole truth.
        """
        detail = f"expected usable rows only, found {found}"
        self.reject(image_id, reason="incomplete_labels", detail=detail)

    def files(self) -> dict[str, str]:
        """Return the image files, relative to the root, by their stems.

        Where two folders have files of one stem, the first counts. There are none when
        images are not required.
        """
        files: dict[str, str] = {}
        for path in self.paths():
            stem = PurePosixPath(path).stem
            if files.setdefault(stem, path) != path:
                self.counts["images_of_one_name"] += 1
        return files

    def paths(self) -> list[str]:
        """Return the image files, relative to the root; none when they are not required."""
        if not self.require_images:
            return []
        skipped: Counter[str] = Counter()
        files = image_files(self.layout, root=self.root, skipped=skipped)
        paths = [path for path, _ in files]
        self.counts.update({"system_files": skipped.total()} if skipped else {})
        return paths

    def sizes(
        self,
        entries: Iterable[ImageEntry],
        *,
        paths: Collection[str],
        named: Iterable[str],
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

    def add_images(
        self,
        entries: Sequence[ImageEntry],
        *,
        places: Mapping[str, Places],
        paths: Collection[str],
        named: Iterable[str],
    ) -> dict[str, Size | None]:
        """Add the images that can be used; return their sizes.

        The arguments are those of `sizes`, with the places of each image beside them.
        """
        sizes = self.sizes(entries, paths=paths, named=named)
        for entry in entries:
            if entry.image_id in sizes:
                self.add_image(
                    entry, places=places[entry.image_id], size=sizes[entry.image_id]
                )
        return sizes

    def add_image(
        self, entry: ImageEntry, *, places: Places, size: Size | None
    ) -> None:
        """Add an image and its labels, once for each part that it is in."""
        width, height = size or (None, None)
        for part, place in places.items():
            image_id = id_in_part(entry.image_id, part=part, parts=list(places))
            self.images.append(
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
            self.labels["image_id"].extend([image_id] * len(entry.labels))
            self.labels["target"].extend(entry.labels)
            self.labels["value"].extend(entry.labels.values())

    def add_box(
        self, image_id: str, *, target: str, box: Corners, size: Size | None, where: str
    ) -> None:
        """Add a box, cut to the frame where it leaves it; one outside is rejected.

        Args:
            image_id: The image.
            target: What the box is around.
            box: Its corners.
            size: The size of the image; with None nothing is cut.
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
        self.boxes.append(
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
            self.masks.append(
                {
                    "image_id": image_id,
                    "target": target,
                    "runs": [{"start": run[0], "length": run[1]} for run in runs],
                }
            )

    def _size(self, entry: ImageEntry, *, is_there: bool) -> Size | None:
        # Here and not above: image libraries take long to import.
        from asg_core.sources.reading.image_size import (  # noqa: PLC0415
            UnreadableImageError,
            image_size,
        )

        reason = "missing_image"
        detail = f"expected the file {entry.path}, found none"
        if is_there:
            try:
                return image_size(self.root / entry.path)
            except UnreadableImageError as error:
                reason = "unreadable_image"
                detail = (
                    f"expected an image in {entry.path}, found a header that cannot be "
                    f"read: {error}"
                )
        self.reject(entry.image_id, reason=reason, detail=detail)
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
