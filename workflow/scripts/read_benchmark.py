"""Read one benchmark as distributed into its tables and its pixel cache."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from asg_core.benchmarks.form import keep_cached, write_benchmark
from asg_core.benchmarks.read import read_benchmark
from asg_core.benchmarks.registry import BenchmarksConfig
from asg_core.images.cache_pixels import cache_pixels
from asg_core.images.config import ImagesConfig
from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, run_job
from asg_core.terms.stages import Stage
from asg_core.terms.views import View

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    name: str,
    root: Path,
    folder: Path,
    rejects: Path,
    config: BenchmarksConfig,
    image_size: int,
    job: Job,
) -> None:
    """Read the benchmark below `root`, write its tables and pixels into `folder`."""
    read = read_benchmark(name, config=config, root=root)
    cached = cache_pixels(
        read.benchmark.images,
        root=root,
        path=folder / "pixels.parquet",
        config=ImagesConfig(size=image_size, views=tuple(View)),
        progress=partial(job.progress, description=f"decoding {name}"),
    )
    job.rows(rows_in=read.num_items, rows_out=cached.num_cached)
    job.metrics({f"notes/{note}": number for note, number in cached.notes.items()})
    # Of the stage of this job: rejects of `cache_pixels` are images of the corpus.
    undecoded = cached.rejects.with_columns(stage=pl.lit(Stage.READ_BENCHMARK))
    job.write_rejects(
        pl.concat([read.rejects, undecoded]),
        rejects,
        num_items=read.num_items,
        max_share=config.of(name).max_reject_share,
        config_key=f"evaluation.benchmarks.{name}.max_reject_share",
    )
    kept = keep_cached(read, PixelCache([folder / "pixels.parquet"]).image_ids)
    write_benchmark(kept, folder, notes=cached.notes)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            name=snakemake.wildcards.benchmark,
            root=Path(snakemake.params.root),
            folder=Path(snakemake.output.about).parent,
            rejects=Path(snakemake.output.rejects),
            config=BenchmarksConfig(**snakemake.params.config),
            image_size=snakemake.params.image_size,
            job=job,
        )
