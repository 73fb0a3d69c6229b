"""The scores of a marked sheet as a page that a person reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from asg_core.checking.marks import ELEMENTS, FilledSheet
from asg_core.checking.score import ALL, JOINT_NOW, worst_confusions
from asg_core.terms.findings import FINDINGS

_NUM_CONFUSIONS = 15
_METRICS = ("precision", "recall", "f1")
_VALUES = {
    "sample": ("value", "ci_low", "ci_high"),
    "corpus": ("corpus_value", "corpus_low", "corpus_high"),
}
_DEFINITIONS = """\
A row of the sheet is one triplet; a finding with two regions is two. An element counts as
right by its own, `joint` is all three. Precision is over all judged rows; recall is over the
true triplets of the reports that were read to the end; F1 is their harmonic mean. Brackets
are 95 % intervals: Wilson's for precision and recall, which take rows for independent, so
that they are a little too narrow where a report's rows are alike; the percentiles of a
bootstrap over reports for F1. *Sample* is of the judged rows as they are. *Corpus* weights
each report by how many it stands for, since reports of rare kinds are drawn more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the triplets of a run differ from those that the sheet proposes."""

    num_gone: int  # proposed by the sheet, no longer in the tables
    num_new: int  # of reports of the sheet, in the tables and not in the sheet

    @property
    def is_any(self) -> bool:
        """Whether they differ at all."""
        return self.num_gone + self.num_new > 0


def drift_of(sheet: FilledSheet, triplets: pl.DataFrame) -> Drift:
    """Compare a sheet with the current triplets of its reports, in TRIPLETS."""
    columns = ("study_id", "finding", "region", "existence", "finding_start")
    current = set(triplets.select(columns).iter_rows())
    return Drift(
        num_gone=len(sheet.proposals - current), num_new=len(current - sheet.proposals)
    )


def scores_page(
    sheet: FilledSheet,
    *,
    scores: pl.DataFrame,
    confusions: pl.DataFrame,
    drift: Drift,
    name: str,
) -> str:
    """Return the scores as Markdown: what was judged, the scores, what is confused.

    Args:
        sheet: The marked sheet.
        scores: In TRIPLET_SCORES.
        confusions: In TRIPLET_CONFUSIONS.
        drift: Of the sheet against the tables of this run.
        name: The name of the sheet's file.
    """
    parts = [
        "# Triplets checked by a person",
        "\n".join(f"- {line}" for line in facts(sheet, drift=drift, name=name)),
        _table(
            ["", "of", *_METRICS, "rows", "true"],
            [
                _score_cells(scores, element, values=values)
                for element in (
                    *ELEMENTS,
                    "joint",
                    *([JOINT_NOW] if drift.is_any else []),
                )
                for values in _VALUES
            ],
        ),
        _DEFINITIONS,
        "## What is confused",
        _confusion_table(confusions),
        "## By finding and by existence, all three elements (`joint`)",
        _target_table(scores),
    ]
    return "\n\n".join(parts) + "\n"


def facts(sheet: FilledSheet, *, drift: Drift, name: str) -> Iterator[str]:
    """Yield what a reader must know about a sheet, as sentences."""
    claims = sheet.claims
    num_judged = int(claims["is_proposed"].sum())
    num_reports = claims["study_id"].n_unique()
    yield (
        f"{name}: {num_judged} proposed triplets judged and {len(claims) - num_judged} "
        f"missed ones written down, in {num_reports} reports."
    )
    if sheet.unjudged:
        yield (
            f"{len(sheet.unjudged)} proposed triplets have no verdict and count for "
            f"nothing, the first in row {sheet.unjudged[0][0]}."
        )
    if sheet.unread:
        yield (
            f"{len(sheet.unread)} reports are not marked as read to the end and count for "
            f"no recall, the first in row {sheet.unread[0][0]}."
        )
    if sheet.num_missing:
        yield f"{sheet.num_missing} rows of the drawn sheet are missing."
    if drift.is_any:
        yield (
            "The triplets of this run are not those of the sheet: "
            f"{drift.num_gone} of the sheet's are gone, and its reports have "
            f"{drift.num_new} others. The scores are of the parser that the sheet was drawn with; "
            f"`{JOINT_NOW}` is of the triplets of this run, against the same truth, in the "
            "reports that are read to the end with a verdict on every row."
        )


def _score_cells(scores: pl.DataFrame, element: str, *, values: str) -> list[str]:
    is_row = (pl.col("element") == element) & (pl.col("target") == ALL)
    rows = {row["metric"]: row for row in scores.filter(is_row).iter_rows(named=True)}
    counts = [str(rows[metric]["num_items"]) for metric in ("precision", "recall")]
    return [
        element if values == "sample" else "",
        values,
        *(_interval(rows[metric], values=values) for metric in _METRICS),
        *(counts if values == "sample" else ("", "")),
    ]


def _confusion_table(confusions: pl.DataFrame) -> str:
    if confusions.is_empty():
        return "Nothing: every judged triplet is right, and none was missed."
    worst = worst_confusions(confusions)
    rows = [[str(value) for value in row] for row in worst.head(_NUM_CONFUSIONS).rows()]
    table = _table(["element", "proposed", "true", "rows"], rows)
    left = len(worst) - len(rows)
    return f"{table}\n\nAnd {left} more, in confusions.parquet." if left else table


def _target_table(scores: pl.DataFrame) -> str:
    """Return existences, then findings, those with most rows first."""
    single = scores.filter(pl.col("element") == "joint", pl.col("target") != ALL)
    by_target: dict[str, dict[str, dict[str, Any]]] = {}
    for row in single.iter_rows(named=True):
        by_target.setdefault(row["target"], {})[row["metric"]] = row
    rows = [
        (
            target in FINDINGS,
            -metrics["precision"]["num_items"] - metrics["recall"]["num_items"],
            [
                target,
                *(
                    text
                    for metric in ("precision", "recall")
                    for text in (
                        _interval(metrics[metric], values="sample"),
                        str(metrics[metric]["num_items"]),
                    )
                ),
            ],
        )
        for target, metrics in by_target.items()
    ]
    return _table(
        ["", "precision", "rows", "recall", "true"], [row for *_, row in sorted(rows)]
    )


def _interval(row: Mapping[str, Any], *, values: str) -> str:
    value, low, high = (row[column] for column in _VALUES[values])
    if value is None:
        return "-"
    edges = "" if low is None else f" [{low:.3f}, {high:.3f}]"
    return f"{value:.3f}{edges}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, [":---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
