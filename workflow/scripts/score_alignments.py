"""Score region-sentence pairs and unit boxes against the synthetic ground truth."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.alignment.score import score_alignments
from asg_core.jobs import Job, path_lists, run_job
from asg_core.tables.catalog import (
    ALIGNMENTS,
    IMAGES,
    REGION_BOXES,
    SENTENCES,
    TRIPLETS,
)
from asg_core.tables.schema import read_tables
from asg_core.terms.existence import Context
from asg_core.terms.views import View

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    tables: dict[str, list[Path]],
    metrics: Path,
    config: dict[str, list[str]],
    job: Job,
) -> None:
    """Read units and true tables of all shards, write `metrics`."""
    alignments = read_tables(tables["alignments"], schema=ALIGNMENTS)
    result = score_alignments(
        alignments=alignments,
        images=read_tables(tables["images"], schema=IMAGES),
        truth_triplets=read_tables(tables["truth_triplets"], schema=TRIPLETS),
        truth_sentences=read_tables(tables["truth_sentences"], schema=SENTENCES),
        truth_boxes=read_tables(tables["truth_boxes"], schema=REGION_BOXES),
        views=[View(view) for view in config["views"]],
        contexts=[Context(context) for context in config["contexts"]],
    )
    job.write_stage_metrics(result, metrics, rows_in=len(alignments))


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            tables=path_lists(snakemake.input),
            metrics=Path(snakemake.output.metrics),
            config=snakemake.params.config,
            job=job,
        )
