"""Score one encoder on one benchmark: every protocol, fraction and seed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from asg_core.benchmarks.form import Benchmark, load_benchmark
from asg_core.evaluation.config import EncoderConfig, EvaluationConfig
from asg_core.evaluation.encoders import calibrate_batch_norms, load_encoder
from asg_core.evaluation.evaluate import EvaluationResult, evaluate, without_results
from asg_core.evaluation.failures import (
    describe_failure,
    failure_rejects,
    read_failure,
)
from asg_core.evaluation.features import Features, read_features
from asg_core.evaluation.notes import describe_evaluation
from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, run_job
from asg_core.sources.reading.item_files import raise_if_passing
from asg_core.tables.catalog import METRICS, SCORES, SEGMENTATION_SCORES
from asg_core.tables.schema import write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

_TABLES = (SCORES, SEGMENTATION_SCORES, METRICS)


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
    cache = PixelCache([folder / "pixels.parquet"])
    image_ids = benchmark.images["image_id"].to_list()
    failure = read_failure(features)
    result = without_results()
    if failure is None:
        # A damaged file is no fault of the encoder's.
        found = read_features(features, encoder=name, image_ids=image_ids)
        try:
            result = score(
                benchmark,
                cache,
                features=found,
                name=name,
                encoder=encoder,
                run_folder=run_folder,
                config=config,
            )
        except (MemoryError, torch.OutOfMemoryError):
            raise  # of the moment, as a file that cannot be read: a retry may cure it
        # Whatever is wrong with one encoder, the others have their results.
        except Exception as error:  # noqa: BLE001
            raise_if_passing(error, where=f"encoder {name}")
            job.note_failure(error)
            failure = describe_failure(error, hidden=image_ids)
    job.rows(rows_in=len(image_ids), rows_out=len(result.metrics))
    for schema in _TABLES:
        frame = getattr(result, schema.name)
        write_table(frame, out / f"{schema.name}.parquet", schema=schema)
    job.benchmark_metrics(result.metrics)
    notes = describe_evaluation(
        result, benchmark=benchmark, encoder=name, failure=failure
    )
    (out / "notes.json").write_text(json.dumps(notes, indent=1) + "\n")
    job.write_rejects(
        failure_rejects(failure, encoder=name, benchmark=benchmark.name),
        rejects,
        num_items=1,
        max_share=1.0,
    )


def score(
    benchmark: Benchmark,
    cache: PixelCache,
    *,
    features: Features,
    name: str,
    encoder: EncoderConfig,
    run_folder: Path | None,
    config: EvaluationConfig,
) -> EvaluationResult:
    """Load the encoder and run the protocols."""
    loaded = load_encoder(
        encoder,
        name=name,
        cache_size=cache.size,
        run_folder=run_folder,
        device=config.device,
        precision=config.precision,
    )
    calibrate_batch_norms(
        loaded, cache, benchmark.part("train"), batch_size=config.batch_size
    )
    return evaluate(benchmark, loaded, features, cache, config=config)


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
