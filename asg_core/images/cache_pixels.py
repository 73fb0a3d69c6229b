"""Making the pixel cache: every image is decoded once."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

import polars as pl

from asg_core.images.config import ImagesConfig
from asg_core.images.decode import decode_image
from asg_core.images.errors import ImageError
from asg_core.images.geometry import Letterbox
from asg_core.images.notes import NOTES, Note
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.redaction import without_folders
from asg_core.tables.catalog import REJECTS
from asg_core.tables.view_counts import count_views_of, log_left_out
from asg_core.terms.stages import Stage

# Shape suffixes: S = rows, and columns, of the square model frame

logger = logging.getLogger(__name__)

ImageRow = tuple[str, str, int, int]
"""What is read of a row of `images`: image_id, path, width, height."""

ProgressBar = Callable[[Iterable[ImageRow]], Iterable[ImageRow]]
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
    progress: ProgressBar = iter,
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
    decoding = _Decoding(root=root, config=config)
    decoded = decoding.decode(progress(rows))
    result = CachedPixels(
        num_cached=write_pixels(decoded, path=path, size=config.size),
        num_excluded_by_view=len(images) - len(wanted),
        rejects=REJECTS.frame(decoding.rejects),
        notes={note: len(paths) for note, paths in sorted(decoding.noted.items())},
    )
    _log(result, images=images, decoding=decoding)
    return result


def _log(result: CachedPixels, *, images: pl.DataFrame, decoding: "_Decoding") -> None:
    config = decoding.config
    if result.num_excluded_by_view:
        counts = count_views_of(images)
        log_left_out(counts, views=config.views, key="images.views", logger=logger)
    logger.info(
        "%d images in, %d cached at %d px, %d of other views left out, %d rejected",
        len(images),
        result.num_cached,
        config.size,
        result.num_excluded_by_view,
        len(result.rejects),
    )
    for note, paths in sorted(decoding.noted.items()):
        logger.info("%d images: %s; such as %s", len(paths), NOTES[note], paths[0])


@dataclass(kw_only=True)
class _Decoding:
    """The images of one file while they are decoded."""

    root: Path
    config: ImagesConfig
    rejects: list[dict[str, str]] = field(default_factory=list)
    noted: dict[Note, list[str]] = field(default_factory=dict)
    """The paths of the images that have a note."""

    def decode(self, rows: Iterable[ImageRow]) -> Iterator[PixelRow]:
        """Yield the images that can be used, and reject the others."""
        size, resample = self.config.size, self.config.resample
        # A decoder that reduces takes means, so it is no first step of another scaling.
        decoded_for = size if resample == "area" else None
        for image_id, path, width, height in rows:
            if _leaves_root(path):
                detail = f"{path}: expected a path below the data set's folder"
                self._reject(image_id, "outside_root", detail)
                continue
            try:
                image = decode_image(self.root / path, size=decoded_for, where=path)
            except ImageError as error:
                self._reject(image_id, error.reason, str(error))
                continue
            found = image.original
            if (found.width, found.height) != (width, height):
                detail = (
                    f"{path}: expected {width} x {height} pixels as the table images "
                    f"says, found {found.width} x {found.height}"
                )
                self._reject(image_id, "size_mismatch", detail)
                continue
            for note in image.notes:
                self.noted.setdefault(note, []).append(path)
            pixels_SS = Letterbox.fit(found, size=size).apply(
                image.pixels_HW, reduction=image.reduction, resample=resample
            )
            yield PixelRow(image_id=image_id, original=found, pixels_SS=pixels_SS)

    def _reject(self, image_id: str, reason: str, detail: str) -> None:
        self.rejects.append(
            {
                "stage": Stage.CACHE_PIXELS,
                "item_id": image_id,
                "reason": reason,
                "detail": without_folders(detail),
            }
        )


def _leaves_root(path: str) -> bool:
    """Tell whether a path from a data file is absolute or climbs out by "..".

    By its letters only: links inside the folder were made by whoever set it up.
    """
    posix = PurePosixPath(path)
    is_absolute = posix.is_absolute() or PureWindowsPath(path).is_absolute()
    return is_absolute or ".." in posix.parts or path in ("", ".")
