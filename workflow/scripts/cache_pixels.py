"""Decode the images of one shard into the pixel cache."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.images.cache_pixels import cache_pixels
from asg_core.images.config import ImagesConfig
from asg_core.jobs import Job, run_job
from asg_core.tables.catalog import IMAGES
from asg_core.tables.schema import read_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    images: Path,
    root: Path,
    pixels: Path,
    rejects: Path,
    config: ImagesConfig,
    job: Job,
) -> None:
    """Read `images`, decode their files below `root`, write `pixels` and `rejects`."""
    frame = read_table(images, schema=IMAGES)
    cached = cache_pixels(
        frame,
        root=root,
        path=pixels,
        config=config,
        progress=partial(job.progress, description="decoding images"),
    )
    job.rows(rows_in=len(frame), rows_out=cached.num_cached)
    job.metric("excluded_by_view", cached.num_excluded_by_view)
    job.metrics({f"notes/{note}": number for note, number in cached.notes.items()})
    job.write_rejects(
        cached.rejects,
        rejects,
        num_items=len(frame),
        max_share=config.max_reject_share,
        config_key="images.max_reject_share",
    )


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            images=Path(snakemake.input.images),
            root=Path(snakemake.params.root),
            pixels=Path(snakemake.output.pixels),
            rejects=Path(snakemake.output.rejects),
            config=ImagesConfig(**snakemake.params.config),
            job=job,
        )
