"""The pixel cache: every image decoded once, then read in microseconds."""

import logging
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import polars as pl

from asg_core.images.config import ImagesConfig
from asg_core.images.decode import decode_for_size
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Frame, Letterbox, Pixels
from asg_core.images.notes import NOTES, Note
from asg_core.images.pixel_layout import PixelRow, read_index, write_pixels
from asg_core.images.resample import Resample
from asg_core.tables.catalog import REJECTS
from asg_core.tables.schema import TableError
from asg_core.tables.view_counts import count_views_of, log_left_out
from asg_core.terms.stages import Stage

# Shape suffixes: N = images, S = rows, and columns, of the square model frame

logger = logging.getLogger(__name__)

STAGE = Stage.CACHE_PIXELS

ImageRow = tuple[str, str, int, int]
"""What is read of a row of `images`: image_id, path, width, height."""

Progress = Callable[[Iterable[ImageRow]], Iterable[ImageRow]]
"""Passes its items through and shows how far they are; they come with a length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPixels:
    """What became of the rows of `images`: cached, of another view, or rejected."""

    num_cached: int
    num_excluded_by_view: int
    rejects: pl.DataFrame  # in the schema REJECTS
    notes: Mapping[Note, int]
    """How many of the cached images are shown otherwise than their file says, and how."""


def cache_pixels(
    images: pl.DataFrame,
    *,
    root: Path,
    path: Path,
    config: ImagesConfig,
    progress: Progress | None = None,
) -> CachedPixels:
    """Decode and letterbox `images` into one file of the table `pixels`.

    Images of views that the configuration does not name are left out, and counted in the
    log by the spelling of their view. Images that cannot be used are rejected; judging
    their share is the caller's part. No usable image gives a file without rows. Films
    that are shown otherwise than their file says are counted, and logged with an example.

    Args:
        images: Rows of the table `images`; of `benchmark_images` if all views are named.
        root: The folder that the paths of `images` are relative to.
        path: The file to write; it appears when it is complete.
        config: Size, scaling and views.
        progress: Wraps the images to be decoded.

    Raises:
        PassingFaultError: If the operating system cannot read a file; another try may.
    """
    wanted = images.filter(pl.col("view").is_in([view.value for view in config.views]))
    rows: list[ImageRow] = (
        wanted.sort("image_id").select("image_id", "path", "width", "height").rows()
    )
    rejects: list[dict[str, str]] = []
    noted: dict[Note, list[str]] = {}
    num_cached = write_pixels(
        _decoded(
            rows if progress is None else progress(rows),
            root=root,
            size=config.size,
            resample=config.resample,
            rejects=rejects,
            noted=noted,
        ),
        path=path,
        size=config.size,
    )
    num_excluded = len(images) - len(wanted)
    if num_excluded:
        counts = count_views_of(images)
        log_left_out(counts, views=config.views, key="images.views", logger=logger)
    logger.info(
        "%d images in, %d cached at %d px, %d of other views left out, %d rejected",
        len(images),
        num_cached,
        config.size,
        num_excluded,
        len(rejects),
    )
    for note, paths in sorted(noted.items()):
        logger.info("%d images: %s; such as %s", len(paths), NOTES[note], paths[0])
    return CachedPixels(
        num_cached=num_cached,
        num_excluded_by_view=num_excluded,
        rejects=REJECTS.frame(rejects),
        notes={note: len(paths) for note, paths in sorted(noted.items())},
    )


class PixelCache:
    """The images of one or several files of the table `pixels`, by image id.

    Nothing is read into memory but the index. Objects can be pickled and forked: reads
    name their position, so processes share nothing that moves.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Index the files, and raise TableError if they cannot be one cache."""
        if not paths:
            raise ValueError("PixelCache: expected at least one file, found none")
        indices = [read_index(path) for path in paths]
        for path, index in zip(paths, indices, strict=True):
            if index.size != indices[0].size:
                raise TableError(
                    f"{path}: expected images of {indices[0].size} px as in {paths[0]}, "
                    f"found {index.size} px. Delete the older of the two and run the "
                    "workflow again."
                )
        self._size = indices[0].size
        self._files = [_File(path) for path in paths]
        lengths = [len(index.image_ids) for index in indices]
        self._file_N = np.repeat(np.arange(len(paths)), lengths)
        self._offset_N = np.concatenate([index.offsets_N for index in indices])
        self._width_N = np.concatenate([index.widths_N for index in indices])
        self._height_N = np.concatenate([index.heights_N for index in indices])
        self._ids = tuple(name for index in indices for name in index.image_ids)
        self._rows = {image_id: row for row, image_id in enumerate(self._ids)}
        if len(self._rows) < len(self._ids):
            raise TableError(
                f"PixelCache: expected every image once in {len(paths)} files, found "
                f"{len(self._ids) - len(self._rows)} again; give each file once"
            )

    @property
    def size(self) -> int:
        """Side of the square model frame, in pixels."""
        return self._size

    @property
    def image_ids(self) -> tuple[str, ...]:
        """The ids of all images, file by file, ascending within a file."""
        return self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, image_id: object) -> bool:
        return image_id in self._rows

    def frame(self, image_id: str) -> Frame:
        """Return the original frame of an image."""
        row = self._row(image_id)
        return Frame(width=int(self._width_N[row]), height=int(self._height_N[row]))

    def letterbox(self, image_id: str) -> Letterbox:
        """Return the map from an image's original frame to its cached pixels."""
        return Letterbox.fit(self.frame(image_id), size=self._size)

    def read(self, image_ids: Sequence[str]) -> Pixels:
        """Return the images as (N, size, size), in the order asked for.

        Raises:
            KeyError: If an image is not in the cache.
        """
        rows = [self._row(image_id) for image_id in image_ids]
        width = self._size * self._size
        places = [
            (self._files[self._file_N[row]].descriptor(), int(self._offset_N[row]))
            for row in rows
        ]
        # First tell the system about the whole batch, so that a cold disk works on all
        # of it at once: twice as fast as asking for one image after the other.
        for descriptor, offset in places:
            _will_need(descriptor, offset, width)
        pixels_NSS = np.empty((len(rows), self._size, self._size), dtype=np.uint8)
        for (descriptor, offset), pixels_SS in zip(places, pixels_NSS, strict=True):
            num_read = os.preadv(descriptor, [pixels_SS], offset)
            if num_read != width:
                raise TableError(
                    f"PixelCache: expected {width} bytes of an image, found {num_read}; "
                    "the file was changed while it was in use. Run the workflow again."
                )
        return pixels_NSS

    def _row(self, image_id: str) -> int:
        row = self._rows.get(image_id)
        if row is None:
            raise KeyError(
                f"PixelCache: image '{image_id}' is none of the {len(self)} cached ones; "
                "it was rejected, is of a view that is left out, or is in a shard that "
                "was not given"
            )
        return row


