"""Reading cached pixels: any image of many files in microseconds."""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from asg_core.images.geometry import Frame, Letterbox, Pixels
from asg_core.images.pixel_layout import read_index
from asg_core.tables.schema import TableError

# Shape suffixes: N = images, S = rows, and columns, of the square model frame


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
        self._files = [_CachedFile(path) for path in paths]
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


class _CachedFile:
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
