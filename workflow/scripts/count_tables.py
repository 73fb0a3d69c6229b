"""Count the rows of every table and the rejects of every stage by reason."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, run_job
from asg_core.tables.catalog import REJECTS, STAGE_METRICS
from asg_core.tables.counts import count_rejects, count_rows
from asg_core.tables.schema import read_tables, write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *, tables: dict[str, list[Path]], rejects: list[Path], metrics: Path, job: Job
) -> None:
    """Count the shards of `tables` and `rejects`, write `metrics`."""
    counted = count_rows(tables)
    rejected = count_rejects(read_tables(rejects, schema=REJECTS))
    result = counted.vstack(rejected)
    job.stage_metrics(result)
    write_table(result, metrics, schema=STAGE_METRICS)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        named = {
            name: [Path(path) for path in paths]
            for name, paths in snakemake.input.items()
        }
        rejects = named.pop("rejects")
        main(
            tables=named,
            rejects=rejects,
            metrics=Path(snakemake.output.metrics),
            job=job,
        )
