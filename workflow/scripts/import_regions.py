"""Take the annotated boxes of one shard as its region boxes."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, paths, run_job
from asg_core.regions.import_boxes import import_regions
from asg_core.tables.catalog import ANNOTATED_BOXES, IMAGES, REGION_BOXES
from asg_core.tables.schema import read_table, write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    annotated_boxes: Path,
    images: Path,
    outputs: dict[str, Path],
    max_reject_share: float,
    job: Job,
) -> None:
    """Read boxes and images of one shard; write `region_boxes` and `rejects`."""
    boxes = read_table(annotated_boxes, schema=ANNOTATED_BOXES)
    imported = import_regions(boxes, read_table(images, schema=IMAGES))
    num_empty = int((imported.rejects["reason"] == "no_region_found").sum())
    job.rows(rows_in=len(boxes), rows_out=len(imported.region_boxes))
    job.write_rejects(
        imported.rejects,
        outputs["rejects"],
        num_items=imported.region_boxes["image_id"].n_unique() + num_empty,
        num_rejected=num_empty,
        max_share=max_reject_share,
        config_key="regions.max_reject_share",
    )
    write_table(imported.region_boxes, outputs["region_boxes"], schema=REGION_BOXES)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            annotated_boxes=Path(snakemake.input.annotated_boxes),
            images=Path(snakemake.input.images),
            outputs=paths(snakemake.output),
            max_reject_share=snakemake.params.max_reject_share,
            job=job,
        )
