"""Frames, the map between them, and arithmetic on boxes.

A box is (x0, y0, x1, y1) in pixels of a frame, half-open: its width is x1 - x0, and the
box of a whole frame is (0, 0, width, height). Functions take anything that NumPy reads
as (N, 4) numbers and return float64; no boxes is (0, 4).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from asg_core.images.resample import Resample

# Shape suffixes:
#   H, W = rows and columns of an image, N, M = boxes, 4 = x0, y0, x1, y1,
#   S = rows, and columns, of the square model frame

BoxesXyxy = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A pixel grid that boxes can be expressed in.

    The origin is the top-left corner of the top-left pixel; x grows right, y grows down.
    """

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(
                "Frame: expected at least one pixel each way, found "
                f"{self.width} x {self.height}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """The map from an image's original frame to the square model frame.

    The image is scaled until its longer side fills the square, and centred; the rest is
    black. Pixels come in whole numbers, so the shorter side is rounded, and the two axes
    may differ a little in scale. Boxes follow the sides that the pixels really have.
    """

    original: Frame
    size: int  # side of the model frame, pixels
    resized: Frame  # what the image is scaled to
    pad_x: int  # model-frame pixels left of the resized image
    pad_y: int  # and above it

    @classmethod
    def fit(cls, original: Frame, *, size: int) -> Self:
        """Return the map that centres `original` in a `size` x `size` model frame."""
        longer = max(original.width, original.height)
        resized = Frame(
            width=max(1, round(original.width * size / longer)),
            height=max(1, round(original.height * size / longer)),
        )
        return cls(
            original=original,
            size=size,
            resized=resized,
            pad_x=(size - resized.width) // 2,
            pad_y=(size - resized.height) // 2,
        )

    @property
    def scale_x(self) -> float:
        """Model-frame pixels per original pixel, along x."""
        return self.resized.width / self.original.width

    @property
    def scale_y(self) -> float:
        """Model-frame pixels per original pixel, along y."""
        return self.resized.height / self.original.height

    def to_model(self, boxes: npt.ArrayLike) -> BoxesXyxy:
        """Move boxes (N, 4) from the original frame to the model frame."""
        return as_boxes(boxes) * self._scale_4() + self._offset_4()

    def to_original(self, boxes: npt.ArrayLike) -> BoxesXyxy:
        """Move boxes (N, 4) from the model frame back to the original frame.

        Boxes that reach into the padding leave the original frame; see `clip_boxes`.
        """
        return (as_boxes(boxes) - self._offset_4()) / self._scale_4()

    def apply(
        self, image_HW: Pixels, *, reduction: int = 1, resample: Resample = "area"
    ) -> Pixels:
        """Scale and pad the pixels of the original frame to the model frame.

        Args:
            image_HW: The image, or a copy of it that was decoded at 1 / `reduction` of
                its size, with partial pixels at the right and the bottom kept.
            reduction: Original pixels per pixel of `image_HW`, each way.
            resample: How pixels are made fewer.

        Returns:
            (size, size), 0 in the padding.

        Raises:
            ValueError: If `image_HW` has not the shape that the original frame implies.
        """
        self._check_pixels(image_HW, reduction=reduction)
        area_SS = np.zeros((self.size, self.size), dtype=np.uint8)
        rows = slice(self.pad_y, self.pad_y + self.resized.height)
        columns = slice(self.pad_x, self.pad_x + self.resized.width)
        area_SS[rows, columns] = self._resize(
            image_HW, reduction=reduction, resample=resample
        )
        return area_SS

    def _resize(
        self, image_HW: Pixels, *, reduction: int, resample: Resample
    ) -> Pixels:
        # Here and not above: stages that only compute with boxes need no OpenCV.
        import cv2  # noqa: PLC0415

        fx, fy = self.scale_x * reduction, self.scale_y * reduction
        mode = interpolation(resample, is_smaller=max(fx, fy) <= 1)
        # Factors, not a target size: OpenCV would stretch the partial last pixels of a
        # reduced image to whole ones, and the content would move against the boxes.
        scaled_HW = np.asarray(
            cv2.resize(image_HW, None, fx=fx, fy=fy, interpolation=mode), dtype=np.uint8
        )
        return scaled_HW[: self.resized.height, : self.resized.width]

    def _check_pixels(self, image_HW: Pixels, *, reduction: int) -> None:
        if image_HW.dtype != np.uint8:
            raise TypeError(f"Letterbox: expected uint8 pixels, found {image_HW.dtype}")
        height = -(-self.original.height // reduction)
        width = -(-self.original.width // reduction)
        if image_HW.shape != (height, width):
            raise ValueError(
                f"Letterbox: expected pixels of shape {(height, width)}, found "
                f"{image_HW.shape}; fit the map to the frame of this image"
            )

    def _scale_4(self) -> BoxesXyxy:
        return np.array([self.scale_x, self.scale_y] * 2)

    def _offset_4(self) -> BoxesXyxy:
        return np.array([self.pad_x, self.pad_y] * 2, dtype=np.float64)


def interpolation(resample: Resample, *, is_smaller: bool) -> int:
    """Return OpenCV's name of a way to scale pixels.

    Bilinear interpolation over a 12-fold reduction aliases; area does not, but when
    enlarging it repeats pixels, and so nothing is enlarged by it.
    """
    import cv2  # noqa: PLC0415 - stages that only compute with boxes need no OpenCV

    is_area = resample == "area" and is_smaller
    return cv2.INTER_AREA if is_area else cv2.INTER_LINEAR


def as_boxes(boxes: npt.ArrayLike) -> BoxesXyxy:
    """Return `boxes` as an (N, 4) array; an empty list is (0, 4).

    Raises:
        ValueError: If there are boxes and they have not four numbers each.
    """
    boxes_N4 = np.asarray(boxes, dtype=np.float64)
    if boxes_N4.size == 0:
        return boxes_N4.reshape(0, 4)
    if boxes_N4.ndim != 2 or boxes_N4.shape[1] != 4:
        raise ValueError(
            "Expected boxes of shape (N, 4), x0 y0 x1 y1 each, found an array of "
            f"shape {boxes_N4.shape}"
        )
    return boxes_N4


def clip_boxes(boxes: npt.ArrayLike, frame: Frame) -> BoxesXyxy:
    """Cut boxes to `frame`; a box that lies outside gets an area of 0."""
    limits_4 = np.array([frame.width, frame.height] * 2, dtype=np.float64)
    return np.clip(as_boxes(boxes), 0.0, limits_4)


def box_area(boxes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the areas (N,) in square pixels; corners in the wrong order give 0."""
    boxes_N4 = as_boxes(boxes)
    return _area(boxes_N4[:, :2], boxes_N4[:, 2:])


def box_iou(boxes: npt.ArrayLike, others: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return intersection over union of every box with every other, (N, M).

    Both in the same frame. Where neither has an area the result is 0.
    """
    boxes_N4, others_M4 = as_boxes(boxes), as_boxes(others)
    inter_NM = _intersection(boxes_N4[:, None, :], others_M4[None, :, :])
    union_NM = box_area(boxes_N4)[:, None] + box_area(others_M4)[None, :] - inter_NM
    return _ratio(inter_NM, union_NM)


def paired_iou(boxes: npt.ArrayLike, others: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return intersection over union of each box with its counterpart, (N,).

    Raises:
        ValueError: If the two are not equally many.
    """
    inter_N = paired_intersection(boxes, others)
    return _ratio(inter_N, box_area(boxes) + box_area(others) - inter_N)


def paired_intersection(
    boxes: npt.ArrayLike, others: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return the area that each box shares with its counterpart, (N,).

    Raises:
        ValueError: If the two are not equally many.
    """
    boxes_N4, others_N4 = as_boxes(boxes), as_boxes(others)
    if len(boxes_N4) != len(others_N4):
        raise ValueError(
            f"Expected pairs of boxes, found {len(boxes_N4)} boxes and "
            f"{len(others_N4)} counterparts; box_iou compares all with all"
        )
    return _intersection(boxes_N4, others_N4)


def _intersection(left: BoxesXyxy, right: BoxesXyxy) -> npt.NDArray[np.float64]:
    """Return the shared areas of boxes (..., 4) that broadcast against each other."""
    starts = np.maximum(left[..., :2], right[..., :2])
    ends = np.minimum(left[..., 2:], right[..., 2:])
    return _area(starts, ends)


def _area(starts: BoxesXyxy, ends: BoxesXyxy) -> npt.NDArray[np.float64]:
    """Return width times height for corners (..., 2), 0 where they are reversed."""
    areas: npt.NDArray[np.float64] = np.clip(ends - starts, 0.0, None).prod(axis=-1)
    return areas


def _ratio(
    part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Divide, with 0 where `whole` is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
