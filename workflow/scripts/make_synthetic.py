"""Write the synthetic corpus and benchmarks to disk, with ground truth beside them."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, run_job
from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.make import make_synthetic

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    root: Path,
    truth: Path,
    metrics: Path,
    config: SyntheticConfig,
    num_shards: int,
    num_processes: int,
    job: Job,
) -> None:
    """Fill `root` and `truth`, and write what was made to `metrics`."""
    counts = make_synthetic(
        config=config,
        root=root,
        truth=truth,
        num_shards=num_shards,
        num_processes=num_processes,
    )
    job.write_stage_metrics(counts, metrics)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            root=Path(snakemake.output.manifest).parent,
            truth=Path(snakemake.output.triplets[0]).parent.parent,
            metrics=Path(snakemake.output.metrics),
            config=SyntheticConfig(**snakemake.params.config),
            num_shards=snakemake.params.num_shards,
            num_processes=snakemake.threads,
            job=job,
        )
