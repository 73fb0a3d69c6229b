"""Pre-train an image encoder and a text encoder on the aligned corpus."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from asg_core.data.make_corpora import Corpora
from asg_core.jobs import Job, run_job
from asg_core.training.job import PretrainJob
from asg_core.training.pretrain import pretrain

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *, pretraining: PretrainJob, rejects: Path, max_reject_share: float, job: Job
) -> None:
    """Make one run, and write what of the corpus it could not use to `rejects`."""

    def log(step: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            job.metric(name, value, step=step)

    def check(corpora: Corpora) -> None:
        job.rows(rows_in=corpora.num_items, rows_out=len(corpora.train))
        # Runs of one invocation share the corpus: the name keeps their rows apart.
        named = pl.concat_str(pl.lit(f"{pretraining.run}/"), "item_id").alias("item_id")
        job.write_rejects(
            corpora.rejects.with_columns(named),
            rejects,
            num_items=corpora.num_items,
            max_share=max_reject_share,
            config_key="pretraining.max_reject_share",
        )

    pretrain(pretraining, log=log, check=check)
    job.artifact(pretraining.out / "run.json")


if __name__ == "__main__":
    with run_job(snakemake) as job:
        settings = dict(snakemake.params.config)
        folder = Path(snakemake.output.run).parent
        main(
            pretraining=PretrainJob(
                run=snakemake.wildcards.run,
                views=settings.pop("views"),
                settings=settings,
                out=folder,
                work=folder / "work",
                **{
                    name: files
                    for name, files in snakemake.input.items()
                    if name in PretrainJob.model_fields
                },
            ),
            rejects=Path(snakemake.output.rejects),
            max_reject_share=snakemake.params.max_reject_share,
            job=job,
        )
