"""Print what a run made and how well, from its tables stage_metrics and metrics."""

import argparse
import sys
from pathlib import Path
from typing import Any

import polars as pl

from asg_core.config import read_config
from asg_core.summary.terminal import results_table
from asg_core.tables.catalog import METRICS, STAGE_METRICS
from asg_core.tables.schema import read_tables
from asg_core.terms.stages import SCORED_STAGES


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
    return metrics.filter(is_score & ~is_count & (pl.col("target") == "all"))


def _number(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "undefined"
    is_count = row["metric"] in ("rows", "rejects", "units", "images")
    return f"{row['value']:,.0f}" if is_count else f"{row['value']:.3f}"


def main() -> None:
    """Read the metrics of the corpus that a configuration names, and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", type=Path, required=True)
    config = read_config(parser.parse_args().configfile)
    results = Path("results") / config.corpus.name
    folder = results / "tables" / "stage_metrics"
    files = [folder / f"{name}.parquet" for name in config.metric_files]
    sys.stdout.write(results_page(read_tables(files, schema=STAGE_METRICS)))
    scored = [
        results / "evaluation" / encoder / benchmark / "metrics.parquet"
        for encoder in config.encoders
        for benchmark in config.benchmarks
    ]
    if scored:
        # An encoder that failed leaves none.
        made = [path for path in scored if path.exists()]
        metrics = read_tables(made, schema=METRICS)
        sys.stdout.write(
            f"\n{results_table(metrics, encoders=list(config.encoders))}\n"
        )
    sys.stdout.write(f"\nTables:  {results / 'tables'}\n")
    sys.stdout.write(f"Summary: {results / 'summary' / 'index.html'}\n")


if __name__ == "__main__":
    main()
