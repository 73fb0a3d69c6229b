"""Run every image of a benchmark through a frozen encoder, once."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from asg_core.benchmarks.form import Benchmark, load_benchmark
from asg_core.evaluation.config import EncoderConfig
from asg_core.evaluation.encoders import calibrate_batch_norms, load_encoder
from asg_core.evaluation.failures import describe_failure, write_failure
from asg_core.evaluation.features import extract_features
from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, run_job
from asg_core.sources.reading.item_files import raise_if_passing

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    name: str,
    folder: Path,
    run_folder: Path | None,
    features: Path,
    config: dict[str, Any],
    job: Job,
) -> None:
    """Read the benchmark in `folder` and its pixels, write `features`, or why not."""
    torch.set_num_threads(config["threads"])
    benchmark = load_benchmark(folder)
    cache = PixelCache([folder / "pixels.parquet"])
    image_ids = sorted(benchmark.images["image_id"])
    try:
        extract(
            benchmark,
            cache,
            name=name,
            run_folder=run_folder,
            features=features,
            config=config,
        )
    except (MemoryError, torch.OutOfMemoryError):
        raise  # of the moment, as a file that cannot be read: a retry may cure it
    # Whatever is wrong with one encoder, the others have their results.
    except Exception as error:  # noqa: BLE001
        raise_if_passing(error, where=f"encoder {name}")
        job.note_failure(error)
        write_failure(features, reason=describe_failure(error, hidden=image_ids))
        job.rows(rows_in=len(image_ids), rows_out=0)
        return
    job.rows(rows_in=len(image_ids), rows_out=len(image_ids))


def extract(
    benchmark: Benchmark,
    cache: PixelCache,
    *,
    name: str,
    run_folder: Path | None,
    features: Path,
    config: dict[str, Any],
) -> None:
    """Load the encoder and write its features of every image."""
    encoder = load_encoder(
        EncoderConfig(**config["encoder"]),
        name=name,
        cache_size=cache.size,
        run_folder=run_folder,
        device=config["device"],
        precision=config["precision"],
    )
    calibrate_batch_norms(
        encoder, cache, benchmark.part("train"), batch_size=config["batch_size"]
    )
    extract_features(
        encoder,
        sorted(benchmark.images["image_id"]),
        cache,
        path=features,
        batch_size=config["batch_size"],
        with_patches=config["has_patches"]
        and benchmark.segmentation_target is not None,
    )


if __name__ == "__main__":
    with run_job(snakemake) as job:
        files = snakemake.input.get("encoder", [])
        main(
            name=snakemake.wildcards.encoder,
            folder=Path(snakemake.input.about).parent,
            run_folder=Path(files[0]).parent if files else None,
            features=Path(snakemake.output.features),
            config=snakemake.params.config,
            job=job,
        )
