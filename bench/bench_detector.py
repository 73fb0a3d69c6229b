"""Measure the region detector: seconds and accuracy of training and prediction.

    python bench/bench_detector.py [--configfile config/config.yaml] [--num-train 1300]
        [--num-test 200] [--threads 2]

Draws synthetic radiographs of different patients, trains with the configuration's
`regions.training`, predicts the held-out ones with one thread, and prints CPU and wall
seconds, the scores of all regions, and those of each. CPU seconds are of this process and
count all of its threads.
"""

import argparse
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from asg_core.config import read_config
from asg_core.images.geometry import Frame, Letterbox
from asg_core.images.pixel_cache import PixelCache
from asg_core.images.pixel_layout import PixelRow, write_pixels
from asg_core.regions.detect import detect_regions, load_detector
from asg_core.regions.score import score_boxes
from asg_core.regions.train import train_detector
from asg_core.synthetic.drawing.render import render_radiograph
from asg_core.synthetic.layouts.mimic_cxr import LOOK
from asg_core.synthetic.world.body import sample_body
from asg_core.synthetic.world.world import draw_observations
from asg_core.tables.catalog import ANNOTATED_BOXES
from asg_core.terms.regions import REGIONS
from asg_core.terms.views import View

DRAWN_SIZE = 256  # longest side in pixels, before the cache makes it smaller
METRICS = ("mean_iou", "iou_of_sums", "ap50", "ap50_95", "detection_rate")


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--num-train", type=int, default=1300)
    parser.add_argument("--num-test", type=int, default=200)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = read_config(arguments.configfile)
    training = config.regions.training
    if arguments.threads is not None:
        training = training.model_copy(update={"threads": arguments.threads})
    with TemporaryDirectory() as name:
        folder = Path(name)
        with timed("draw"):
            cache, boxes = draw(
                folder / "pixels.parquet",
                num_train=arguments.num_train,
                num_test=arguments.num_test,
                size=config.images.size,
            )
        with timed(f"train, {training.threads} threads"):
            train_detector(
                cache=cache,
                boxes=boxes,
                out=folder / "detector",
                work=folder / "work",
                config=training,
            )
        truth = boxes.filter(split="test")
        detector = load_detector(folder / "detector")
        detection = config.regions.detection
        with timed(f"predict {arguments.num_test} images, {detection.threads} threads"):
            found = detect_regions(
                cache=cache,
                detector=detector,
                config=detection,
                image_ids=truth["image_id"].unique().to_list(),
            )
    show(score_boxes(predicted=found.region_boxes, truth=truth))


def draw(
    path: Path, *, num_train: int, num_test: int, size: int
) -> tuple[PixelCache, pl.DataFrame]:
    """Write a cache of drawn images and return it with their true boxes."""
    boxes: list[dict[str, object]] = []

    def rows() -> Iterator[PixelRow]:
        for number in range(num_train + num_test):
            rng = np.random.default_rng((99, number))
            radiograph = render_radiograph(
                draw_observations(rng),
                body=sample_body(rng),
                view=View.PA if number % 2 else View.AP,
                size=DRAWN_SIZE,
                acquisition=LOOK,
                rng=rng,
            )
            image_id = f"{number:06d}"
            height, width = radiograph.pixels.shape
            original = Frame(width=width, height=height)
            letterbox = Letterbox.fit(original, size=size)
            boxes.extend(
                {
                    "image_id": image_id,
                    "region": region,
                    "box_xyxy": list(box),
                    "split": "train" if number < num_train else "test",
                    "origin": "synthetic",
                }
                for region, box in radiograph.boxes.items()
            )
            yield PixelRow(
                image_id=image_id,
                original=original,
                pixels_SS=letterbox.apply(radiograph.pixels),
            )

    write_pixels(rows(), path=path, size=size)
    return PixelCache([path]), ANNOTATED_BOXES.frame(boxes)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the body took."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall:.1f} s wall, {cpu:.1f} s CPU")


def show(scores: pl.DataFrame) -> None:
    """Print the scores, one line per region."""
    values = {
        (metric, target): value
        for metric, target, value in scores.select("metric", "target", "value").rows()
    }
    print(f"{'':26}" + "".join(f"{metric:>16}" for metric in METRICS))
    for target in ("all", *REGIONS):
        numbers = [values[metric, target] for metric in METRICS]
        print(f"{target:26}" + "".join(f"{number:16.3f}" for number in numbers))
    print(f"regions found per image: {values['regions_found', 'all']:.2f}")


if __name__ == "__main__":
    main()
