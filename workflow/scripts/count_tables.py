"""Count the rows of every table and the rejects of every stage by reason."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, path_lists, run_job
from asg_core.tables.catalog import REJECTS
from asg_core.tables.counts import count_rejects, count_rows
from asg_core.tables.schema import read_tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *, tables: dict[str, list[Path]], rejects: list[Path], metrics: Path, job: Job
) -> None:
    """Count the shards of `tables` and `rejects`, write `metrics`."""
    counted = count_rows(tables)
    rejected = count_rejects(read_tables(rejects, schema=REJECTS))
    job.write_stage_metrics(counted.vstack(rejected), metrics)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        tables = path_lists(snakemake.input)
        rejects = tables.pop("rejects")
        main(
            tables=tables,
            rejects=rejects,
            metrics=Path(snakemake.output.metrics),
            job=job,
        )
