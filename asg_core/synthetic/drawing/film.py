"""Turns attenuation into the pixels of a developed film."""

import cv2
import numpy as np
import numpy.typing as npt

from asg_core.synthetic.drawing.acquisition import Acquisition
from asg_core.synthetic.drawing.canvas import Canvas, Floats
from asg_core.synthetic.drawing.scene import Scene
from asg_core.synthetic.drawing.texture import grain
from asg_core.terms.views import View

_BLACK, _WHITE = 0.04, 1.62  # attenuation shown as black and as white


def develop(
    scene: Scene, *, view: View, acquisition: Acquisition, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return (H, W) gray levels; dense tissue is bright."""
    canvas = scene.canvas
    gamma = rng.uniform(*acquisition.gamma)
    contrast = rng.uniform(*acquisition.contrast)
    blur = rng.uniform(*acquisition.blur) * max(canvas.height, canvas.width)
    noise = rng.uniform(*acquisition.noise)
    brightness = rng.uniform(-0.05, 0.05)
    if view is View.AP:
        # Portable images have no grid: scatter takes contrast.
        contrast *= 0.86
        brightness += 0.03
        noise *= 1.25
    shadow = scene.soft - scene.air + scene.vessels + scene.bone
    haze = canvas.blur(shadow, sigma=0.09)
    shadow = 0.88 * shadow + 0.12 * haze + scene.metal
    shown = (shadow - _BLACK) / (_WHITE - _BLACK)
    shown = _characteristic(shown, gamma=gamma)
    shown = 0.5 + contrast * (shown - 0.5) + brightness
    shown = canvas.blur(shown, sigma=blur / canvas.unit)
    # Fewer photons arrive where the film is bright.
    shown += (noise / 255) * (0.45 + 0.75 * np.clip(shown, 0, 1)) * grain(rng, canvas)
    if rng.random() < acquisition.collimation:
        shown *= _field(canvas, rng)
    _write_text(shown, view=view, acquisition=acquisition, rng=rng)
    levels = np.clip(np.rint(255 * shown), 0, 255)
    return np.asarray(levels, dtype=np.uint8)


def _characteristic(shown: Floats, *, gamma: float) -> Floats:
    """Apply the S-shaped curve of film: flat in the very dark and very bright."""
    clipped = np.maximum(shown, 0.0)
    curved = 1.0 - np.exp(-1.62 * clipped**1.28)
    return np.asarray((1.09 * curved) ** gamma, dtype=np.float32)


def _field(canvas: Canvas, rng: np.random.Generator) -> Floats:
    """Return the exposed field: 1 inside, dark outside its slightly tilted edges."""
    insets = rng.uniform(-0.02, 0.035, size=4) * max(canvas.height, canvas.width)
    tilts = rng.uniform(-0.012, 0.012, size=4)
    rows = np.arange(canvas.height, dtype=np.float32)[:, None]
    columns = np.arange(canvas.width, dtype=np.float32)[None, :]
    inside = np.minimum(
        np.minimum(
            columns - np.float32(insets[0]) - np.float32(tilts[0]) * rows,
            canvas.width
            - columns
            - np.float32(insets[1])
            - np.float32(tilts[1]) * rows,
        ),
        np.minimum(
            rows - np.float32(insets[2]) - np.float32(tilts[2]) * columns,
            canvas.height
            - rows
            - np.float32(insets[3])
            - np.float32(tilts[3]) * columns,
        ),
    )
    edge = np.clip(inside / 2.5 + 0.5, 0.0, 1.0)
    return np.asarray(0.03 + 0.97 * edge, dtype=np.float32)


def _write_text(
    shown: Floats, *, view: View, acquisition: Acquisition, rng: np.random.Generator
) -> None:
    """Draw the side marker and the word "PORTABLE" into the corners."""
    height, width = shown.shape
    size = max(height, width)
    has_marker = rng.random() < acquisition.marker
    is_left = rng.random() < 0.5
    across, down = rng.uniform(0.03, 0.09), rng.uniform(0.05, 0.13)
    scale = size * rng.uniform(0.0016, 0.0024)
    is_portable = view is View.AP and rng.random() < acquisition.portable_text
    thickness = max(1, round(size / 220))
    if has_marker:
        # The marker stands on the patient's side that it names.
        x = width * (1 - across) - 11 * scale * 1.6 if is_left else width * across
        place = (round(x), round(height * down))
        letter = "L" if is_left else "R"
        _put(shown, letter, place=place, scale=scale, thickness=thickness)
    if is_portable:
        place = (round(width * 0.03), round(height * 0.97))
        _put(shown, "PORTABLE", place=place, scale=0.6 * scale, thickness=1)


def _put(
    shown: Floats, text: str, *, place: tuple[int, int], scale: float, thickness: int
) -> None:
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(shown, text, place, font, scale, (0.97,), thickness, cv2.LINE_AA)
