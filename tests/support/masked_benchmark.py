"""A small benchmark with discs as masks, built by hand."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asg_core.benchmarks.form import Benchmark
from asg_core.benchmarks.runs import Run
from asg_core.images.geometry import Frame
from asg_core.images.pixel_cache import PixelCache
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.tables.catalog import (
    BENCHMARK_BOXES,
    BENCHMARK_IMAGES,
    BENCHMARK_LABELS,
    BENCHMARK_MASKS,
    SPLITS,
)

# Shape suffixes: N = images, S = rows, and columns, of an image; H, W = rows and columns
# of a mask; R = runs

TARGET = "Pneumothorax"


def mask_to_runs(mask_HW: npt.NDArray[np.bool_]) -> list[Run]:
    """Return the ascending, disjoint runs of a mask (H, W); an empty mask has none."""
    flat = np.concatenate([[False], mask_HW.T.ravel(), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    starts_R, ends_R = edges[::2], edges[1::2]
    return list(zip(starts_R.tolist(), (ends_R - starts_R).tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Discs:
    """Grey squares; those of positive images hold a bright disc, which is the mask."""

    image_ids: list[str]
    splits: list[str]
    pixels_NSS: npt.NDArray[np.uint8]
    masks_NSS: npt.NDArray[np.bool_]

    def benchmark(self, *, name: str = "siim") -> Benchmark:
        """Return the benchmark of these images, with runs and one label."""
        has_mask = self.masks_NSS.any(axis=(1, 2))
        return make_benchmark(
            name=name,
            split_of=dict(zip(self.image_ids, self.splits, strict=True)),
            labels={
                image_id: {TARGET: float(value)}
                for image_id, value in zip(self.image_ids, has_mask, strict=True)
            },
            runs={
                image_id: mask_to_runs(mask_SS)
                for image_id, mask_SS in zip(
                    self.image_ids, self.masks_NSS, strict=True
                )
                if mask_SS.any()
            },
            size=self.pixels_NSS.shape[1],
        )

    def cache(self, folder: Path) -> PixelCache:
        """Write the pixels and return the cache of them."""
        size = self.pixels_NSS.shape[1]
        path = folder / "pixels.parquet"
        rows = (
            PixelRow(
                image_id=image_id,
                original=Frame(width=size, height=size),
                pixels_SS=pixels_SS,
            )
            for image_id, pixels_SS in zip(self.image_ids, self.pixels_NSS, strict=True)
        )
        write_pixels(rows, path=path, size=size)
        return PixelCache([path])


def draw_discs(
    num_by_split: Mapping[str, int], *, size: int, positive_every: int = 2
) -> Discs:
    """Draw images; each `positive_every`-th has a disc."""
    rng = np.random.default_rng(5)
    splits = [name for name, number in num_by_split.items() for _ in range(number)]
    rows_S1, columns_1S = np.ogrid[:size, :size]
    pixels, masks = [], []
    for place in range(len(splits)):
        row, column = rng.uniform(0.25 * size, 0.75 * size, 2)
        radius = rng.uniform(0.12, 0.22) * size
        distance_SS = (rows_S1 - row) ** 2 + (columns_1S - column) ** 2
        mask_SS = (distance_SS < radius**2) & (place % positive_every == 0)
        noise_SS = rng.normal(60, 10, (size, size)) + 130 * mask_SS
        pixels.append(np.clip(noise_SS, 0, 255).astype(np.uint8))
        masks.append(mask_SS)
    return Discs(
        image_ids=[f"image-{place:03d}" for place in range(len(splits))],
        splits=splits,
        pixels_NSS=np.stack(pixels),
        masks_NSS=np.stack(masks),
    )


def make_benchmark(
    *,
    name: str = "siim",
    split_of: Mapping[str, str],
    labels: Mapping[str, Mapping[str, float]],
    runs: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    boxes: Mapping[str, Sequence[Sequence[float]]] | None = None,
    is_exclusive: bool = False,
    size: int = 32,
) -> Benchmark:
    """Return a benchmark; its targets are those of the labels, in order of first use."""
    targets = tuple(dict.fromkeys(t for values in labels.values() for t in values))
    has_masks = runs is not None or boxes is not None
    num_listed = Counter[str]()
    split_index = {}
    for image_id, split in split_of.items():
        split_index[image_id] = num_listed[split]
        num_listed[split] += 1
    return Benchmark(
        name=name,
        split="by hand",
        recipe="by hand",
        num_listed={split: num_listed[split] for split in SPLITS},
        images=BENCHMARK_IMAGES.frame(
            {
                "image_id": image_id,
                "patient_id": image_id,
                "path": f"{image_id}.png",
                "view": "PA",
                "split": split,
                "split_index": split_index[image_id],
                "width": size,
                "height": size,
            }
            for image_id, split in split_of.items()
        ),
        labels=BENCHMARK_LABELS.frame(
            {"image_id": image_id, "target": target, "value": value}
            for image_id, values in labels.items()
            for target, value in values.items()
        ),
        boxes=BENCHMARK_BOXES.frame(
            {
                "image_id": image_id,
                "target": TARGET,
                "box_index": place,
                "box_xyxy": list(box),
            }
            for image_id, rows in (boxes or {}).items()
            for place, box in enumerate(rows)
        ),
        masks=BENCHMARK_MASKS.frame(
            {
                "image_id": image_id,
                "target": TARGET,
                "runs": [{"start": start, "length": length} for start, length in pairs],
            }
            for image_id, pairs in (runs or {}).items()
        ),
        targets=targets,
        is_exclusive=is_exclusive,
        segmentation_target=TARGET if has_masks else None,
    )
