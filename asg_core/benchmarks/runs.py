"""Masks as runs of pixels: what the SIIM files say, the table's form, and arrays.

A mask's pixels are counted down its columns, from the left: pixel (row, column) of a
mask of height H has the number column * H + row. A run is (start, length).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Shape suffixes: H, W = rows and columns of the original frame; R = runs

Run = tuple[int, int]
"""Number of the first pixel, and how many pixels follow one another from there."""


class RunsError(ValueError):
    """A text is not the run lengths of a mask of the stated size."""


def parse_runs(text: str, *, num_pixels: int) -> list[Run]:
    """Return the runs that a text of relative run lengths stands for.

    The text holds pairs: the gap since the end of the run before (since the first pixel,
    for the first run), and the length of the run.

    Args:
        text: Whole numbers with blanks between them.
        num_pixels: Height times width of the mask.

    Raises:
        RunsError: If the text has no or an odd number of numbers, something that is no
            whole number, a gap below 0, a length below 1, or a run beyond the mask.
    """
    words = text.split()
    numbers = [_whole(word) for word in words]
    if not numbers or len(numbers) % 2:
        raise RunsError(f"expected pairs of gap and length, found {len(words)} numbers")
    runs = []
    end = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        if gap < 0 or length < 1:
            raise RunsError(
                "expected gaps of at least 0 and lengths of at least 1, found the pair "
                f"{gap} {length}"
            )
        runs.append((end + gap, length))
        end += gap + length
    if end > num_pixels:
        raise RunsError(
            f"expected runs within {num_pixels} pixels, found one that ends at {end}"
        )
    return runs


def unite_runs(many: Iterable[Sequence[Run]]) -> list[Run]:
    """Return the runs of all pixels that are in any of several masks of one size.

    They are ascending and disjoint, and do not touch. No masks give no runs.
    """
    united: list[Run] = []
    for start, length in sorted(run for runs in many for run in runs):
        if united and start <= sum(united[-1]):
            first, extent = united[-1]
            united[-1] = (first, max(first + extent, start + length) - first)
        else:
            united.append((start, length))
    return united


def runs_to_mask(
    runs: Sequence[Run], *, height: int, width: int
) -> "npt.NDArray[np.bool_]":
    """Return the mask (H, W) of runs; no runs give an empty mask.

    Raises:
        ValueError: If a run leaves the mask.
    """
    # Here and not above: this module is imported while the job graph is built.
    import numpy as np  # noqa: PLC0415

    num_pixels = height * width
    starts_R, lengths_R = np.array(runs, np.int64).reshape(-1, 2).T
    ends_R = starts_R + lengths_R
    if len(runs) and (starts_R.min() < 0 or ends_R.max() > num_pixels):
        raise ValueError(
            f"runs_to_mask: expected runs within {height} x {width} pixels, found pixels "
            f"{starts_R.min()} to {ends_R.max()}"
        )
    steps = np.zeros(num_pixels + 1, np.int32)
    np.add.at(steps, starts_R, 1)
    np.add.at(steps, ends_R, -1)
    flat: npt.NDArray[np.bool_] = np.cumsum(steps[:-1]) > 0
    return flat.reshape(width, height).T


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError as error:
        raise RunsError(f"expected whole numbers, found '{word}'") from error
