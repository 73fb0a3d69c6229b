"""Noise that looks like tissue and film."""

import cv2
import numpy as np

from asg_core.synthetic.drawing.canvas import Canvas, Floats


def cloud(rng: np.random.Generator, canvas: Canvas, *, cells: int) -> Floats:
    """Return smooth noise with about `cells` bumps along the longest side, SD 1."""
    longest = max(canvas.height, canvas.width)
    rows = max(2, round(cells * canvas.height / longest))
    columns = max(2, round(cells * canvas.width / longest))
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    smooth = cv2.resize(
        coarse, (canvas.width, canvas.height), interpolation=cv2.INTER_CUBIC
    )
    # Cubic interpolation of white noise loses about a third of its spread.
    return np.asarray(smooth * np.float32(1.45), dtype=np.float32)


def parenchyma(rng: np.random.Generator, canvas: Canvas) -> Floats:
    """Return the mottled texture of lung tissue, SD about 1."""
    fine = cloud(rng, canvas, cells=72)
    middle = cloud(rng, canvas, cells=34)
    coarse = cloud(rng, canvas, cells=9)
    return np.asarray(0.55 * fine + 0.6 * middle + 0.55 * coarse, dtype=np.float32)


def patchiness(rng: np.random.Generator, canvas: Canvas, *, cells: int) -> Floats:
    """Return clumps in [0, 1] with about half of the area filled."""
    noise = 0.8 * cloud(rng, canvas, cells=cells)
    # A second, incommensurate grid hides the grid of the first.
    noise += 0.7 * cloud(rng, canvas, cells=round(1.7 * cells))
    noise += 0.4 * cloud(rng, canvas, cells=3 * cells)
    return np.asarray(np.clip(0.5 + 0.55 * noise, 0.0, 1.0), dtype=np.float32)


def grain(rng: np.random.Generator, canvas: Canvas) -> Floats:
    """Return quantum noise of the detector, SD 1, slightly correlated."""
    noise = rng.standard_normal((canvas.height, canvas.width), dtype=np.float32)
    noise += 0.6 * cv2.GaussianBlur(noise, (3, 3), 0)
    return np.asarray(noise * np.float32(0.78), dtype=np.float32)


def ridges(rng: np.random.Generator, canvas: Canvas, *, cells: int) -> Floats:
    """Return a net of thin lines, 1 on a line and 0 in its meshes."""
    noise = cloud(rng, canvas, cells=cells)
    other = cloud(rng, canvas, cells=cells)
    net = np.minimum(np.abs(noise), np.abs(other) + 0.08)
    return np.asarray(np.clip(1.0 - 2.2 * net, 0.0, 1.0), dtype=np.float32)
