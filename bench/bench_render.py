"""Time the synthetic renderer: milliseconds of one core per image, by size and content.

Run as `python bench/bench_render.py [--images 200]`.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from asg_core.synthetic.drawing.render import render_radiograph
from asg_core.synthetic.layouts.mimic_cxr import LOOK
from asg_core.synthetic.world.body import sample_body
from asg_core.synthetic.world.world import Observation, draw_observations
from asg_core.terms.views import View

Draw = Callable[[np.random.Generator], Sequence[Observation]]


def time_images(*, size: int, view: View, num_images: int, draw: Draw) -> float:
    """Return milliseconds of processor time per image."""
    seconds = 0.0
    for number in range(-5, num_images):
        rng = np.random.default_rng((7, number + 5))
        observations, body = draw(rng), sample_body(rng)
        start = time.process_time()
        render_radiograph(
            observations, body=body, view=view, size=size, acquisition=LOOK, rng=rng
        )
        # The first five fill the caches of pixel grids.
        seconds += time.process_time() - start if number >= 0 else 0.0
    return 1000 * seconds / num_images


def main() -> None:
    """Print one line per size, view and content."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    num_images = parser.parse_args().images
    cv2.setNumThreads(1)
    contents: dict[str, Draw] = {"normal": lambda _: (), "corpus": draw_observations}
    print("size view content ms_per_image")
    for size in (128, 160, 256, 512):
        for view in (View.PA, View.AP, View.LATERAL):
            for content, draw in contents.items():
                cost = time_images(
                    size=size, view=view, num_images=num_images, draw=draw
                )
                print(f"{size} {view} {content} {cost:.1f}")


if __name__ == "__main__":
    main()
