"""Compare the triplets of a run with those of a second parser, claim by claim."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from asg_core.checking.compare import compare_triplets
from asg_core.checking.config import SecondOpinionConfig
from asg_core.checking.second import read_again, read_elsewhere
from asg_core.jobs import Job, paths, run_job
from asg_core.reports.config import ReportsConfig
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLET_COMPARISONS, TRIPLETS
from asg_core.tables.schema import read_table, write_table
from asg_core.terms.differences import Difference

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    inputs: dict[str, Path],
    second: list[Path],
    outputs: dict[str, Path],
    config: SecondOpinionConfig,
    reports: ReportsConfig,
    job: Job,
) -> None:
    """Read the reports again, or the triplets `second`; write comparisons and rejects."""
    sentences = read_table(inputs["sentences"], schema=SENTENCES)
    own = read_table(inputs["triplets"], schema=TRIPLETS)
    studies = sentences["study_id"].unique().sort()
    if config.parser is not None:
        frame = read_table(inputs["reports"], schema=REPORTS)
        opinion = read_again(frame, studies=studies, config=reports)
    else:
        opinion = read_elsewhere(
            second, studies=studies, include_history=reports.include_history
        )
    job.write_rejects(
        opinion.rejects,
        outputs["rejects"],
        num_items=len(studies),
        max_share=config.max_unread_share,
        config_key="check_triplets.second_opinion.max_unread_share",
    )
    is_shared = pl.col("study_id").is_in(opinion.studies.to_list())
    shared = own.filter(is_shared)
    compared = compare_triplets(shared, opinion.triplets, sentences=sentences)
    num_alike = len(compared.filter(pl.col("difference") == Difference.NONE.value))
    job.rows(rows_in=len(shared), rows_out=len(compared), alike=num_alike)
    write_table(compared, outputs["comparisons"], schema=TRIPLET_COMPARISONS)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        read = ("reports", "sentences", "triplets")
        main(
            inputs={name: Path(snakemake.input[name]) for name in read},
            second=[Path(path) for path in snakemake.input.second],
            outputs=paths(snakemake.output),
            config=SecondOpinionConfig(**snakemake.params.config["second_opinion"]),
            reports=ReportsConfig(**snakemake.params.config["reports"]),
            job=job,
        )
