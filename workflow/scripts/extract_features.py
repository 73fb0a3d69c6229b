"""Run every image of a benchmark through a frozen encoder, once."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from asg_core.benchmarks.form import load_benchmark
from asg_core.evaluation.attempt import FailedEncoder, attempt
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.evaluation.failed_encoders import write_failure
from asg_core.evaluation.features import encode_benchmark
from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, run_job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    name: str,
    folder: Path,
    encoder: EncoderConfig,
    run_folder: Path | None,
    features: Path,
    with_patches: bool,
    config: EvaluationConfig,
    job: Job,
) -> None:
    """Read the benchmark in `folder` and its pixels, write `features`, or why not."""
    torch.set_num_threads(config.threads)
    benchmark = load_benchmark(folder)
    image_ids = benchmark.images["image_id"].to_list()
    work = partial(
        encode_benchmark,
        benchmark,
        PixelCache([folder / "pixels.parquet"]),
        name=name,
        encoder=encoder,
        run_folder=run_folder,
        path=features,
        with_patches=with_patches,
        config=config,
    )
    outcome = attempt(work, encoder=name, hidden=image_ids, job=job)
    if isinstance(outcome, FailedEncoder):
        write_failure(features, reason=outcome.reason)
    job.rows(
        rows_in=len(image_ids),
        rows_out=0 if isinstance(outcome, FailedEncoder) else len(image_ids),
    )


if __name__ == "__main__":
    with run_job(snakemake) as job:
        settings = dict(snakemake.params.config)
        files = snakemake.input.get("encoder", [])
        main(
            name=snakemake.wildcards.encoder,
            folder=Path(snakemake.input.about).parent,
            encoder=EncoderConfig(**settings.pop("encoder")),
            run_folder=Path(files[0]).parent if files else None,
            features=Path(snakemake.output.features),
            with_patches=settings.pop("has_patches"),
            config=EvaluationConfig(**settings),
            job=job,
        )
