"""Which training images a fit may see the labels of, and which targets they teach."""

# Shape suffixes: N = images, T = targets

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asg_core.benchmarks.form import Benchmark


def draw_fraction(image_ids: Sequence[str], fraction: float, seed: int) -> list[str]:
    """Return the sorted ids of a fraction of the training images.

    A seed puts the images into an order of its own, and a fraction is the first of them:
    a smaller fraction is part of every greater one of the same seed. The number of images
    is rounded, and at least 1. Images are drawn and not patients, as published protocols
    do, whatever their labels: few images may hold no positive of a rare target at all.
    The draw depends on the set of ids and the seed only, so every encoder gets the same.

    Args:
        image_ids: The training part, in any order.
        fraction: In 0 .. 1.
        seed: Of the order.

    Raises:
        ValueError: If there are no images.
    """
    if not image_ids:
        raise ValueError(
            "draw_fraction: expected training images, found none; look at the rejects of "
            "read_benchmark"
        )
    ordered = sorted(image_ids)
    num_drawn = min(len(ordered), max(1, round(len(ordered) * fraction)))
    places = np.random.default_rng(seed).permutation(len(ordered))[:num_drawn]
    return [ordered[place] for place in np.sort(places)]


def repetitions(
    fractions: Sequence[float], seeds: Sequence[int]
) -> list[tuple[float, int]]:
    """Return every fraction with every seed; the whole training part only with the first.

    A linear fit on all images comes out the same with every seed. A decoder does not:
    how much its first weights matter on all images is not measured.
    """
    return [
        (fraction, seed)
        for fraction in fractions
        for seed in (seeds if fraction < 1 else seeds[:1])
    ]


def count_positive(benchmark: Benchmark, image_ids: Sequence[str]) -> dict[str, int]:
    """Return how many of the images have each target; an unlabelled image has none."""
    num_T = np.nansum(benchmark.truth(image_ids), axis=0)
    return {
        target: int(num)
        for target, num in zip(benchmark.targets, num_T.tolist(), strict=True)
    }


def fitted_columns(
    truth_NT: npt.NDArray[np.float32], *, is_exclusive: bool
) -> list[int]:
    """Return the places of the targets that the labels of training images can teach.

    A target needs images of both values; of targets that exclude each other each needs an
    image, and there must be two at least.

    Args:
        truth_NT: 1, 0, or NaN where unlabelled.
        is_exclusive: Whether the targets exclude each other.
    """
    num_T, positive_T = (~np.isnan(truth_NT)).sum(axis=0), np.nansum(truth_NT, axis=0)
    is_fitted_T = positive_T > 0
    if is_exclusive:
        is_fitted_T &= is_fitted_T.sum() > 1
    else:
        is_fitted_T &= positive_T < num_T
    return [int(column) for column in np.flatnonzero(is_fitted_T)]
