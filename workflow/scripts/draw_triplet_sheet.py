"""Draw reports and write the sheet on which a person judges their triplets."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.checking.config import TripletCheckConfig
from asg_core.checking.draw import draw_sheet
from asg_core.checking.sheet import write_new_sheet
from asg_core.jobs import Job, path_lists, run_job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    tables: dict[str, list[Path]],
    sheet: Path,
    strata: Path,
    config: TripletCheckConfig,
    job: Job,
) -> None:
    """Read all shards, write `sheet` unless it has marks, and `strata`."""
    drawn = draw_sheet(tables, config=config)
    job.rows(
        rows_in=int(drawn.strata["num_reports"].sum()),
        rows_out=int(drawn.strata["num_drawn"].sum()),
    )
    write_new_sheet(drawn.content, sheet)
    drawn.strata.write_csv(strata)


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            tables=path_lists(snakemake.input),
            sheet=Path(snakemake.output.sheet),
            strata=Path(snakemake.output.strata),
            config=TripletCheckConfig(**snakemake.params.config),
            job=job,
        )
