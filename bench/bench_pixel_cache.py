"""Measure the pixel cache: decoding, writing, and reading in random order.

    python bench/bench_pixel_cache.py [--num-images 2048] [--size 256]

Every figure is CPU time of one process and stands beside the plain way of doing the same,
taken in turn in the same run: quote the ratios. The films are made here: shading, ribs
and grain, 2544 x 3056, JPEG of quality 95. A PSNR compares the small image with the one
that a full decode gives.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from PIL import Image

from asg_core.images.decode import decode_image
from asg_core.images.geometry import Frame, Letterbox
from asg_core.images.pixel_cache import PixelCache
from asg_core.images.pixel_layout import PixelRow, write_pixels

WIDTH, HEIGHT = 2544, 3056
NUM_FILMS, REPEATS, BATCH = 4, 5, 64

Pixels = npt.NDArray[np.uint8]


def main() -> None:
    """Run all measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num-images", type=int, default=2048)
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        films = [write_film(Path(folder), index, rng) for index in range(NUM_FILMS)]
        measure_decoding(films, size=arguments.size)
        path = Path(folder) / "pixels.parquet"
        measure_writing(path, num_images=arguments.num_images, size=arguments.size)
        measure_reading(path, rng)


def write_film(folder: Path, index: int, rng: np.random.Generator) -> Path:
    """Write one film as JPEG."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    lungs = np.cos((x / WIDTH - 0.5) * 9) * np.sin(y / HEIGHT * 3.1)
    ribs = np.sin((y + 0.0002 * (x - WIDTH / 2) ** 2) / (50 + index))
    film = 130 - 60 * lungs + 15 * ribs + rng.normal(0, 3.5, (HEIGHT, WIDTH))
    path = folder / f"film{index}.jpg"
    Image.fromarray(np.clip(film, 0, 255).astype(np.uint8)).save(path, quality=95)
    return path


def measure_decoding(films: list[Path], *, size: int) -> None:
    """Compare file -> square for the cache with Pillow and with a full decode."""
    letterbox = Letterbox.fit(Frame(width=WIDTH, height=HEIGHT), size=size)
    shape = (letterbox.resized.width, letterbox.resized.height)

    def reduced(path: Path) -> Pixels:
        image = decode_image(path, size=size)
        return letterbox.apply(image.pixels_HW, reduction=image.reduction)

    def whole(path: Path) -> Pixels:
        return letterbox.apply(decode_image(path).pixels_HW)

    def pillow(path: Path) -> Pixels:
        with Image.open(path) as image:
            small = image.resize(shape, Image.Resampling.BOX)
        square = Image.new("L", (size, size))
        square.paste(small, (letterbox.pad_x, letterbox.pad_y))
        return np.asarray(square)

    ways = {"Pillow, full, BOX": pillow, "ours, full": whole, "ours, cache": reduced}
    seconds = in_turn(
        {name: partial(decode_all, way, films) for name, way in ways.items()}
    )
    megabytes = sum(path.stat().st_size for path in films) / len(films) / 1e6
    print(
        f"decode + letterbox to {size} px, JPEG {WIDTH} x {HEIGHT}, {megabytes:.1f} MB"
    )
    base = seconds["Pillow, full, BOX"]
    for name, way in ways.items():
        psnr = np.mean([peak_ratio(way(path), whole(path)) for path in films])
        rate = len(films) / seconds[name]
        print(f"  {name:22} {rate:8.1f}/s  x{base / seconds[name]:.2f}  {psnr:5.1f} dB")


def decode_all(way: Callable[[Path], Pixels], films: list[Path]) -> None:
    """Decode every film, one after the other."""
    for path in films:
        way(path)


def peak_ratio(image: Pixels, reference: Pixels) -> float:
    """Return the PSNR in dB, inf for equal images."""
    error = np.square(image.astype(float) - reference.astype(float)).mean()
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def measure_writing(path: Path, *, num_images: int, size: int) -> None:
    """Write a cache of noise, verification included."""
    noise = np.random.default_rng(1).integers(0, 256, (64, size, size), dtype=np.uint8)

    def rows() -> Iterator[PixelRow]:
        for index in range(num_images):
            yield PixelRow(
                image_id=f"{index:08d}",
                original=Frame(width=WIDTH, height=HEIGHT),
                pixels_SS=noise[index % 64],
            )

    seconds = in_turn({"write": lambda: write_pixels(rows(), path=path, size=size)})
    print(f"write and verify {num_images} images of {size} px")
    print(f"  {num_images / seconds['write']:.0f}/s, {path.stat().st_size} bytes")


def measure_reading(path: Path, rng: np.random.Generator) -> None:
    """Compare shuffled batches from the cache with row groups read by pyarrow."""
    cache = PixelCache([path])
    ids = [cache.image_ids[i] for i in rng.integers(0, len(cache), 16 * BATCH)]
    batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    few = rng.integers(0, len(cache), 8).tolist()

    def by_row_group() -> None:
        with pq.ParquetFile(path) as file:
            rows = file.metadata.row_group(0).num_rows
            for index in few:
                group = file.read_row_group(
                    index // rows, columns=["pixels"], use_threads=False
                )
                np.frombuffer(group["pixels"][index % rows].as_py(), dtype=np.uint8)

    def by_offset() -> None:
        for batch in batches:
            cache.read(batch)

    seconds = in_turn(
        {
            "row group": by_row_group,
            "cache": by_offset,
            "open": lambda: PixelCache([path]),
        }
    )
    plain, ours = len(few) / seconds["row group"], len(ids) / seconds["cache"]
    print(f"shuffled reads in batches of {BATCH}, pages in memory")
    print(f"  pyarrow read_row_group {plain:9.0f}/s")
    print(f"  PixelCache.read        {ours:9.0f}/s  x{ours / plain:.0f}")
    print(f"  PixelCache(...)        {seconds['open'] * 1e3:9.1f} ms to open")


def in_turn(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median CPU seconds of each way, all taken in turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(REPEATS):
        for name, way in ways.items():
            start = time.process_time()
            way()
            taken[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    main()
