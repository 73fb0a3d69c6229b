"""Join region boxes and sentences into units, and triplets into tag targets."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.alignment.align import align_regions
from asg_core.alignment.config import AlignmentConfig
from asg_core.jobs import Job, paths, run_job
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    REGION_BOXES,
    SENTENCES,
    TAG_TARGETS,
    TRIPLETS,
)
from asg_core.tables.schema import read_table, write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    tables: dict[str, Path],
    outputs: dict[str, Path],
    config: AlignmentConfig,
    job: Job,
) -> None:
    """Read the four tables of one shard, align, write units, tags and rejects."""
    images = read_table(tables["images"], schema=IMAGES)
    aligned = align_regions(
        sentences=read_table(tables["sentences"], schema=SENTENCES),
        triplets=read_table(tables["triplets"], schema=TRIPLETS),
        region_boxes=read_table(tables["region_boxes"], schema=REGION_BOXES),
        images=images,
        config=config,
    )
    job.rows(rows_in=len(images), rows_out=len(aligned.alignments))
    job.metrics(aligned.counts)
    job.write_rejects(
        aligned.rejects,
        outputs["rejects"],
        num_items=aligned.num_items,
        max_share=config.max_reject_share,
        config_key="alignment.max_reject_share",
    )
    write_table(aligned.alignments, outputs["alignments"], schema=ALIGNMENTS)
    write_table(aligned.tag_targets, outputs["tag_targets"], schema=TAG_TARGETS)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            tables=paths(snakemake.input),
            outputs=paths(snakemake.output),
            config=AlignmentConfig(**snakemake.params.config),
            job=job,
        )
