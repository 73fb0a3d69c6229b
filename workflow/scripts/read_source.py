"""Read the studies and images of one shard from the dataset's own files."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, paths, run_job
from asg_core.sources.read import read_source
from asg_core.sources.registry import CorpusConfig
from asg_core.tables.catalog import IMAGES, STUDIES, VIEW_COUNTS
from asg_core.tables.schema import write_table
from asg_core.tables.shards import parse_shard_name
from asg_core.terms.stages import Stage

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *, root: Path, shard: str, outputs: dict[str, Path], config: CorpusConfig, job: Job
) -> None:
    """Read one shard below `root`; write `studies`, `images`, `views` and `rejects`."""
    index, _ = parse_shard_name(shard)
    tables = read_source(config=config, root=root, shard=index, part="images")
    rejects = tables.rejects_of(Stage.READ_SOURCE)
    num_items = max(len(tables.images), len(tables.studies)) + len(rejects)
    job.rows(rows_in=num_items, rows_out=len(tables.images))
    job.metric("studies", len(tables.studies))
    job.write_rejects(
        rejects,
        outputs["rejects"],
        num_items=num_items,
        max_share=config.max_reject_share,
        config_key="corpus.max_reject_share",
    )
    write_table(tables.studies, outputs["studies"], schema=STUDIES)
    write_table(tables.images, outputs["images"], schema=IMAGES)
    write_table(tables.views, outputs["views"], schema=VIEW_COUNTS)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            root=Path(snakemake.params.root),
            shard=snakemake.wildcards.shard,
            outputs=paths(snakemake.output),
            config=CorpusConfig(**snakemake.params.config),
            job=job,
        )
