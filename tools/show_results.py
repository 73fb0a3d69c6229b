"""Print what a run made and how well, from its tables stage_metrics and metrics."""

import argparse
import sys
from pathlib import Path
from typing import Any

import polars as pl

from asg_core.config import read_config
from asg_core.plan.run import RunPlan
from asg_core.plan.summary import summary_index
from asg_core.summary.terminal import results_table
from asg_core.tables.catalog import METRICS, STAGE_METRICS
from asg_core.tables.schema import read_tables
from asg_core.terms.stages import SCORED_STAGES
from asg_core.terms.targets import ALL


def results_page(metrics: pl.DataFrame) -> str:
    """Return counts, rejects and scores as plain text, one line each."""
    lines = []
    for title, rows in (
        ("rows", metrics.filter(pl.col("metric") == "rows")),
        ("rejects", metrics.filter(pl.col("metric") == "rejects")),
        ("scores against ground truth", _scores(metrics)),
    ):
        lines.append(f"\n{title}")
        for row in rows.sort("stage", "metric", "target").iter_rows(named=True):
            name = {
                "rows": row["target"],
                "rejects": f"{row['stage']}: {row['target']}",
            }
            label = name.get(row["metric"], f"{row['stage']}: {row['metric']}")
            lines.append(f"  {label:<52}{_number(row):>12}")
    return "\n".join(lines) + "\n"


def _scores(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return the overall value of every score: no counts, no single targets."""
    is_score = pl.col("stage").is_in(list(SCORED_STAGES))
    is_count = pl.col("metric").is_in(["rows", "rejects"])
    return metrics.filter(is_score & ~is_count & (pl.col("target") == ALL))


def _number(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "undefined"
    is_count = row["metric"] in ("rows", "rejects", "units", "images")
    return f"{row['value']:,.0f}" if is_count else f"{row['value']:.3f}"


def main() -> None:
    """Read the metrics of the corpus that a configuration names, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", type=Path, required=True)
    plan = RunPlan(read_config(parser.parse_args().configfile))
    counted = read_tables(_as_paths(plan.metric_files), schema=STAGE_METRICS)
    sys.stdout.write(results_page(counted))
    scored = plan.files(plan.evaluation("metrics.parquet"))
    if scored:
        # An encoder that failed leaves none.
        made = [path for path in _as_paths(scored) if path.exists()]
        table = results_table(
            read_tables(made, schema=METRICS), encoders=list(plan.encoders)
        )
        sys.stdout.write(f"\n{table}\n")
    sys.stdout.write(f"\nTables:  {plan.results}/tables\n")
    sys.stdout.write(f"Summary: {summary_index(plan)}\n")


def _as_paths(files: list[str]) -> list[Path]:
    return [Path(file) for file in files]


if __name__ == "__main__":
    main()
