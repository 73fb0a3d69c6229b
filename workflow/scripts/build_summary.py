"""Build the pages about a run, and its tables as CSV, Markdown and LaTeX."""

from pathlib import Path
from typing import TYPE_CHECKING

from asg_core.jobs import Job, path_lists, run_job
from asg_core.summary.build import build_summary
from asg_core.summary.config import SummaryConfig
from asg_core.summary.inputs import SummaryInputs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

_NO_TABLES = (
    "stage_metrics",
    "rejects",
    "pixels",
    "runs",
    "metrics",
    "scores",
    "notes",
)


def main(
    *,
    inputs: SummaryInputs,
    index: Path,
    config: SummaryConfig,
    is_synthetic: bool,
    may_export_examples: bool,
    sheet_names: list[str],
    job: Job,
) -> None:
    """Write the folder of `index`."""
    job.rows(rows_in=len(inputs.evaluations), rows_out=1)
    build_summary(
        inputs=inputs,
        out=index.parent,
        config=config,
        is_synthetic=is_synthetic,
        may_export_examples=may_export_examples,
        sheet_names=sheet_names,
    )


if __name__ == "__main__":
    with run_job(snakemake) as job:
        files = path_lists(snakemake.input)
        results = Path(snakemake.output.index).parents[1]
        main(
            inputs=SummaryInputs(
                corpus=results.name,
                stage_metrics=files["stage_metrics"],
                tables={
                    name: paths
                    for name, paths in files.items()
                    if name not in _NO_TABLES
                },
                rejects=files["rejects"],
                runs={path.parent.name: path.parent for path in files["runs"]},
                evaluations=[path.parent for path in files["metrics"]],
                timings=results / "timings",
                pixels=files["pixels"],
                corpus_root=snakemake.params.root and Path(snakemake.params.root),
                config=snakemake.params.project,
                code_digests=snakemake.params.digests,
            ),
            index=Path(snakemake.output.index),
            config=SummaryConfig(**snakemake.params.config),
            is_synthetic=snakemake.params.is_synthetic,
            may_export_examples=snakemake.params.may_export_examples,
            sheet_names=list(
                dict.fromkeys(Path(f).stem for f in snakemake.output.tables)
            ),
            job=job,
        )
