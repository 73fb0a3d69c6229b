"""Find the anatomical regions in the images of one shard."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, paths, run_job
from asg_core.regions.config import DetectionConfig
from asg_core.regions.detect import detect_regions, load_detector
from asg_core.tables.catalog import REGION_BOXES
from asg_core.tables.schema import write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    pixels: Path,
    detector: Path,
    outputs: dict[str, Path],
    config: DetectionConfig,
    max_reject_share: float,
    job: Job,
) -> None:
    """Detect in every cached image; write `region_boxes` and `rejects`."""
    cache = PixelCache([pixels])
    found = detect_regions(
        cache=cache,
        detector=load_detector(detector),
        config=config,
        progress=partial(job.progress, description="finding regions"),
    )
    job.rows(rows_in=len(cache.image_ids), rows_out=len(found.region_boxes))
    job.write_rejects(
        found.rejects,
        outputs["rejects"],
        num_items=len(cache.image_ids),
        num_rejected=int((found.rejects["reason"] == "no_region_found").sum()),
        max_share=max_reject_share,
        config_key="regions.max_reject_share",
    )
    write_table(found.region_boxes, outputs["region_boxes"], schema=REGION_BOXES)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            pixels=Path(snakemake.input.pixels),
            detector=Path(snakemake.input.run).parent,
            outputs=paths(snakemake.output),
            config=DetectionConfig(**snakemake.params.config),
            max_reject_share=snakemake.params.max_reject_share,
            job=job,
        )
