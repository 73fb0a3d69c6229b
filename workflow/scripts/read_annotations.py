"""Read the boxes that a dataset provides for the images of one shard."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, paths, run_job
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.annotations.read import read_annotations
from asg_core.tables.catalog import ANNOTATED_BOXES, IMAGES, STUDIES
from asg_core.tables.schema import read_table, write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    root: Path,
    inputs: dict[str, Path],
    outputs: dict[str, Path],
    config: AnnotationsConfig,
    job: Job,
) -> None:
    """Read annotations below `root`; write `annotated_boxes` and `rejects`."""
    tables = read_annotations(
        config=config,
        root=root,
        images=read_table(inputs["images"], schema=IMAGES),
        studies=read_table(inputs["studies"], schema=STUDIES),
    )
    num_items = len(tables.annotated_boxes) + len(tables.rejects)
    job.rows(rows_in=num_items, rows_out=len(tables.annotated_boxes))
    job.write_rejects(
        tables.rejects,
        outputs["rejects"],
        num_items=num_items,
        max_share=config.max_reject_share,
        config_key="regions.annotations.max_reject_share",
    )
    write_table(
        tables.annotated_boxes, outputs["annotated_boxes"], schema=ANNOTATED_BOXES
    )


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            root=Path(snakemake.params.root),
            inputs=paths(snakemake.input),
            outputs=paths(snakemake.output),
            config=AnnotationsConfig(**snakemake.params.config),
            job=job,
        )
