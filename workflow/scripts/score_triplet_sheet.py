"""Score the triplets of a sheet that a person has marked."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from asg_core.checking.config import TripletCheckConfig
from asg_core.checking.draw import read_rows_of
from asg_core.checking.facts import sheet_facts, sheet_rejects
from asg_core.checking.marks import read_filled_sheet
from asg_core.checking.score import (
    find_confusions,
    score_current,
    score_sheet,
    stage_metrics_of,
)
from asg_core.jobs import Job, paths, run_job
from asg_core.summary.pages.checked import checked_page
from asg_core.tables.catalog import TRIPLET_CONFUSIONS, TRIPLET_SCORES, TRIPLETS
from asg_core.tables.schema import write_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    *,
    sheet: Path,
    triplets: list[Path],
    outputs: dict[str, Path],
    config: TripletCheckConfig,
    job: Job,
) -> None:
    """Read the marked `sheet`, write its scores, confusions, page and rejects."""
    filled = read_filled_sheet(sheet)
    job.rows(rows_in=filled.num_to_mark, rows_out=len(filled.claims))
    job.write_rejects(
        sheet_rejects(filled),
        outputs["rejects"],
        num_items=filled.num_to_mark,
        max_share=config.max_unjudged_share,
        config_key="check_triplets.max_unjudged_share",
    )
    current = read_rows_of(filled.reports["study_id"], triplets, schema=TRIPLETS)
    scores = pl.concat(
        [
            score_sheet(filled, seed=config.seed),
            score_current(filled, current, seed=config.seed),
        ]
    )
    confusions = find_confusions(filled)
    job.stage_metrics(stage_metrics_of(scores))
    write_table(scores, outputs["scores"], schema=TRIPLET_SCORES)
    write_table(confusions, outputs["confusions"], schema=TRIPLET_CONFUSIONS)
    facts = sheet_facts(filled, current, name=sheet.name)
    page = checked_page(scores, confusions, facts=facts)
    outputs["page"].write_text(page, encoding="utf-8")


if __name__ == "__main__":
    with run_job(snakemake) as job:
        main(
            sheet=Path(snakemake.input.sheet),
            triplets=[Path(path) for path in snakemake.input.triplets],
            outputs=paths(snakemake.output),
            config=TripletCheckConfig(**snakemake.params.config),
            job=job,
        )