class _File:
    """One file, opened when it is first read, in each process for itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path.stat())
        self._descriptor: int | None = None

    def descriptor(self) -> int:
        """Return the open file's number."""
        if self._descriptor is None:
            descriptor = os.open(self._path, os.O_RDONLY)
            weakref.finalize(self, os.close, descriptor)
            if _stamp(os.fstat(descriptor)) != self._stamp:
                raise TableError(
                    f"{self._path}: expected the file that was indexed, found one that "
                    "was written since. Open the cache again."
                )
            self._descriptor = descriptor
        return self._descriptor

    def __getstate__(self) -> dict[str, Any]:
        # A file number means nothing in another process.
        return self.__dict__ | {"_descriptor": None}


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _will_need(descriptor: int, offset: int, length: int) -> None:
    if hasattr(os, "posix_fadvise"):  # not on macOS; then reads only start later
        os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_WILLNEED)


def _decoded(
    rows: Iterable[ImageRow],
    *,
    root: Path,
    size: int,
    resample: Resample,
    rejects: list[dict[str, str]],
    noted: dict[Note, list[str]],
) -> Iterator[PixelRow]:
    """Yield the images that can be used, and append the others to `rejects`.

    The paths of images with a note are added to `noted`.
    """
    # A decoder that reduces takes means, so it is no first step of another scaling.
    decoded_for = size if resample == "area" else None
    for image_id, path, width, height in rows:
        if _leaves_root(path):
            detail = f"{path}: expected a path below the data set's folder"
            rejects.append(_reject(image_id, "outside_root", detail))
            continue
        try:
            image = decode_for_size(root / path, size=decoded_for, where=path)
        except ImageError as error:
            rejects.append(_reject(image_id, error.reason, str(error)))
            continue
        found = image.original
        if (found.width, found.height) != (width, height):
            detail = (
                f"{path}: expected {width} x {height} pixels as the table images says, "
                f"found {found.width} x {found.height}"
            )
            rejects.append(_reject(image_id, "size_mismatch", detail))
            continue
        for note in image.notes:
            noted.setdefault(note, []).append(path)
        letterbox = Letterbox.fit(found, size=size)
        pixels_SS = letterbox.apply(
            image.pixels_HW, reduction=image.reduction, resample=resample
        )
        yield PixelRow(image_id=image_id, original=found, pixels_SS=pixels_SS)


def _leaves_root(path: str) -> bool:
    """Tell whether a path from a data file is absolute or climbs out by "..".

    By its letters only: links inside the folder were made by whoever set it up.
    """
    posix = PurePosixPath(path)
    is_absolute = posix.is_absolute() or PureWindowsPath(path).is_absolute()
    return is_absolute or ".." in posix.parts or path in ("", ".")


def _reject(image_id: str, reason: str, detail: str) -> dict[str, str]:
    return {"stage": STAGE, "item_id": image_id, "reason": reason, "detail": detail}
