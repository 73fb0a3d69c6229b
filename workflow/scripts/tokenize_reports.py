"""Turn the sentences of one shard's reports into word pieces."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.data.tokenizer import load_tokenizer
from asg_core.data.tokens import tokenize_reports
from asg_core.jobs import Job, run_job
from asg_core.tables.catalog import SENTENCES, TOKENS
from asg_core.tables.schema import read_table, write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    sentences: Path,
    tokenizer: Path,
    tokens: Path,
    max_pieces: int,
    job: Job,
) -> None:
    """Read `sentences`, tokenize each report, write `tokens`."""
    frame = read_table(sentences, schema=SENTENCES)
    tokenized = tokenize_reports(
        frame, tokenizer=load_tokenizer(tokenizer), max_pieces=max_pieces
    )
    job.rows(rows_in=len(frame), rows_out=len(tokenized.tokens))
    job.metric("reports_cut", tokenized.num_cut)
    job.metric("unknown_words", tokenized.unknown.share)
    write_table(tokenized.tokens, tokens, schema=TOKENS)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            sentences=Path(snakemake.input.sentences),
            tokenizer=Path(snakemake.input.tokenizer),
            tokens=Path(snakemake.output.tokens),
            max_pieces=snakemake.params.max_pieces,
            job=job,
        )
