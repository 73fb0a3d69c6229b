"""What a stage that makes boxes hands on: rows of REGION_BOXES, and rejects."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from asg_core.images.geometry import BoxesXyxy, Frame, box_area, clip_boxes
from asg_core.tables.catalog import REGION_BOXES, REJECTS
from asg_core.terms.stages import Stage

STAGE = Stage.DETECT_REGIONS
"""The stage in rejects and metrics, also where boxes are imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedRegions:
    """What was found, and what could not be used."""

    region_boxes: pl.DataFrame
    """In REGION_BOXES."""

    rejects: pl.DataFrame
    """In REJECTS."""


class FoundRegions:
    """Collects the boxes of one image after the other.

    A box is cut to its image. One that covers no part of it is rejected as
    `outside_image`, an image that is left without any box as `no_region_found`.
    """

    def __init__(self) -> None:
        self._boxes: list[dict[str, object]] = []
        self._rejects: list[dict[str, object]] = []

    def add_image(
        self,
        image_id: str,
        *,
        frame: Frame,
        regions: Iterable[str],
        boxes: BoxesXyxy,
        scores: Iterable[float],
        origins: Iterable[str],
    ) -> None:
        """Take the boxes of one image, in pixels of its original frame.

        Args:
            image_id: Whose.
            frame: The original frame.
            regions: One name for each box, none twice.
            boxes: (N, 4); N may be 0.
            scores: One for each box, in [0, 1].
            origins: One for each box.
        """
        cut = clip_boxes(boxes, frame)
        num_before = len(self._boxes)
        rows = zip(regions, boxes, cut, box_area(cut), scores, origins, strict=True)
        for region, box, box_cut, area, score, origin in rows:
            if area <= 0:
                self._reject(
                    f"{image_id}/{region}",
                    "outside_image",
                    f"expected a box that covers a part of the {frame.width} x "
                    f"{frame.height} image, found {_written(box)}",
                )
                continue
            self._boxes.append(
                {
                    "image_id": image_id,
                    "region": region,
                    "box_xyxy": box_cut.tolist(),
                    "score": float(score),
                    "origin": origin,
                }
            )
        if len(self._boxes) == num_before:
            self._reject(
                image_id, "no_region_found", "expected at least one region, found none"
            )

    def tables(self) -> DetectedRegions:
        """Return everything collected."""
        return DetectedRegions(
            region_boxes=REGION_BOXES.frame(self._boxes),
            rejects=REJECTS.frame(self._rejects),
        )

    def _reject(self, item_id: str, reason: str, detail: str) -> None:
        self._rejects.append(
            {"stage": STAGE, "item_id": item_id, "reason": reason, "detail": detail}
        )


def _written(box: BoxesXyxy) -> str:
    return "(" + ", ".join(f"{corner:.1f}" for corner in box) + ")"
