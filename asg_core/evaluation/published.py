"""Numbers that papers have printed, each with its protocol and its source.

A number may stand beside ours only under the same protocol and on the same split. Names of
protocols that this package does not run say what was done instead: `kad-finetune-nih` and
`benchx-finetune` train the encoder too, `benchx-segmentation` counts the background as a
class, and `zero-shot-published` has prompts and thresholds that nobody can look up. The
README of ASG says that its splits are those of MGCA, on NIH those of KAD.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import polars as pl

from asg_core.tables.schema import TableError

COLUMNS: Final = {
    "method": pl.String,
    "benchmark": pl.String,
    "protocol": pl.String,
    "split": pl.String,
    "metric": pl.String,
    "fraction": pl.Float64,
    "percent": pl.Float64,
    "note": pl.String,
    "source": pl.String,
}
"""Of published.tsv; a note may be empty. `fraction` is 0 for zero-shot, `split` is a name
of `evaluation.benchmarks.<benchmark>.split` or one of FOREIGN_SPLITS."""

KEY: Final = (
    "method",
    "benchmark",
    "protocol",
    "split",
    "metric",
    "fraction",
    "source",
)

FOREIGN_SPLITS: Final[Mapping[str, str]] = {
    "70-10-20": "70, 10 and 20 % of the patients, by lists of BenchX, MRM and ECAMP",
    "benchx": "that of BenchX",
    "unstated": "the source that was read does not say which",
}
"""Splits of published numbers that no benchmark of this package need have, and what is
known of each."""


def read_published() -> pl.DataFrame:
    """Return the published numbers, sorted by benchmark, protocol, metric and split.

    The columns are those of `COLUMNS`, with `value` in 0 .. 1 in the place of `percent`,
    so that it compares with METRICS whose target is `all`.

    Raises:
        TableError: If a cell is missing, a number is no percentage, or a key is there
            twice.
    """
    path = files("asg_core.evaluation").joinpath("published.tsv")
    with path.open("rb") as file:
        rows = pl.read_csv(
            file,
            separator="\t",
            schema=COLUMNS,
            quote_char=None,
        )
    rows = rows.with_columns(pl.col("note").fill_null(""))
    numbers = pl.col("percent").is_between(0, 100) & pl.col("fraction").is_between(0, 1)
    texts = pl.all_horizontal(pl.col(*KEY[:5], "source").str.len_chars() > 0)
    wrong = rows.filter(~(numbers & texts).fill_null(value=False))
    if len(wrong):
        raise TableError(
            "published.tsv: expected names, a fraction in 0 .. 1 and a percentage in "
            f"every row, found {len(wrong)} others, such as {wrong.row(0)}"
        )
    repeated = rows.filter(rows.select(KEY).is_duplicated())
    if len(repeated):
        raise TableError(
            "published.tsv: expected every number once per source, found "
            f"{len(repeated)} rows that share a key, such as {repeated.row(0)}"
        )
    values = (pl.col("percent") / 100).round(6).alias("value")
    return rows.select(*KEY[:6], values, "note", "source").sort(
        "benchmark", "protocol", "metric", "split", "method", "fraction", "source"
    )
