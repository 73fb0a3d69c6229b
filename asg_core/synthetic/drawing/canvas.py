"""The pixel grid that anatomy is drawn on, and the strokes that draw it.

Shapes are points in anatomy units (body.py). Pixel coordinates have their origin at the
top-left corner of the top-left pixel, as boxes do. Layers are float32 of shape (H, W).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

_SHIFT = 4  # cv2 draws with 1/16 pixel precision
_TO_UNIT = np.float32(1 / 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """A grid of H x W pixels and the map from anatomy to it."""

    height: int
    width: int
    matrix: Points
    """(2, 3): pixels = matrix @ (x, y, 1)."""

    unit: float
    """Pixels per anatomy unit."""

    x: Floats
    """(H, W): anatomy x of each pixel centre."""

    y: Floats
    """(H, W): anatomy y of each pixel centre."""

    @classmethod
    def posed(
        cls,
        *,
        height: int,
        width: int,
        rotation_deg: float,
        scale: float,
        shift: tuple[float, float],
        centre: tuple[float, float] = (0.0, 0.0),
    ) -> "Canvas":
        """Return a canvas that shows the anatomy in a pose.

        Args:
            height: Pixels.
            width: Pixels.
            rotation_deg: In the image plane; positive turns clockwise.
            scale: 1 fits an average chest.
            shift: How far the anatomy is moved, as fractions of width and height.
            centre: The anatomy point that an unshifted pose puts in the middle.
        """
        # A landscape film shows the lungs over nearly its whole height, a portrait
        # one over its whole width, with more neck and abdomen.
        unit = 1.12 * scale * min(width, height / 0.88)
        angle = np.deg2rad(rotation_deg)
        turn = unit * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        middle = np.array([width * (0.5 + shift[0]), height * (0.5 + shift[1])])
        offset = middle - turn @ np.array(centre)
        inverse = np.linalg.inv(turn)
        pixel_x, pixel_y = _pixel_centres(height, width)
        origin = -inverse @ offset
        return cls(
            height=height,
            width=width,
            matrix=np.column_stack([turn, offset]),
            unit=float(unit),
            x=_plane(inverse[0], origin[0], pixel_x, pixel_y),
            y=_plane(inverse[1], origin[1], pixel_x, pixel_y),
        )

    def to_pixels(self, points: Points) -> Points:
        """Map (N, 2) anatomy points to pixel coordinates."""
        moved = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.asarray(moved, dtype=np.float64)

    def blank(self) -> Floats:
        """Return a layer of zeros."""
        return np.zeros((self.height, self.width), np.float32)

    def fill(self, *polygons: Points) -> Floats:
        """Return a layer that is 1 inside any polygon, with antialiased edges."""
        layer = np.zeros((self.height, self.width), np.uint8)
        for fixed in self._fixed_lines(polygons):
            cv2.fillPoly(layer, [fixed], (255.0,), cv2.LINE_AA, _SHIFT)
        return layer * _TO_UNIT

    def stroke(
        self, lines: Sequence[Points] | Points, *, width: float, value: float = 1.0
    ) -> Floats:
        """Return a layer with open lines of a width in anatomy units.

        Lines thinner than a pixel are drawn one pixel wide and fainter.
        """
        layer = np.zeros((self.height, self.width), np.uint8)
        self.stroke_onto(layer, lines, width=width, value=value)
        return layer * _TO_UNIT

    def stroke_onto(
        self,
        layer: npt.NDArray[np.uint8],
        lines: Sequence[Points] | Points,
        *,
        width: float,
        value: float = 1.0,
    ) -> None:
        """Draw lines onto a uint8 layer, where 255 stands for 1."""
        pixels = width * self.unit
        thickness = max(1, round(pixels))
        level = round(255 * min(1.0, value * min(1.0, pixels / thickness + 0.1)))
        cv2.polylines(
            layer,
            self._fixed_lines(lines),
            False,  # noqa: FBT003 - cv2 takes it by position
            (float(level),),
            thickness,
            cv2.LINE_AA,
            _SHIFT,
        )

    def blur(self, layer: Floats, *, sigma: float, min_pixels: float = 0.0) -> Floats:
        """Return `layer` blurred by `sigma` anatomy units, at least `min_pixels`."""
        pixels = max(sigma * self.unit, min_pixels)
        if pixels < 0.2:
            return layer
        if pixels > 6:
            # A wide blur needs no full resolution; this is several times faster.
            small = cv2.resize(
                layer,
                (max(self.width // 4, 1), max(self.height // 4, 1)),
                interpolation=cv2.INTER_AREA,
            )
            small = cv2.GaussianBlur(small, (0, 0), pixels / 4)
            return _as_floats(
                cv2.resize(
                    small, (self.width, self.height), interpolation=cv2.INTER_LINEAR
                )
            )
        return _as_floats(cv2.GaussianBlur(layer, (0, 0), pixels))

    def depth(self, mask: Floats) -> Floats:
        """Return how far inside `mask` each pixel is, anatomy units; 0 outside."""
        inside = (mask > 0.5).astype(np.uint8)
        depth = _as_floats(cv2.distanceTransform(inside, cv2.DIST_L2, 3))
        depth *= np.float32(1.0 / self.unit)
        return depth

    def dome(self, mask: Floats, *, radius: float) -> Floats:
        """Return the thickness of a rounded body with outline `mask`.

        0 at the edge and outside, 1 at `radius` anatomy units inside and beyond.
        """
        return rounded(self.depth(mask), radius=radius)

    def disc(self, centre: Points, *, radius: float, softness: float = 0.3) -> Floats:
        """Return a layer with a disc that fades over `softness` of its radius."""
        layer = self.blank()
        middle = self.to_pixels(centre[None])[0]
        reach = radius * (1 + softness) * self.unit + 1
        x0, y0 = np.maximum(np.floor(middle - reach), 0).astype(int)
        x1, y1 = np.maximum(np.ceil(middle + reach), 0).astype(int)
        # Most discs are small: only their surroundings are computed.
        across = self.x[y0:y1, x0:x1] - np.float32(centre[0])
        down = self.y[y0:y1, x0:x1] - np.float32(centre[1])
        edge = np.float32(1.0 / (softness * radius))
        distance = np.sqrt(across * across + down * down)
        layer[y0:y1, x0:x1] = smooth_step((np.float32(radius) - distance) * edge + 0.5)
        return layer

    def _fixed_lines(
        self, lines: Sequence[Points] | Points
    ) -> list[npt.NDArray[np.int32]]:
        # One map for all of them: a vessel tree has hundreds of short lines.
        if isinstance(lines, np.ndarray):
            return list(self._fixed(lines.reshape(-1, 2)).reshape(lines.shape))
        fixed = self._fixed(np.concatenate(lines))
        stops = np.cumsum([0, *map(len, lines)]).tolist()
        return [fixed[i:j] for i, j in pairwise(stops)]

    def _fixed(self, points: Points) -> npt.NDArray[np.int32]:
        # cv2 puts the centre of the first pixel at 0, we put its corner there.
        pixels = self.to_pixels(points) - 0.5
        return np.asarray(np.round(pixels * (1 << _SHIFT)), dtype=np.int32)


def smooth_step(value: Floats) -> Floats:
    """Return 0 below 0, 1 above 1 and a smooth ramp between."""
    ramp = np.minimum(value, np.float32(1.0), dtype=np.float32)
    np.maximum(ramp, np.float32(0.0), out=ramp)
    slope = ramp * np.float32(-2.0)
    slope += np.float32(3.0)
    slope *= ramp
    slope *= ramp
    return _as_floats(slope)


def rounded(depth: Floats, *, radius: float) -> Floats:
    """Return the thickness of a rounded body from the depth inside its outline."""
    share = depth * np.float32(1.0 / max(radius, 1e-6))
    np.minimum(share, np.float32(1.0), out=share)
    share *= np.float32(2.0) - share
    return _as_floats(np.sqrt(share, out=share))


def curve(points: npt.ArrayLike, *, is_closed: bool = False) -> Points:
    """Return a smooth line through `points` (Catmull-Rom), 8 points per span."""
    nodes = np.asarray(points, dtype=np.float64)
    if is_closed:
        padded = np.concatenate([nodes[-1:], nodes, nodes[:2]])
    else:
        padded = np.concatenate(
            [2 * nodes[:1] - nodes[1:2], nodes, 2 * nodes[-1:] - nodes[-2:-1]]
        )
    spans = np.stack([padded[:-3], padded[1:-2], padded[2:-1], padded[3:]], axis=1)
    line = np.einsum("kp,spd->skd", _catmull_rom(), spans).reshape(-1, 2)
    return line if is_closed else np.concatenate([line, nodes[-1:]])


def ribbon(line: Points, half_width: float | npt.NDArray[np.float64]) -> Points:
    """Return the outline of a band along `line`; its half width may vary along it.

    `line` is (..., N, 2), the outline (..., 2 N, 2).
    """
    tangent = np.empty_like(line)
    tangent[..., 1:-1, :] = line[..., 2:, :] - line[..., :-2, :]
    tangent[..., 0, :] = line[..., 1, :] - line[..., 0, :]
    tangent[..., -1, :] = line[..., -1, :] - line[..., -2, :]
    length = np.sqrt((tangent * tangent).sum(axis=-1)) + 1e-12
    scale = half_width / length
    offset = np.stack([-tangent[..., 1] * scale, tangent[..., 0] * scale], axis=-1)
    return np.concatenate([line + offset, (line - offset)[..., ::-1, :]], axis=-2)


@lru_cache(maxsize=1)
def _catmull_rom() -> Points:
    """Return the (8, 4) weights of the four nodes around a span."""
    t = (np.arange(8) / 8)[:, None]
    return np.hstack(
        [
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            -0.5 * t**2 + 0.5 * t**3,
        ]
    )


@lru_cache(maxsize=32)
def _pixel_centres(height: int, width: int) -> tuple[Floats, Floats]:
    """Return a row (1, W) of x and a column (H, 1) of y."""
    columns = np.arange(width, dtype=np.float32)[None, :] + np.float32(0.5)
    rows = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)
    return columns, rows


def _plane(slope: Points, offset: float, columns: Floats, rows: Floats) -> Floats:
    across = columns * np.float32(slope[0]) + np.float32(offset)
    return np.asarray(across + rows * np.float32(slope[1]), dtype=np.float32)


def _as_floats(layer: npt.ArrayLike) -> Floats:
    return np.asarray(layer, dtype=np.float32)
