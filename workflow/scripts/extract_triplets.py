"""Turn reports into sentences and (region, finding, existence) triplets."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, run_job
from asg_core.reports.config import ReportsConfig
from asg_core.reports.parse import parse_reports
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLETS
from asg_core.tables.schema import read_table, write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    reports: Path,
    sentences: Path,
    triplets: Path,
    rejects: Path,
    config: ReportsConfig,
    job: Job,
) -> None:
    """Read `reports`, parse, write `sentences`, `triplets` and `rejects`."""
    frame = read_table(reports, schema=REPORTS)
    parsed = parse_reports(frame, config=config)
    job.rows(rows_in=len(frame), rows_out=len(parsed.triplets))
    job.metric("sentences", len(parsed.sentences))
    job.write_rejects(
        parsed.rejects,
        rejects,
        num_items=len(frame),
        max_share=config.max_reject_share,
        config_key="reports.max_reject_share",
    )
    write_table(parsed.sentences, sentences, schema=SENTENCES)
    write_table(parsed.triplets, triplets, schema=TRIPLETS)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            reports=Path(snakemake.input.reports),
            sentences=Path(snakemake.output.sentences),
            triplets=Path(snakemake.output.triplets),
            rejects=Path(snakemake.output.rejects),
            config=ReportsConfig(**snakemake.params.config),
            job=job,
        )
