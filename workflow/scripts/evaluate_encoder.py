"""Score one encoder on one benchmark: every protocol, fraction and seed."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from asg_core.benchmarks.form import load_benchmark
from asg_core.evaluation.attempt import FailedEncoder, attempt
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.evaluation.evaluate import EvaluationResult, evaluate_encoder
from asg_core.evaluation.failed_encoders import failure_rejects, read_failure
from asg_core.evaluation.features import read_features
from asg_core.evaluation.write import write_evaluation
from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, run_job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    folder: Path,
    features: Path,
    name: str,
    encoder: EncoderConfig,
    run_folder: Path | None,
    config: EvaluationConfig,
    out: Path,
    rejects: Path,
    job: Job,
) -> None:
    """Evaluate on the benchmark in `folder`; write tables and notes into `out`."""
    torch.set_num_threads(config.threads)
    benchmark = load_benchmark(folder)
    image_ids = benchmark.images["image_id"].to_list()
    reason = read_failure(features)
    outcome: EvaluationResult | FailedEncoder
    if reason is not None:
        outcome = FailedEncoder(reason=reason)
    else:
        work = partial(
            evaluate_encoder,
            benchmark,
            # Read here: a damaged file is no fault of the encoder's.
            read_features(features, encoder=name, image_ids=image_ids),
            PixelCache([folder / "pixels.parquet"]),
            encoder=encoder,
            run_folder=run_folder,
            config=config,
        )
        outcome = attempt(work, encoder=name, hidden=image_ids, job=job)
    result = write_evaluation(outcome, out, benchmark=benchmark, encoder=name)
    job.rows(rows_in=len(image_ids), rows_out=len(result.metrics))
    job.benchmark_metrics(result.metrics)
    reason = outcome.reason if isinstance(outcome, FailedEncoder) else None
    lost = failure_rejects(reason, encoder=name, benchmark=benchmark.name)
    job.write_rejects(lost, rejects, num_items=1, max_share=1.0)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        settings = dict(snakemake.params.config)
        files = snakemake.input.get("encoder", [])
        main(
            folder=Path(snakemake.input.about).parent,
            features=Path(snakemake.input.features),
            name=snakemake.wildcards.encoder,
            encoder=EncoderConfig(**settings.pop("encoder")),
            run_folder=Path(files[0]).parent if files else None,
            config=EvaluationConfig(**settings),
            out=Path(snakemake.output.metrics).parent,
            rejects=Path(snakemake.output.rejects),
            job=job,
        )
