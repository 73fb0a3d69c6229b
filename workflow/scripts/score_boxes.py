"""Score the region boxes against reference boxes of patients not trained on."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from asg_core.jobs import Job, path_lists, run_job
from asg_core.regions.score import score_boxes
from asg_core.tables.catalog import (
    ANNOTATED_BOXES,
    IMAGES,
    REGION_BOXES,
    STUDIES,
)
from asg_core.tables.schema import read_tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *, tables: dict[str, list[Path]], metrics: Path, is_truth: bool, job: Job
) -> None:
    """Score the images of the splits `validate` and `test`; write `metrics`."""
    studies = read_tables(tables["studies"], schema=STUDIES)
    held_out = read_tables(tables["images"], schema=IMAGES).join(
        studies.filter(pl.col("split") != "train"), on="study_id", how="semi"
    )
    reference = read_tables(
        tables["reference_boxes"], schema=REGION_BOXES if is_truth else ANNOTATED_BOXES
    )
    predicted = read_tables(tables["region_boxes"], schema=REGION_BOXES)
    result = score_boxes(
        predicted=predicted.join(held_out, on="image_id", how="semi"),
        truth=reference.join(held_out, on="image_id", how="semi"),
    )
    job.write_stage_metrics(result, metrics, rows_in=len(predicted))


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            tables=path_lists(snakemake.input),
            metrics=Path(snakemake.output.metrics),
            is_truth=snakemake.params.is_truth,
            job=job,
        )
