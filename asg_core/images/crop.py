"""The crop of a cached square that an encoder sees; pixels and boxes move together.

Images are never mirrored: the right lung of a mirrored image is a left lung.
"""

# Shape suffixes:
#   N = images, or boxes, S = rows, and columns, of the cached square (the model frame),
#   C = rows, and columns, of the crop (the model input), 4 = x0 y0 x1 y1

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from asg_core.images.geometry import (
    BoxesXyxy,
    Frame,
    Pixels,
    as_boxes,
    clip_boxes,
    interpolation,
)
from asg_core.images.resample import Resample

_MIDDLE_GREY = 127.5
_WHITE = 255.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """One window into a cached square that has been scaled.

    The square is scaled to `resize` x `resize`, as `resample` says, and the window starts
    `left` and `top` pixels from its corner. Grey values g become (g - 127.5) * contrast + 127.5 + 255 * lift.
    """

    resize: int
    size: int
    left: int
    top: int
    contrast: float = 1.0
    lift: float = 0.0
    resample: Resample = "area"

    def __post_init__(self) -> None:
        last = self.resize - self.size
        if not (0 <= self.left <= last and 0 <= self.top <= last and self.size > 0):
            raise ValueError(
                f"Crop: expected a window of {self.size} px inside {self.resize} px, "
                f"found one at ({self.left}, {self.top}); raise crop.resize or lower "
                "the input size of the encoder"
            )

    def apply(self, pixels_NSS: Pixels) -> Pixels:
        """Return the windows (N, size, size) of cached squares, 0 black .. 255 white.

        No images give no windows.
        """
        window_NCC = self._window(pixels_NSS)
        if self.contrast == 1.0 and self.lift == 0.0:
            return window_NCC
        grey = (np.arange(256) - _MIDDLE_GREY) * self.contrast + _MIDDLE_GREY
        table = np.rint(np.clip(grey + self.lift * _WHITE, 0, _WHITE)).astype(np.uint8)
        return table[window_NCC]

    def to_input(self, boxes_model: npt.ArrayLike, *, source: int) -> BoxesXyxy:
        """Move boxes (N, 4) from cached squares to the window, and cut them to it.

        A box that lies outside of the window gets an area of 0.

        Args:
            boxes_model: Pixels of the cached square.
            source: The side of that square, in pixels.
        """
        scale = self.resize / source
        offset_4 = np.array([self.left, self.top] * 2, dtype=np.float64)
        moved_N4 = as_boxes(boxes_model) * scale - offset_4
        return clip_boxes(moved_N4, Frame(width=self.size, height=self.size))

    def to_model(self, boxes_input: npt.ArrayLike, *, source: int) -> BoxesXyxy:
        """Move boxes (N, 4) from the window back to cached squares of side `source`."""
        offset_4 = np.array([self.left, self.top] * 2, dtype=np.float64)
        return (as_boxes(boxes_input) + offset_4) * (source / self.resize)

    def _window(self, pixels_NSS: Pixels) -> Pixels:
        if pixels_NSS.ndim != 3 or pixels_NSS.dtype != np.uint8:
            raise TypeError(
                "Crop: expected uint8 images of shape (N, side, side), found "
                f"{pixels_NSS.dtype} of shape {pixels_NSS.shape}"
            )
        rows = slice(self.top, self.top + self.size)
        columns = slice(self.left, self.left + self.size)
        if pixels_NSS.shape[1] == self.resize:
            return np.ascontiguousarray(pixels_NSS[:, rows, columns])
        mode = interpolation(
            self.resample, is_smaller=self.resize < pixels_NSS.shape[1]
        )
        side = (self.resize, self.resize)
        window_NCC = np.empty((len(pixels_NSS), self.size, self.size), dtype=np.uint8)
        for pixels_SS, window_CC in zip(pixels_NSS, window_NCC, strict=True):
            window_CC[:] = cv2.resize(pixels_SS, side, interpolation=mode)[
                rows, columns
            ]
        return window_NCC


@dataclass(frozen=True, slots=True, kw_only=True)
class CropDraw:
    """The distribution that the crops of training are drawn from.

    All amounts are as in `asg_core.training.config.CropConfig`.
    """

    resize: int
    size: int
    log_scale: float = 0.0
    brightness: float = 0.0
    log_contrast: float = 0.0
    resample: Resample = "area"

    def draw(self, rng: np.random.Generator) -> Crop:
        """Return a crop at random: its scale, its place and its grey values."""
        scale, lift, log_contrast = rng.uniform(-1, 1, size=3) * (
            self.log_scale,
            self.brightness,
            self.log_contrast,
        )
        resize = max(self.size, round(self.resize * float(np.exp(scale))))
        left, top = rng.integers(0, resize - self.size + 1, size=2)
        return Crop(
            resize=resize,
            size=self.size,
            left=int(left),
            top=int(top),
            contrast=float(np.exp(log_contrast)),
            lift=float(lift),
            resample=self.resample,
        )

    def centre(self) -> Crop:
        """Return the crop of validation and evaluation."""
        return centre_crop(self.resize, self.size, resample=self.resample)


def centre_crop(resize: int, size: int, *, resample: Resample = "area") -> Crop:
    """Return the crop of `size` px in the centre of a square scaled to `resize` px.

    Raises:
        ValueError: If there is nothing to crop: `resize` is less than `size`.
    """
    start = (resize - size) // 2
    return Crop(resize=resize, size=size, left=start, top=start, resample=resample)
