"""Score sentences and triplets against what the synthetic reports mean."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, path_lists, run_job
from asg_core.reports.score import score_triplets
from asg_core.tables.catalog import REPORTS, SENTENCES, TRIPLETS
from asg_core.tables.schema import read_tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(*, tables: dict[str, list[Path]], metrics: Path, job: Job) -> None:
    """Read predicted and true tables of all shards, write `metrics`."""
    reports = read_tables(tables["reports"], schema=REPORTS)
    truth = {
        "truth_triplets": read_tables(tables["truth_triplets"], schema=TRIPLETS),
        "truth_sentences": read_tables(tables["truth_sentences"], schema=SENTENCES),
    }
    # A report that was lost on the way (broken on purpose) is not the parser's loss.
    truth = {
        name: frame.join(reports, on="study_id", how="semi")
        for name, frame in truth.items()
    }
    predicted = read_tables(tables["triplets"], schema=TRIPLETS)
    result = score_triplets(
        predicted_triplets=predicted,
        predicted_sentences=read_tables(tables["sentences"], schema=SENTENCES),
        num_reports=len(reports),
        **truth,
    )
    job.write_stage_metrics(result, metrics, rows_in=len(predicted))


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            tables=path_lists(snakemake.input),
            metrics=Path(snakemake.output.metrics),
            job=job,
        )
