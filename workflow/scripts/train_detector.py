"""Train the region detector on the annotated boxes of the split `train`."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.images.pixel_cache import PixelCache
from asg_core.jobs import Job, run_job
from asg_core.regions.config import DetectorTrainingConfig, TrainedBackend
from asg_core.regions.train import train_detector
from asg_core.tables.catalog import ANNOTATED_BOXES
from asg_core.tables.schema import read_tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    pixels: list[Path],
    annotated_boxes: list[Path],
    out: Path,
    config: DetectorTrainingConfig,
    backend: TrainedBackend,
    job: Job,
) -> None:
    """Train on all shards; write model.safetensors and run.json into `out`."""

    def log(step: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            job.metric(f"train/{name}", value, step=step)

    boxes = read_tables(annotated_boxes, schema=ANNOTATED_BOXES)
    job.rows(rows_in=len(boxes), rows_out=1)
    train_detector(
        cache=PixelCache(pixels),
        boxes=boxes,
        out=out,
        work=out / "work",
        config=config,
        backend=backend,
        log=log,
    )
    job.artifact(out / "run.json")


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            pixels=[Path(path) for path in snakemake.input.pixels],
            annotated_boxes=[Path(path) for path in snakemake.input.annotated_boxes],
            out=Path(snakemake.output.run).parent,
            config=DetectorTrainingConfig(**snakemake.params.config),
            backend=snakemake.params.backend,
            job=job,
        )
