"""Read the report texts of one shard from the dataset's own files."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, run_job
from asg_core.sources.read import read_source
from asg_core.sources.registry import CorpusConfig
from asg_core.tables.catalog import REPORTS
from asg_core.tables.schema import write_table
from asg_core.tables.shards import parse_shard_name
from asg_core.terms.stages import Stage

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    root: Path,
    shard: str,
    reports: Path,
    rejects: Path,
    config: CorpusConfig,
    job: Job,
) -> None:
    """Read one shard below `root`; write `reports` and `rejects`."""
    index, _ = parse_shard_name(shard)
    tables = read_source(config=config, root=root, shard=index, part="reports")
    rejected = tables.rejects_of(Stage.READ_REPORTS)
    num_items = len(tables.reports) + len(rejected)
    job.rows(rows_in=num_items, rows_out=len(tables.reports))
    job.write_rejects(
        rejected,
        rejects,
        num_items=num_items,
        max_share=config.max_reject_share,
        config_key="corpus.max_reject_share",
    )
    write_table(tables.reports, reports, schema=REPORTS)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            root=Path(snakemake.params.root),
            shard=snakemake.wildcards.shard,
            reports=Path(snakemake.output.reports),
            rejects=Path(snakemake.output.rejects),
            config=CorpusConfig(**snakemake.params.config),
            job=job,
        )
