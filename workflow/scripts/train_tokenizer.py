"""Train the tokenizer on the sentences of split `train`, or take the encoder's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from asg_core.data.tokenizer import train_tokenizer
from asg_core.jobs import Job, run_job
from asg_core.models.config import TextEncoderConfig
from asg_core.tables.catalog import SENTENCES, STUDIES
from asg_core.tables.schema import read_tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    sentences: list[Path],
    studies: list[Path],
    tokenizer: Path,
    config: TextEncoderConfig,
    job: Job,
) -> None:
    """Read the sentences of all shards, write `tokenizer`."""
    train = read_tables(studies, schema=STUDIES).filter(pl.col("split") == "train")
    texts = read_tables(sentences, schema=SENTENCES).join(
        train, on="study_id", how="semi"
    )["text"]
    job.rows(rows_in=len(texts), rows_out=1)
    train_tokenizer(texts, config=config, path=tokenizer)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            sentences=[Path(path) for path in snakemake.input.sentences],
            studies=[Path(path) for path in snakemake.input.studies],
            tokenizer=Path(snakemake.output.tokenizer),
            config=TextEncoderConfig(**snakemake.params.config),
            job=job,
        )
