"""Apply a trained detector: pixels -> at most one box per region and image."""

# Shape suffixes: B = images, R = regions, 4 = x0 y0 x1 y1 in the model frame

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from asg_core.images.pixel_cache import PixelCache
from asg_core.learning.precision import arithmetic
from asg_core.learning.run_folder import DETECTOR, WEIGHTS, fill, read_weights
from asg_core.regions.backends.boxes import Detections
from asg_core.regions.backends.network import Network, build_network
from asg_core.regions.config import DetectionConfig, TrainedBackend
from asg_core.regions.detector_run import read_detector_run
from asg_core.regions.found import DetectedRegions, FoundRegions
from asg_core.terms.regions import REGIONS

logger = logging.getLogger(__name__)

ProgressBar = Callable[[Sequence[Sequence[str]]], Iterable[Sequence[str]]]
"""Passes its items through and shows how far they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A trained network, and the images it was made for."""

    network: Network
    backend: TrainedBackend
    size: int
    """Side of the model frame in pixels."""


def load_detector(folder: Path) -> Detector:
    """Load what `train_detector` wrote into `folder`.

    Raises:
        FileNotFoundError: If the folder lacks a file of a detector.
        ValueError: If the files are of another format, for other regions, or do not
            belong together.
        ModuleNotFoundError: If its backend is not installed.
    """
    run = read_detector_run(folder)
    network = build_network(run.backend, run.training.architecture, size=run.size)
    weights = read_weights(folder, kind=DETECTOR)
    fill(network, weights, path=folder / WEIGHTS)
    return Detector(network=network.eval(), backend=run.backend, size=run.size)


def detect_regions(
    *,
    cache: PixelCache,
    detector: Detector,
    config: DetectionConfig,
    image_ids: Sequence[str] | None = None,
    progress: ProgressBar | None = None,
) -> DetectedRegions:
    """Find the regions of cached images, in the original frame of each.

    A region is found where its best box scores at least the threshold. `FoundRegions`
    says what is rejected. The number of threads of the process is set to
    `config.threads`.

    Args:
        cache: The pixels.
        detector: What to apply.
        config: How.
        image_ids: Which images; None is all of the cache.
        progress: Wraps the batches.

    Raises:
        ValueError: If the cache has another size than the detector was trained on.
        KeyError: If an image is not in the cache.
    """
    if cache.size != detector.size:
        raise ValueError(
            f"detect_regions: expected images of {detector.size} px, as the detector "
            f"was trained on, found a pixel cache of {cache.size} px; set images.size "
            f"to {detector.size}, or train a detector for this size"
        )
    torch.set_num_threads(config.threads)
    detector.network.to(config.device).eval()
    wanted = sorted(cache.image_ids if image_ids is None else image_ids)
    batches = [
        wanted[start : start + config.batch_size]
        for start in range(0, len(wanted), config.batch_size)
    ]
    found = FoundRegions()
    for batch in batches if progress is None else progress(batches):
        detections = _predict(batch, cache=cache, detector=detector, config=config)
        _collect(
            found,
            batch,
            detections,
            cache=cache,
            threshold=config.score_threshold,
            origin=detector.backend,
        )
    tables = found.tables()
    logger.info(
        "%d images in, %d boxes out, %d rejects",
        len(wanted),
        len(tables.region_boxes),
        len(tables.rejects),
    )
    return tables


def _predict(
    image_ids: Sequence[str],
    *,
    cache: PixelCache,
    detector: Detector,
    config: DetectionConfig,
) -> Detections:
    image_BHW = torch.from_numpy(cache.read(image_ids)).to(config.device)
    with arithmetic(config.device, config.precision):
        return detector.network.detect(image_BHW, vote_overlap=config.vote_overlap)


def _collect(
    found: FoundRegions,
    image_ids: Sequence[str],
    detections: Detections,
    *,
    cache: PixelCache,
    threshold: float,
    origin: str,
) -> None:
    """Move the boxes of a batch to the original frames and hand them to `found`."""
    boxes_BR4 = detections.boxes_BR4.double().cpu().numpy()
    score_BR = detections.score_BR.float().cpu().numpy()
    is_found_BR = (score_BR >= threshold) & (score_BR > 0)
    for image_id, boxes_R4, score_R, is_found_R in zip(
        image_ids, boxes_BR4, score_BR, is_found_BR, strict=True
    ):
        num_found = int(is_found_R.sum())
        found.add_image(
            image_id,
            frame=cache.frame(image_id),
            regions=[REGIONS[region] for region in is_found_R.nonzero()[0]],
            boxes=cache.letterbox(image_id).to_original(boxes_R4[is_found_R]),
            scores=score_R[is_found_R],
            origins=[origin] * num_found,
        )
